"""One-step temporal-difference estimate, TD(0).

    G_t = r_t + gamma_t (1 - terminated_t) V(s'_t)                               (1)
    A_t = G_t - V(s_t)                                                           (2)

Source    Sutton and Barto 2018, 2nd ed., eq. 6.2 (its target), eq. 6.5 (the TD error, here A).
Time      s'_t is the state that step t led to, before any reset: at a truncation V(s'_t) is not V(s_{t+1}).
Masks     terminated cuts the bootstrap. done is checked against it and read for nothing else: no step reads another.
Limits    gamma = 0: G = r.  GAE(lambda = 0) and TD(lambda = 0) are TD(0), always.
TorchRL   td0_return_estimate, td0_advantage_estimate.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract
from rlref.returns._value_estimate import ValueEstimate


class Gradient(NamedTuple):
    """The derivative by each differentiable input, [T, *B]."""

    reward: np.ndarray
    state_value: np.ndarray
    next_state_value: np.ndarray


@contract.per_sample
def loop(reward, state_value, next_state_value, done, terminated, *, gamma) -> ValueEstimate:
    """(1)-(2) for one step."""
    bootstrap = 0 if terminated else next_state_value
    value_target = reward + gamma * bootstrap                                    # (1)
    return ValueEstimate(value_target - state_value, value_target)               # (2)


@contract.vectorized
def vectorized(reward, state_value, next_state_value, done, terminated, *, gamma) -> ValueEstimate:
    """(1)-(2) for all steps at once."""
    value_target = reward + gamma * np.where(terminated, 0.0, next_state_value)  # (1)
    return ValueEstimate(value_target - state_value, value_target)               # (2)


@contract.vectorized
def vjp(cotangent: ValueEstimate, reward, state_value, next_state_value, done, terminated, *,
        gamma) -> Gradient:
    """Each output is linear in the inputs of its own step."""
    by_target = cotangent.advantage + cotangent.value_target
    return Gradient(
        reward=by_target,
        state_value=-cotangent.advantage,
        next_state_value=np.where(terminated, 0.0, gamma * by_target),
    )
