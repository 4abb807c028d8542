"""Soft actor-critic with a value network, the first version of SAC.

    loss_actor  = alpha log pi(a|s_t) - min_i Q_i(s_t, a),  alpha = exp(log alpha)  (1)
    loss_value  = l(V(s_t) + loss_actor): V learns what the policy maximizes     (2)
    loss_qvalue = sum_i l(delta_i),  delta_i = Q_i(s_t, a_t) - G_t               (3)
    loss_alpha  = -log alpha (log pi(a|s_t) + H)                                 (4)
    td_error    = max_i |delta_i|,  entropy = -log pi(a|s_t)                     (5)

Source    Haarnoja et al. 2018, arXiv:1801.01290v2, eq. 12 for (1), eq. 5 for (2), eq. 7 for (3): there alpha = 1, l is
          half the square, and the minimum, of (2) too, stands in section 4.2, in words. For the rest see sac.
Masks     None: G_t, from td0 over the target network's V(s'_t), holds what is known of s', terminations included.
Ties      Of equal Q_i in (1) the first is trained. At a difference of 0 the derivative of l1 is 0.
Limits    All but loss_value is that of sac. It is 0 where V(s_t) is what bootstraps.soft_min_q makes of (1).
Trains    loss_actor, loss_qvalue, loss_alpha: as in sac. loss_value: V alone, of (1) nothing.
TorchRL   SACLoss with a value network. It shows each critic its own N-th part of the batch, where (3) shows all to all;
          it asks target critics in (2), and writes delta^2 as td_error, with its gradient attached.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract
from rlref.losses import _distance, _ensemble, _last_axis
from rlref.scalars import distance, exp


class SACValue(NamedTuple):
    """Four terms, the largest TD error and the entropy, [T, *B]."""

    loss_actor: np.ndarray
    loss_qvalue: np.ndarray
    loss_alpha: np.ndarray
    loss_value: np.ndarray
    td_error: np.ndarray
    entropy: np.ndarray


class LossActor(NamedTuple):
    log_prob: np.ndarray
    policy_action_value: np.ndarray


class LossQvalue(NamedTuple):
    state_action_value: np.ndarray


class LossAlpha(NamedTuple):
    log_alpha: np.ndarray


class LossValue(NamedTuple):
    state_value: np.ndarray


class Gradient(NamedTuple):
    """The derivative of each term by what it trains."""

    loss_actor: LossActor
    loss_qvalue: LossQvalue
    loss_alpha: LossAlpha
    loss_value: LossValue


@contract.per_sample
def loop(state_action_value, value_target, log_prob, policy_action_value, state_value, *,
         log_alpha, target_entropy, loss_function) -> SACValue:
    """(1)-(5), one critic at a time."""
    loss_actor = exp(log_alpha) * log_prob - min(policy_action_value)            # (1)
    loss_value = distance(state_value + loss_actor, loss_function)               # (2)
    delta = [q - value_target for q in state_action_value]
    loss_qvalue = sum(distance(d, loss_function) for d in delta)                 # (3)
    loss_alpha = -log_alpha * (log_prob + target_entropy)                        # (4)
    return SACValue(loss_actor, loss_qvalue, loss_alpha, loss_value, max(abs(d) for d in delta), -log_prob)  # (5)


@contract.vectorized
@np.errstate(over="ignore")
def vectorized(state_action_value, value_target, log_prob, policy_action_value, state_value, *,
               log_alpha, target_entropy, loss_function) -> SACValue:
    """(1)-(5) for the whole batch."""
    loss_actor = np.exp(log_alpha) * log_prob - _last_axis.least(policy_action_value)  # (1)
    loss_value = _distance.value(state_value + loss_actor, loss_function)        # (2)
    loss_qvalue, td_error = _ensemble.distances(state_action_value, value_target, loss_function)  # (3), (5)
    loss_alpha = -log_alpha * (log_prob + target_entropy)                        # (4)
    return SACValue(loss_actor, loss_qvalue, loss_alpha, loss_value, td_error, -log_prob)


@contract.vectorized
@np.errstate(over="ignore")
def vjp(cotangent: SACValue, state_action_value, value_target, log_prob, policy_action_value, state_value, *,
        log_alpha, target_entropy, loss_function) -> Gradient:
    """-1 for the least Q_i of (1), slopes of the distance in (2) and (3); (4) is linear in log alpha."""
    alpha, by_policy = np.exp(log_alpha), _ensemble.by_least(-cotangent.loss_actor, policy_action_value)
    slope = _distance.slope(state_value + (alpha * log_prob - _last_axis.least(policy_action_value)), loss_function)
    by_value = _ensemble.slopes(cotangent.loss_qvalue, state_action_value, value_target, loss_function)
    by_log_alpha = np.asarray(-np.sum(cotangent.loss_alpha * (log_prob + target_entropy)))
    return Gradient(LossActor(alpha * cotangent.loss_actor, by_policy), LossQvalue(by_value),
                    LossAlpha(by_log_alpha), LossValue(cotangent.loss_value * slope))
