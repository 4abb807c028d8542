"""Dreamer's actor: the lambda-returns along an imagined trajectory, negated.

    G_t    = r_t + gamma_t ((1 - lambda_t) V(s'_t) + lambda_t G_{t+1}),  G_T = V(s'_{T-1})   (1)
    w_t    = gamma_0 gamma_1 ... gamma_{t-1} if discount_loss, else 1                        (2)
    loss_t = -w_t G_t                                                                        (3)

Source    Hafner et al. 2020, arXiv:1912.01603, eq. 6 (a sum over n-step estimates, gamma constant) and eq. 7 (without
          weights; section 3, in words: the product of the discounts so far, where ends are predicted). (1) as a
          recursion: Hafner et al. 2021, arXiv:2010.02193, eq. 4.
Time      s'_t is the imagined state after step t; V(s'_t) is V(s_{t+1}), and the bootstrap at the last step.
Masks     None: imagination has no end. Where an end is predicted, gamma_t is smaller; it weighs what comes after it.
Trains    reward and next_state_value: through them, and through (1), every action before. The weights are constants.
Limits    lambda = 0: G is TD(0)'s target.  lambda = 1: TD(1)'s.  gamma = 0, discounted: only r_0 is left.
TorchRL   DreamerActorLoss: the mean over trajectories of the sum over time. Dreamer's own code has the mean of both.
          It discounts by default, though its docstring says not, and its lambda_target ignores lambda.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract, recurrence
from rlref.losses import _discount


class DreamerActor(NamedTuple):
    """The loss of each step, [T, *B]."""

    loss_actor: np.ndarray


class Gradient(NamedTuple):
    """The derivative by each input that is trained, [T, *B]."""

    reward: np.ndarray
    next_state_value: np.ndarray


@contract.per_trajectory
def loop(reward, next_state_value, *, discount_loss, gamma, lmbda) -> DreamerActor:
    """(1)-(3), the returns last step first, then the weights first step first."""
    returns = [0] * len(reward)
    later = next_state_value[-1]                                                 # G_T
    for t in reversed(range(len(reward))):
        later = reward[t] + gamma[t] * ((1 - lmbda[t]) * next_state_value[t] + lmbda[t] * later)
        returns[t] = later                                                       # (1)
    loss_actor = []
    weight = 1
    for t in range(len(reward)):
        loss_actor.append(-(weight * returns[t]))                                # (3)
        if discount_loss:
            weight = weight * gamma[t]                                           # (2)
    return DreamerActor(loss_actor)


@contract.vectorized
def vectorized(reward, next_state_value, *, discount_loss, gamma, lmbda) -> DreamerActor:
    """G solves the bidiagonal system (I - shift(gamma lambda)) G = r + gamma (1 - lambda) V; gamma V at the end."""
    of_later, of_value = _coefficients(reward.shape, gamma, lmbda)
    returns = recurrence.solve(of_later, reward + of_value * next_state_value, overwrite=True)  # (1)
    return DreamerActor(-_discount.weights(gamma, reward.shape, discount_loss) * returns)  # (2), (3)


@contract.vectorized
def vjp(cotangent: DreamerActor, reward, next_state_value, *, discount_loss, gamma, lmbda) -> Gradient:
    """The transpose of (1): the same recursion, run forward in time."""
    of_later, of_value = _coefficients(reward.shape, gamma, lmbda)
    by_return = -_discount.weights(gamma, reward.shape, discount_loss) * cotangent.loss_actor
    by_reward = recurrence.solve_transposed(of_later, by_return, overwrite=True)
    return Gradient(by_reward, of_value * by_reward)


def _coefficients(shape, gamma, lmbda):
    """Of G_{t+1} and of V(s'_t) in (1); the last step has only the latter."""
    gamma, lmbda = np.broadcast_to(gamma, shape), np.broadcast_to(lmbda, shape)
    of_value = gamma * (1 - lmbda)
    of_value[-1] = gamma[-1]
    return gamma * lmbda, of_value
