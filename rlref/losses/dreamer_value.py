"""Dreamer's critic: squared distance to the lambda-returns along an imagined trajectory.

    w_t    = gamma_0 gamma_1 ... gamma_{t-1} if discount_loss, else 1            (1)
    loss_t = w_t (V(s_t) - G_t)^2                                                (2)

Source    Hafner et al. 2020, arXiv:1912.01603, eq. 8: there with 1/2 and without weights (section 3, in words: the
          product of the discounts so far, where ends are predicted). The square without 1/2 is TorchRL's.
Time      V(s_t) is the value of the state that step t acts in, G_t the return from it: dreamer_actor's, one step each.
Masks     None: imagination has no end.
Trains    state_value. The target is a constant, though the actor's loss runs through the same returns.
Limits    discount_loss = False, or gamma = 1: distance, l2.  gamma = 0, discounted: only the first step counts.
TorchRL   DreamerValueLoss(value_loss="l2"): the mean over trajectories of the sum over time. It discounts by default,
          though its docstring says not, and by its own gamma, 0.99, whatever the actor's is.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract
from rlref.losses import _discount


class DreamerValue(NamedTuple):
    """The loss of each step, [T, *B]."""

    loss_value: np.ndarray


class Gradient(NamedTuple):
    """The derivative by the input that is trained, [T, *B]."""

    state_value: np.ndarray


@contract.per_trajectory
def loop(state_value, value_target, *, discount_loss, gamma) -> DreamerValue:
    """(1)-(2), first step first."""
    loss_value = []
    weight = 1
    for t in range(len(state_value)):
        difference = state_value[t] - value_target[t]
        loss_value.append(weight * difference * difference)                      # (2)
        if discount_loss:
            weight = weight * gamma[t]                                           # (1)
    return DreamerValue(loss_value)


@contract.vectorized
def vectorized(state_value, value_target, *, discount_loss, gamma) -> DreamerValue:
    """(1)-(2) for all steps at once; weighted first: where the weight is 0, nothing is left, however large."""
    difference = state_value - value_target
    loss_value = _discount.weights(gamma, state_value.shape, discount_loss) * difference  # (1)
    with np.errstate(over="ignore"):
        loss_value *= difference                                                 # (2)
    return DreamerValue(loss_value)


@contract.vectorized
def vjp(cotangent: DreamerValue, state_value, value_target, *, discount_loss, gamma) -> Gradient:
    """Twice the difference, weighted as (2)."""
    gradient = state_value - value_target
    with np.errstate(over="ignore"):
        gradient *= 2 * _discount.weights(gamma, state_value.shape, discount_loss)
        gradient *= cotangent.loss_value
    return Gradient(gradient)
