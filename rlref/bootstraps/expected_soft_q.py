"""The expected soft value over all next actions: the bootstrap of discrete SAC.

    q_a     = min_i Q_i(s'_t, a)                                                 (1)
    V(s'_t) = sum_a pi(a|s'_t) (q_a - alpha_t log pi(a|s'_t))                    (2)

Source    Christodoulou 2019, arXiv:1910.07207v2, eq. 10, for (2); the minimum as in continuous SAC, in words.
Masks     An action of probability 0 has the log-probability minus infinity, and none of its values is read.
Ties      In (1) the first of the smallest values owns the derivative.
Limits    A policy that always takes one action: its q.  alpha = 0: the expected q.  As pi = softmax(q / alpha):
          alpha log sum_a exp(q_a / alpha), the largest that any policy has.
TorchRL   DiscreteSACLoss. With skip_done_states=True an action of probability 0 gives NaN, and a truncated step 0.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract
from rlref.bootstraps._next_state_value import NextStateValue
from rlref.scalars import exp


class Gradient(NamedTuple):
    """The derivative by each differentiable input: [T, *B, A, N] and [T, *B, A]."""

    next_action_value: np.ndarray
    next_log_probs: np.ndarray


@contract.per_sample
def loop(next_action_value, next_log_probs, *, alpha) -> NextStateValue:
    """(1)-(2), for one step, one action at a time."""
    value = 0
    for by_critic, log_prob in zip(next_action_value, next_log_probs, strict=True):
        prob = exp(log_prob)
        if prob > 0:
            value = value + prob * (min(by_critic) - alpha * log_prob)           # (1), (2)
    return NextStateValue(value)


@contract.vectorized
@np.errstate(over="ignore")
def vectorized(next_action_value, next_log_probs, *, alpha) -> NextStateValue:
    """(1)-(2), for all steps at once."""
    prob, soft = _soft(next_action_value, next_log_probs, alpha)
    return NextStateValue(np.sum(prob * soft, axis=-1))                          # (2)


@contract.vectorized
@np.errstate(over="ignore")
def vjp(cotangent: NextStateValue, next_action_value, next_log_probs, *, alpha) -> Gradient:
    """Each action by its probability: to the critic that is smallest there, and to the log-probability."""
    prob, soft = _soft(next_action_value, next_log_probs, alpha)
    by_soft = cotangent.next_state_value[..., None] * prob
    by_value = np.zeros_like(next_action_value)
    smallest = np.argmin(next_action_value, axis=-1, keepdims=True)
    np.put_along_axis(by_value, smallest, by_soft[..., None], axis=-1)
    return Gradient(by_value, by_soft * (soft - np.asarray(alpha)[..., None]))


def _soft(next_action_value, next_log_probs, alpha):
    """pi, and q - alpha log pi, which is 0 where pi is 0."""
    prob = np.exp(next_log_probs)
    possible = prob > 0
    log_prob = np.where(possible, next_log_probs, 0.0)
    smallest = np.where(possible, np.min(next_action_value, axis=-1), 0.0)       # (1)
    return prob, smallest - np.asarray(alpha)[..., None] * log_prob
