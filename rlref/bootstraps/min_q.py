"""The smallest of several critics' values: the bootstrap of TD3, clipped double Q-learning.

    V(s'_t) = min_i Q_i(s'_t, a'_t)                                              (1)

Source    Fujimoto et al. 2018, arXiv:1802.09477v3, eq. 10, and eq. 15 for the action; there with two critics.
Action    a'_t is the target policy's, smoothed: target_policy_smoothing.
Masks     None. At a termination V(s'_t) is never read.
Ties      The first of the smallest values owns the derivative.
Limits    One critic: its value, DDPG's bootstrap.
TorchRL   TD3Loss, whose output calls it next_state_value.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract
from rlref.bootstraps._next_state_value import NextStateValue


class Gradient(NamedTuple):
    """The derivative by each differentiable input, [T, *B, N]."""

    next_state_action_value: np.ndarray


@contract.per_sample
def loop(next_state_action_value) -> NextStateValue:
    """(1), for one step."""
    return NextStateValue(min(next_state_action_value))                          # (1)


@contract.vectorized
def vectorized(next_state_action_value) -> NextStateValue:
    """(1), for all steps at once."""
    return NextStateValue(np.min(next_state_action_value, axis=-1))              # (1)


@contract.vectorized
def vjp(cotangent: NextStateValue, next_state_action_value) -> Gradient:
    """The critic with the smallest value gets everything."""
    gradient = np.zeros_like(next_state_action_value)
    smallest = np.argmin(next_state_action_value, axis=-1, keepdims=True)
    np.put_along_axis(gradient, smallest, cotangent.next_state_value[..., None], axis=-1)
    return Gradient(gradient)
