"""The lambda-return, TD(lambda).

    G_t = r_t + gamma_t ahead_t                                                  (1)
    ahead_t = 0                                           where terminated_t     (2)
              V(s'_t)                                     where done_t, or t = T - 1   (3)
              (1 - lambda_t) V(s'_t) + lambda_t G_{t+1}   elsewhere              (4)
    A_t = G_t - V(s_t)                                                           (5)

Source    Sutton and Barto 2018, 2nd ed., eq. 12.18 (state-based; their gamma_{t+1}, lambda_{t+1} are gamma_t, lambda_t
          here). It never ends: the ends (2) and (3) are ours.
Time      s'_t is the state that step t led to, before any reset: at a truncation V(s'_t) is not V(s_{t+1}).
Masks     terminated cuts both bootstraps, in (3) and (4); done cuts the recursion in (4).
Gamma     rolling_gamma=True: gamma_t and lambda_t belong to step t. False (TorchRL's): G_k uses gamma_k, lambda_k.
Limits    lambda = 0: TD(0).  lambda = 1: TD(1).  V(s'_t) = V(s_{t+1}) inside a trajectory: G = GAE + V.
TorchRL   td_lambda_return_estimate, vec_td_lambda_return_estimate and their _advantage_estimate.
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
def loop(reward, state_value, next_state_value, done, terminated, *,
         gamma, lmbda, rolling_gamma) -> ValueEstimate:
    """(1)-(5), one time step at a time, last step first; without rolling_gamma, once for each start."""
    last = len(reward) - 1

    def backup(t, gamma, lmbda, later):
        if terminated[t]:
            return reward[t]                                                     # (2)
        if done[t] or t == last:
            return reward[t] + gamma * next_state_value[t]                       # (3)
        return reward[t] + gamma * ((1 - lmbda) * next_state_value[t] + lmbda * later)  # (4)

    value_target = [0] * len(reward)
    later = 0
    for k in reversed(range(len(reward))):
        if rolling_gamma:
            later = backup(k, gamma[k], lmbda[k], later)
        else:
            later = 0
            for t in reversed(range(k, len(reward))):
                later = backup(t, gamma[k], lmbda[k], later)
        value_target[k] = later
    advantage = [g - v for g, v in zip(value_target, state_value, strict=True)]  # (5)
    return ValueEstimate(advantage, value_target)


@contract.vectorized
def vectorized(reward, state_value, next_state_value, done, terminated, *,
               gamma, lmbda, rolling_gamma) -> ValueEstimate:
    """G solves a bidiagonal system; the bootstraps of (3) and (4) are part of its right-hand side."""
    bootstrap = np.where(terminated, 0.0, next_state_value)
    cut = recurrence.stops(done)
    if rolling_gamma:
        here = gamma * np.where(cut, bootstrap, (1 - lmbda) * bootstrap)
        value_target = recurrence.solve(gamma * lmbda * ~cut, reward + here)     # (1)-(4)
    else:
        gamma, lmbda = np.broadcast_to(gamma, reward.shape), np.broadcast_to(lmbda, reward.shape)
        value_target = recurrence.solve_per_start(reward, bootstrap, cut, gamma, lmbda)
    return ValueEstimate(value_target - state_value, value_target)               # (5)


@contract.vectorized
def vjp(cotangent: ValueEstimate, reward, state_value, next_state_value, done, terminated, *,
        gamma, lmbda, rolling_gamma) -> Gradient:
    """The transpose of (4): the same recursion, run forward in time."""
    by_return = cotangent.advantage + cotangent.value_target
    cut = recurrence.stops(done)
    if rolling_gamma:
        by_reward = recurrence.solve_transposed(gamma * lmbda * ~cut, by_return)
        by_bootstrap = gamma * by_reward
        by_bootstrap = np.where(cut, by_bootstrap, (1 - lmbda) * by_bootstrap)
    else:
        gamma, lmbda = np.broadcast_to(gamma, reward.shape), np.broadcast_to(lmbda, reward.shape)
        by_reward, by_bootstrap = recurrence.solve_per_start_transposed(by_return, cut, gamma, lmbda)
    return Gradient(by_reward, -cotangent.advantage, np.where(terminated, 0.0, by_bootstrap))
