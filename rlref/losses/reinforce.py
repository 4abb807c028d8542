"""REINFORCE with a baseline.

    loss_actor = -log pi(a|s) A                                                  (1)
    loss_value = d(V(s) - G)                                                     (2)

Source    Sutton and Barto 2018, 2nd ed., eq. 13.11: a step along (G - b) grad log pi, so down (1) with A = G - b; after
          Williams 1992, Machine Learning 8, section 4. (2) is not part of it: it trains V where V is the baseline.
Masks     None: one loss a sample; reduction selects and averages.
Trains    loss_actor: log_prob. loss_value: state_value. A and G are constants here, whatever they were made of.
Limits    A alike for all actions: over the policy's own actions the derivatives cancel. So a baseline costs no bias.
TorchRL   ReinforceLoss. d is smooth_l1 unless loss_critic_type says otherwise; its clip_value is losses/clipped_value.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract
from rlref.losses import _distance
from rlref.scalars import distance


class Reinforce(NamedTuple):  # two terms, [T, *B]
    loss_actor: np.ndarray
    loss_value: np.ndarray


class LossActor(NamedTuple):  # what loss_actor trains
    log_prob: np.ndarray


class LossValue(NamedTuple):  # what loss_value trains
    state_value: np.ndarray


class Gradient(NamedTuple):  # the derivative of each term by what it trains
    loss_actor: LossActor
    loss_value: LossValue


@contract.per_sample
def loop(log_prob, advantage, state_value, value_target, *, loss_function) -> Reinforce:
    """(1)-(2), for one sample."""
    loss_actor = -(log_prob * advantage)                                         # (1)
    loss_value = distance(state_value - value_target, loss_function)             # (2)
    return Reinforce(loss_actor, loss_value)


@contract.vectorized
@np.errstate(over="ignore")
def vectorized(log_prob, advantage, state_value, value_target, *, loss_function) -> Reinforce:
    """(1)-(2) for the whole batch."""
    return Reinforce(-(log_prob * advantage), _distance.value(state_value - value_target, loss_function))


@contract.vectorized
@np.errstate(over="ignore")
def vjp(cotangent: Reinforce, log_prob, advantage, state_value, value_target, *, loss_function) -> Gradient:
    """-A by log pi; the slope of the distance by V."""
    slope = _distance.slope(state_value - value_target, loss_function)
    return Gradient(LossActor(-(cotangent.loss_actor * advantage)), LossValue(cotangent.loss_value * slope))
