"""Bootstraps: networks' outputs in the next state to the value that is backed up from it."""

from rlref.bootstraps import (
    categorical_projection,
    double_q,
    expected_soft_q,
    max_q,
    min_q,
    soft_min_q,
    subset_min_q,
    target_policy_smoothing,
)
from rlref.bootstraps._next_state_value import NextStateValue

__all__ = [
    "NextStateValue",
    "categorical_projection",
    "double_q",
    "expected_soft_q",
    "max_q",
    "min_q",
    "soft_min_q",
    "subset_min_q",
    "target_policy_smoothing",
]
