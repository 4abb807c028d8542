"""``python -m rlref`` is the ``rlref`` command."""

import sys

from rlref.cli import main

if __name__ == "__main__":
    sys.exit(main())
