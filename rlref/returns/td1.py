"""Monte-Carlo return with a bootstrap at its end, TD(1).

    G_t = r_t + gamma_t ahead_t                                                  (1)
    ahead_t = 0           where terminated_t                                     (2)
              V(s'_t)     where done_t, or t = T - 1                             (3)
              G_{t+1}     elsewhere                                              (4)
    A_t = G_t - V(s_t)                                                           (5)

Source    Sutton and Barto 2018, 2nd ed., eq. 12.17 (discounts that vary; their gamma_{t+1} is gamma_t here), eq. 7.1
          (the bootstrap at the end).
Time      s'_t is the state that step t led to, before any reset: at a truncation V(s'_t) is not V(s_{t+1}).
Masks     terminated cuts the bootstrap in (3); done cuts the recursion in (4).
Gamma     rolling_gamma=True: gamma_t belongs to step t. False (TorchRL's): G_k uses gamma_k at every step.
Limits    TD(lambda = 1) is TD(1), always.  V = V' = 0: reward-to-go.
TorchRL   td1_return_estimate, vec_td1_return_estimate and their _advantage_estimate.
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
def loop(reward, state_value, next_state_value, done, terminated, *, gamma, rolling_gamma) -> ValueEstimate:
    """(1)-(5), one time step at a time, last step first; without rolling_gamma, once for each start."""
    last = len(reward) - 1

    def backup(t, gamma, later):
        if terminated[t]:
            return reward[t]                                                     # (2)
        return reward[t] + gamma * (next_state_value[t] if done[t] or t == last else later)

    value_target = [0] * len(reward)
    later = 0
    for k in reversed(range(len(reward))):
        if rolling_gamma:
            later = backup(k, gamma[k], later)
        else:
            later = 0
            for t in reversed(range(k, len(reward))):
                later = backup(t, gamma[k], later)
        value_target[k] = later
    advantage = [g - v for g, v in zip(value_target, state_value, strict=True)]  # (5)
    return ValueEstimate(advantage, value_target)


@contract.vectorized
def vectorized(reward, state_value, next_state_value, done, terminated, *,
               gamma, rolling_gamma) -> ValueEstimate:
    """G solves a bidiagonal system; the bootstraps of (3) are part of its right-hand side."""
    bootstrap = np.where(terminated, 0.0, next_state_value)
    cut = recurrence.stops(done)
    if rolling_gamma:
        value_target = recurrence.solve(gamma * ~cut, reward + gamma * np.where(cut, bootstrap, 0.0))
    else:
        gamma = np.broadcast_to(gamma, reward.shape)
        value_target = recurrence.solve_per_start(reward, bootstrap, cut, gamma, np.ones(reward.shape))
    return ValueEstimate(value_target - state_value, value_target)               # (5)


@contract.vectorized
def vjp(cotangent: ValueEstimate, reward, state_value, next_state_value, done, terminated, *,
        gamma, rolling_gamma) -> Gradient:
    """The transpose of (4): the same recursion, run forward in time."""
    by_return = cotangent.advantage + cotangent.value_target
    cut = recurrence.stops(done)
    if rolling_gamma:
        by_reward = recurrence.solve_transposed(gamma * ~cut, by_return)
        by_bootstrap = np.where(cut, gamma * by_reward, 0.0)
    else:
        gamma = np.broadcast_to(gamma, reward.shape)
        by_reward, by_bootstrap = recurrence.solve_per_start_transposed(
            by_return, cut, gamma, np.ones(reward.shape))
    return Gradient(by_reward, -cotangent.advantage, np.where(terminated, 0.0, by_bootstrap))
