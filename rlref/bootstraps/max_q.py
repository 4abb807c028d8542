"""The value of the best next action: the bootstrap of Q-learning and DQN.

    V(s'_t) = max_a Q(s'_t, a)                                                   (1)

Source    van Hasselt et al. 2015, arXiv:1509.06461v3, eq. 3 (DQN's target, in which Q is the target network's); eq. 2
          is Q-learning's.
Masks     An action that is illegal in s'_t has the value minus infinity: the mask of the next state, not of s_t.
Ties      The first of the largest values owns the derivative.
Limits    One legal action: its value.  Two networks that agree: double_q.
TorchRL   DQNLoss. With action_space="one-hot" it adds up all the values that tie.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract
from rlref.bootstraps._next_state_value import NextStateValue


class Gradient(NamedTuple):
    """The derivative by each differentiable input, [T, *B, A]."""

    next_action_value: np.ndarray


@contract.per_sample
def loop(next_action_value) -> NextStateValue:
    """(1), for one step."""
    return NextStateValue(max(next_action_value))                                # (1)


@contract.vectorized
def vectorized(next_action_value) -> NextStateValue:
    """(1), for all steps at once."""
    return NextStateValue(np.max(next_action_value, axis=-1))                    # (1)


@contract.vectorized
def vjp(cotangent: NextStateValue, next_action_value) -> Gradient:
    """The best action gets everything."""
    gradient = np.zeros_like(next_action_value)
    best = np.argmax(next_action_value, axis=-1, keepdims=True)
    np.put_along_axis(gradient, best, cotangent.next_state_value[..., None], axis=-1)
    return Gradient(gradient)
