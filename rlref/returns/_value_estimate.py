"""What most estimators return."""

from typing import NamedTuple

import numpy as np


class ValueEstimate(NamedTuple):
    """An advantage for the policy and a regression target for the value, both [T, *B]."""

    advantage: np.ndarray
    value_target: np.ndarray
