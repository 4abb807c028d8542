"""The loss of deep Q-learning.

    delta = Q(s, a) - y                                                          (1)
    L     = l(delta),  l the chosen distance                                     (2)
    td    = |delta|                                                              (3)

Source    Mnih et al. 2013, arXiv:1312.5602, eq. 2, with l2; y is Q-learning's target, over max_q or double_q. (3) is
          the priority of Schaul et al. 2016, arXiv:1511.05952, section 3.3.
Masks     None: y holds what is known of s', terminations included.
Ties      At delta = 0 the derivative of l1 is 0.
Limits    A step of 1/2 against the gradient of l2 makes Q(s, a) = y and leaves the other actions as they were.
Trains    loss: the value of the action taken, no other action's. td_error is reported only.
TorchRL   DQNLoss (l2 by default). It writes td_error as delta^2, where Schaul et al. have |delta|. With priority
          weights w its mean is sum(w L) / sum(w); they, in algorithm 1, add up w L: see the page reduction.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract
from rlref.losses import _distance
from rlref.scalars import distance


class DQN(NamedTuple):
    """The loss of each sample and its absolute TD error, [T, *B]."""

    loss: np.ndarray
    td_error: np.ndarray


class Gradient(NamedTuple):
    """The derivative by every action's value, [T, *B, A]."""

    action_value: np.ndarray


@contract.per_sample
def loop(action_value, action, value_target, *, loss_function) -> DQN:
    """(1)-(3), one sample at a time."""
    delta = action_value[action] - value_target                                  # (1)
    return DQN(distance(delta, loss_function), abs(delta))                       # (2), (3)


@contract.vectorized
def vectorized(action_value, action, value_target, *, loss_function) -> DQN:
    """(1)-(3) for the whole batch."""
    delta = _taken(action_value, action) - value_target                          # (1)
    return DQN(_distance.value(delta, loss_function), np.abs(delta))             # (2), (3)


@contract.vectorized
def vjp(cotangent: DQN, action_value, action, value_target, *, loss_function) -> Gradient:
    """The slope of (2), put where the action is."""
    delta = _taken(action_value, action) - value_target
    by_delta = cotangent.loss * _distance.slope(delta, loss_function)
    gradient = np.zeros(action_value.shape)
    np.put_along_axis(gradient, action[..., None], by_delta[..., None], axis=-1)
    return Gradient(gradient)


def _taken(action_value, action):
    return np.take_along_axis(action_value, action[..., None], axis=-1)[..., 0]
