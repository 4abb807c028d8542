"""exp, log and sqrt for any number type, so that one loop runs on floats, on 60 digits and on derivatives.

Plain numbers use ``math``. Any other number brings its own functions in ``.context``, as ``mpmath.mpf`` does and as
``conformance.jet.Jet`` does.
"""

from __future__ import annotations

import math
from typing import Any


def exp(x: Any) -> Any:
    """e to the x."""
    return math.exp(x) if isinstance(x, (int, float)) else x.context.exp(x)


def log(x: Any) -> Any:
    """The natural logarithm; log(0) is minus infinity and log(inf) is inf, as their limits are."""
    if isinstance(x, (int, float)):
        return math.log(x) if x > 0 else -math.inf
    return x.context.log(x)


def sqrt(x: Any) -> Any:
    """The square root."""
    return math.sqrt(x) if isinstance(x, (int, float)) else x.context.sqrt(x)
