"""The online network's best next action, valued by the target network: the bootstrap of double DQN.

    a*_t    = argmax_a Q_online(s'_t, a)                                         (1)
    V(s'_t) = Q(s'_t, a*_t)                                                      (2)

Source    van Hasselt et al. 2015, arXiv:1509.06461v3, section "Double DQN", equation (no number); eq. 4 is tabular
          double Q-learning's.
Masks     An action that is illegal in s'_t has the value minus infinity in both arrays.
Ties      Of equal online values the first action is taken. V depends on the online network through a* alone: no
          derivative by it.
Limits    Q_online = Q: max_q.  Any Q_online: V <= max_q.
TorchRL   DQNLoss(double_dqn=True). With action_space="one-hot" it adds up the values of all actions that tie.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract
from rlref.bootstraps._next_state_value import NextStateValue


class Gradient(NamedTuple):
    """The derivative by each differentiable input, [T, *B, A]."""

    next_action_value: np.ndarray


@contract.per_sample
def loop(next_action_value, online_next_action_value) -> NextStateValue:
    """(1)-(2), for one step."""
    best = 0
    for action in range(len(online_next_action_value)):
        if online_next_action_value[action] > online_next_action_value[best]:    # (1)
            best = action
    return NextStateValue(next_action_value[best])                               # (2)


@contract.vectorized
def vectorized(next_action_value, online_next_action_value) -> NextStateValue:
    """(1)-(2), for all steps at once."""
    best = np.argmax(online_next_action_value, axis=-1, keepdims=True)           # (1)
    return NextStateValue(np.take_along_axis(next_action_value, best, axis=-1)[..., 0])  # (2)


@contract.vectorized
def vjp(cotangent: NextStateValue, next_action_value, online_next_action_value) -> Gradient:
    """The action taken in (1) gets everything."""
    gradient = np.zeros_like(next_action_value)
    best = np.argmax(online_next_action_value, axis=-1, keepdims=True)
    np.put_along_axis(gradient, best, cotangent.next_state_value[..., None], axis=-1)
    return Gradient(gradient)
