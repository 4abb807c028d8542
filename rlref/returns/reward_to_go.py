"""Discounted reward-to-go.

    G_t = r_t + gamma_t (1 - done_t) G_{t+1},  G_T = 0                           (1)

Source    Sutton and Barto 2018, 2nd ed., eq. 3.9 (eq. 12.17 where gamma varies).
Masks     done cuts the recursion. There is no bootstrap: after a truncation the rewards that were cut off are missing.
Limits    gamma = 0: G = r.  TD(1) with zero values, always.
TorchRL   reward2go.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract, recurrence


class RewardToGo(NamedTuple):
    """The return from each step on, [T, *B]."""

    reward_to_go: np.ndarray


class Gradient(NamedTuple):
    """The derivative by each differentiable input, [T, *B]."""

    reward: np.ndarray


@contract.per_trajectory
def loop(reward, done, *, gamma) -> RewardToGo:
    """(1), one time step at a time, last step first."""
    reward_to_go = [0] * len(reward)
    later = 0                                                                    # G_T
    for t in reversed(range(len(reward))):
        if done[t]:
            later = 0
        later = reward[t] + gamma[t] * later                                     # (1)
        reward_to_go[t] = later
    return RewardToGo(reward_to_go)


@contract.vectorized
def vectorized(reward, done, *, gamma) -> RewardToGo:
    """G solves the bidiagonal system (I - shift(gamma (1 - done))) G = r."""
    return RewardToGo(recurrence.solve(gamma * ~done, reward))


@contract.vectorized
def vjp(cotangent: RewardToGo, reward, done, *, gamma) -> Gradient:
    """The transpose of (1): the same recursion, run forward in time."""
    return Gradient(recurrence.solve_transposed(gamma * ~done, cotangent.reward_to_go))
