"""Generalized advantage estimation, GAE(gamma, lambda).

    delta_t = r_t + gamma_t (1 - terminated_t) V(s'_t) - V(s_t)                  (1)
    A_t     = delta_t + gamma_t lambda_t (1 - done_t) A_{t+1},  A_T = 0          (2)
    G_t     = A_t + V(s_t)                                                       (3)

Source    Schulman et al. 2016, arXiv:1506.02438v6, eq. 16: there the sum over l of (gamma lambda)^l delta_{t+l}, with
          constant gamma and lambda and no end.
Time      s'_t is the state that step t led to, before any reset: at a truncation V(s'_t) is not V(s_{t+1}).
Masks     terminated cuts the bootstrap in (1); done cuts the recursion in (2).
Limits    lambda = 0: A = delta.  lambda = 1, V(s'_t) = V(s_{t+1}) inside a trajectory: A = TD(1) return - V.
TorchRL   generalized_advantage_estimate, vec_generalized_advantage_estimate.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract, recurrence
from rlref.returns._value_estimate import ValueEstimate


class Gradient(NamedTuple):
    """The derivative by each differentiable input, [T, *B]."""

    reward: np.ndarray
    state_value: np.ndarray
    next_state_value: np.ndarray


@contract.per_trajectory
def loop(reward, state_value, next_state_value, done, terminated, *, gamma, lmbda) -> ValueEstimate:
    """(1)-(3), one time step at a time, last step first."""
    advantage = [0] * len(reward)
    later = 0                                                                    # A_T
    for t in reversed(range(len(reward))):
        bootstrap = 0 if terminated[t] else next_state_value[t]
        delta = reward[t] + gamma[t] * bootstrap - state_value[t]                # (1)
        if done[t]:
            later = 0
        later = delta + gamma[t] * lmbda[t] * later                              # (2)
        advantage[t] = later
    value_target = [a + v for a, v in zip(advantage, state_value, strict=True)]  # (3)
    return ValueEstimate(advantage, value_target)


@contract.vectorized
def vectorized(reward, state_value, next_state_value, done, terminated, *, gamma, lmbda) -> ValueEstimate:
    """A solves the bidiagonal system (I - shift(gamma lambda (1 - done))) A = delta."""
    delta = np.where(terminated, 0.0, next_state_value)
    delta *= gamma
    delta += reward
    delta -= state_value                                                         # (1)
    advantage = recurrence.solve(gamma * lmbda * ~done, delta, overwrite=True)   # (2)
    return ValueEstimate(advantage, advantage + state_value)                     # (3)


@contract.vectorized
def vjp(cotangent: ValueEstimate, reward, state_value, next_state_value, done, terminated, *,
        gamma, lmbda) -> Gradient:
    """The transpose of (2): the same recursion, run forward in time."""
    by_advantage = cotangent.advantage + cotangent.value_target
    by_delta = recurrence.solve_transposed(gamma * lmbda * ~done, by_advantage, overwrite=True)
    return Gradient(
        reward=by_delta,
        state_value=cotangent.value_target - by_delta,
        next_state_value=np.where(terminated, 0.0, gamma * by_delta),
    )
