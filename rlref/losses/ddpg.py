"""The losses of deep deterministic policy gradients: actor and critic.

    L_actor = -Q(s, mu(s))                                                       (1)
    delta   = Q(s, a) - y                                                        (2)
    L_value = l(delta),  l the chosen distance                                   (3)
    td      = |delta|                                                            (4)

Source    Lillicrap et al. 2016, arXiv:1509.02971, eq. 4 for (2) and (3) with l2, eq. 6 for the gradient of (1).
Masks     None: y holds what is known of s', terminations included.
Ties      At delta = 0 the derivative of l1 is 0.
Limits    At delta = 0 the critic is not trained; the actor's gradient is that of Q by the action, whatever Q's error.
Trains    loss_actor: the actor, through Q(s, mu(s)) of a critic held still. loss_value: the critic, through Q(s, a).
TorchRL   DDPGLoss (l2 by default). It writes td_error as delta^2, where Schaul et al. 2016 have |delta|.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract
from rlref.losses import _distance
from rlref.scalars import distance


class DDPG(NamedTuple):
    """Both losses of each sample and its absolute TD error, [T, *B]."""

    loss_actor: np.ndarray
    loss_value: np.ndarray
    td_error: np.ndarray


class LossActor(NamedTuple):
    """What the actor's loss trains, [T, *B]."""

    policy_action_value: np.ndarray


class LossValue(NamedTuple):
    """What the critic's loss trains, [T, *B]."""

    state_action_value: np.ndarray


class Gradient(NamedTuple):
    """The derivative of each term by what it trains."""

    loss_actor: LossActor
    loss_value: LossValue


@contract.per_sample
def loop(state_action_value, value_target, policy_action_value, *, loss_function) -> DDPG:
    """(1)-(4), one sample at a time."""
    delta = state_action_value - value_target                                    # (2)
    return DDPG(-policy_action_value, distance(delta, loss_function), abs(delta))  # (1), (3), (4)


@contract.vectorized
def vectorized(state_action_value, value_target, policy_action_value, *, loss_function) -> DDPG:
    """(1)-(4) for the whole batch."""
    delta = state_action_value - value_target                                    # (2)
    return DDPG(-policy_action_value, _distance.value(delta, loss_function), np.abs(delta))  # (1), (3), (4)


@contract.vectorized
def vjp(cotangent: DDPG, state_action_value, value_target, policy_action_value, *, loss_function) -> Gradient:
    """The slope of each term."""
    by_delta = _distance.slope(state_action_value - value_target, loss_function)
    return Gradient(LossActor(-cotangent.loss_actor), LossValue(cotangent.loss_value * by_delta))
