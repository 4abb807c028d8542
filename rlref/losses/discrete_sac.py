"""Discrete soft actor-critic: the expectation over the policy is a sum over its actions.

    loss_actor  = sum_a pi(a|s_t) (alpha log pi(a|s_t) - min_i Q_i(s_t, a)),  alpha = exp(log alpha)  (1)
    delta_i     = Q_i(s_t, a_t) - G_t                                            (2)
    loss_qvalue = sum_i l(delta_i),  l the chosen distance                       (3)
    loss_alpha  = -log alpha (H - entropy),  entropy = -sum_a pi(a|s_t) log pi(a|s_t)  (4)
    td_error    = max_i |delta_i|                                                (5)

Source    Christodoulou 2019, arXiv:1910.07207v2, eq. 12 for (1); eq. 11 for (4), there the sum over a of
          -alpha pi (log pi + H), whose derivative by log alpha is alpha times that of (4). For the rest see sac.
Masks     log pi = -inf: the action adds nothing to (1) and (4), and is not trained. G_t: td0 over expected_soft_q.
Ties      At delta_i = 0 the derivative of l1 is 0. The minimum in (1) trains no critic.
Limits    (1) is the expectation of loss_actor of sac over the policy's actions.
Trains    loss_actor: the policy, pi moving with log pi. loss_qvalue: the critics, at a_t. loss_alpha: log alpha.
TorchRL   DiscreteSACLoss. A masked action makes its actor and alpha losses NaN.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract
from rlref.losses import _ensemble, _last_axis
from rlref.scalars import distance, exp


class DiscreteSAC(NamedTuple):
    """Three terms, the largest TD error and the entropy, [T, *B]."""

    loss_actor: np.ndarray
    loss_qvalue: np.ndarray
    loss_alpha: np.ndarray
    td_error: np.ndarray
    entropy: np.ndarray


class LossActor(NamedTuple):
    log_probs: np.ndarray


class LossQvalue(NamedTuple):
    action_value: np.ndarray


class LossAlpha(NamedTuple):
    log_alpha: np.ndarray


class Gradient(NamedTuple):
    """The derivative of each term by what it trains."""

    loss_actor: LossActor
    loss_qvalue: LossQvalue
    loss_alpha: LossAlpha


@contract.per_sample
def loop(action_value, action, value_target, log_probs, *, log_alpha, target_entropy, loss_function) -> DiscreteSAC:
    """(1)-(5), one action at a time."""
    loss_actor, entropy, alpha = 0, 0, exp(log_alpha)
    for values, log_pi in zip(action_value, log_probs, strict=True):
        pi = exp(log_pi)
        if pi > 0:
            loss_actor = loss_actor + pi * (alpha * log_pi - min(values))        # (1)
            entropy = entropy - pi * log_pi
    delta = [q - value_target for q in action_value[action]]                     # (2)
    loss_qvalue = sum(distance(d, loss_function) for d in delta)                 # (3)
    loss_alpha = -log_alpha * (target_entropy - entropy)                         # (4)
    return DiscreteSAC(loss_actor, loss_qvalue, loss_alpha, max(abs(d) for d in delta), entropy)  # (5)


@contract.vectorized
@np.errstate(over="ignore")
def vectorized(action_value, action, value_target, log_probs, *,
               log_alpha, target_entropy, loss_function) -> DiscreteSAC:
    """(1)-(5) for the whole batch."""
    pi, log_pi = _ensemble.policy(log_probs)
    loss_actor = _last_axis.total(pi * (np.exp(log_alpha) * log_pi - _last_axis.least(action_value)))  # (1)
    taken = _ensemble.taken(action_value, action)
    loss_qvalue, td_error = _ensemble.distances(taken, value_target, loss_function)  # (2), (3), (5)
    entropy = -_last_axis.total(pi * log_pi)
    loss_alpha = -log_alpha * (target_entropy - entropy)                         # (4)
    return DiscreteSAC(loss_actor, loss_qvalue, loss_alpha, td_error, entropy)


@contract.vectorized
@np.errstate(over="ignore")
def vjp(cotangent: DiscreteSAC, action_value, action, value_target, log_probs, *,
        log_alpha, target_entropy, loss_function) -> Gradient:
    """By each log pi, pi moving with it: pi (alpha (log pi + 1) - min Q); the slope of the distance at a_t."""
    pi, log_pi = _ensemble.policy(log_probs)
    by_log_pi = pi * (np.exp(log_alpha) * (log_pi + 1.0) - _last_axis.least(action_value))
    by_q = _ensemble.slopes(cotangent.loss_qvalue, _ensemble.taken(action_value, action), value_target, loss_function)
    by_log_alpha = np.asarray(-np.sum(cotangent.loss_alpha * (target_entropy + _last_axis.total(pi * log_pi))))
    by_value = _ensemble.untaken(by_q, action, action_value)
    return Gradient(LossActor(cotangent.loss_actor[..., None] * by_log_pi), LossQvalue(by_value),
                    LossAlpha(by_log_alpha))
