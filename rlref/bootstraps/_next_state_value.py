"""What most bootstraps return."""

from typing import NamedTuple

import numpy as np


class NextStateValue(NamedTuple):
    """The value to back up from the next state, [T, *B]."""

    next_state_value: np.ndarray
