"""Soft actor-critic (SAC), with a temperature that is learned.

    loss_actor  = alpha log pi(a|s_t) - min_i Q_i(s_t, a),  alpha = exp(log alpha)  (1)
    delta_i     = Q_i(s_t, a_t) - G_t                                            (2)
    loss_qvalue = sum_i l(delta_i),  l the chosen distance                       (3)
    loss_alpha  = -log alpha (log pi(a|s_t) + H)                                 (4)
    td_error    = max_i |delta_i|,  entropy = -log pi(a|s_t), estimated from one action  (5)

Source    Haarnoja et al. 2018, arXiv:1812.05905, eq. 9 for (1), its minimum in section 6, in words; eq. 5 for (2)-(3),
          where l is half the square; eq. 18 for (4), there -alpha (log pi + H), whose derivative by log alpha is alpha
          times that of (4). (5): Schaul et al. 2016, arXiv:1511.05952, section 3.3.
Time      a_t is the action in the data, a one that the policy as it is now has drawn in s_t.
Masks     None: G_t, from td0 over bootstraps.soft_min_q, holds what is known of s', terminations included.
Ties      Of equal Q_i in (1) the first is trained. At delta_i = 0 the derivative of l1 is 0.
Limits    alpha -> 0, one critic: ddpg.
Trains    loss_actor: the policy, through log pi and through a in Q_i, whose own parameters are held still. loss_qvalue:
          the critics. loss_alpha: log alpha alone.
TorchRL   SACLoss without a value network.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract
from rlref.losses import _ensemble, _last_axis
from rlref.scalars import distance, exp


class SAC(NamedTuple):
    """Three terms, the largest TD error and the entropy, [T, *B]."""

    loss_actor: np.ndarray
    loss_qvalue: np.ndarray
    loss_alpha: np.ndarray
    td_error: np.ndarray
    entropy: np.ndarray


class LossActor(NamedTuple):
    """What the actor's loss trains, [T, *B] and [T, *B, N]."""

    log_prob: np.ndarray
    policy_action_value: np.ndarray


class LossQvalue(NamedTuple):
    """What the critics' loss trains, [T, *B, N]."""

    state_action_value: np.ndarray


class LossAlpha(NamedTuple):
    """What the temperature's loss trains, one number."""

    log_alpha: np.ndarray


class Gradient(NamedTuple):
    """The derivative of each term by what it trains."""

    loss_actor: LossActor
    loss_qvalue: LossQvalue
    loss_alpha: LossAlpha


@contract.per_sample
def loop(state_action_value, value_target, log_prob, policy_action_value, *,
         log_alpha, target_entropy, loss_function) -> SAC:
    """(1)-(5), one critic at a time."""
    loss_actor = exp(log_alpha) * log_prob - min(policy_action_value)            # (1)
    delta = [q - value_target for q in state_action_value]                       # (2)
    loss_qvalue = sum(distance(d, loss_function) for d in delta)                 # (3)
    loss_alpha = -log_alpha * (log_prob + target_entropy)                        # (4)
    return SAC(loss_actor, loss_qvalue, loss_alpha, max(abs(d) for d in delta), -log_prob)  # (5)


@contract.vectorized
@np.errstate(over="ignore")
def vectorized(state_action_value, value_target, log_prob, policy_action_value, *,
               log_alpha, target_entropy, loss_function) -> SAC:
    """(1)-(5) for the whole batch."""
    loss_actor = np.exp(log_alpha) * log_prob - _last_axis.least(policy_action_value)  # (1)
    loss_qvalue, td_error = _ensemble.distances(state_action_value, value_target, loss_function)  # (2), (3), (5)
    loss_alpha = -log_alpha * (log_prob + target_entropy)                        # (4)
    return SAC(loss_actor, loss_qvalue, loss_alpha, td_error, -log_prob)


@contract.vectorized
@np.errstate(over="ignore")
def vjp(cotangent: SAC, state_action_value, value_target, log_prob, policy_action_value, *,
        log_alpha, target_entropy, loss_function) -> Gradient:
    """-1 for the least Q_i of (1), the slope of the distance in (3); (4) is linear in log alpha."""
    by_policy = _ensemble.by_least(-cotangent.loss_actor, policy_action_value)
    by_value = _ensemble.slopes(cotangent.loss_qvalue, state_action_value, value_target, loss_function)
    by_log_alpha = np.asarray(-np.sum(cotangent.loss_alpha * (log_prob + target_entropy)))
    return Gradient(LossActor(np.exp(log_alpha) * cotangent.loss_actor, by_policy),
                    LossQvalue(by_value), LossAlpha(by_log_alpha))
