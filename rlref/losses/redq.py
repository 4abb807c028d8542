"""Randomized ensembled double Q-learning (REDQ): SAC with an ensemble, and the actor on its mean.

    loss_actor  = alpha log pi(a|s_t) - mean_i Q_i(s_t, a),  alpha = exp(log alpha)  (1)
    delta_i     = Q_i(s_t, a_t) - G_t                                            (2)
    loss_qvalue = mean_i l(delta_i),  l the chosen distance                      (3)
    loss_alpha  = -alpha (log pi(a|s_t) + H)                                     (4)
    td_error    = max_i |delta_i|,  entropy = -log pi(a|s_t), estimated from one action  (5)

Source    Chen et al. 2021, arXiv:2101.05982v2, Algorithm 1, no equation numbers, for (1)-(3): there each critic has its
          own loss, the square, so the mean of (3), TorchRL's, gives a critic 1/N of the paper's gradient. (4): Haarnoja
          et al. 2018, arXiv:1812.05905, eq. 18. (5): Schaul et al. 2016, arXiv:1511.05952, section 3.3.
Time      a_t is the action in the data, a one that the policy as it is now has drawn in s_t.
Masks     None: G_t, from td0 over bootstraps.subset_min_q, holds what is known of s', terminations included.
Ties      At delta_i = 0 the derivative of l1 is 0.
Limits    One critic: loss_actor and loss_qvalue are those of sac.
Trains    loss_actor: the policy, through log pi and through a in every Q_i, held still. loss_qvalue: the critics.
TorchRL   REDQLoss. It averages (4) and the entropy over s_t and s'_t, where the page has s_t alone; it writes delta^2
          as td_error; unless told otherwise it keeps alpha within [0.1, 10].
"""

from typing import NamedTuple

import numpy as np

from rlref import contract
from rlref.losses import _ensemble, _last_axis
from rlref.scalars import distance, exp


class REDQ(NamedTuple):
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
         log_alpha, target_entropy, loss_function) -> REDQ:
    """(1)-(5), one critic at a time."""
    alpha, critics = exp(log_alpha), len(policy_action_value)
    loss_actor = alpha * log_prob - sum(policy_action_value) / critics           # (1)
    delta = [q - value_target for q in state_action_value]                       # (2)
    loss_qvalue = sum(distance(d, loss_function) for d in delta) / critics       # (3)
    loss_alpha = -alpha * (log_prob + target_entropy)                            # (4)
    return REDQ(loss_actor, loss_qvalue, loss_alpha, max(abs(d) for d in delta), -log_prob)  # (5)


@contract.vectorized
@np.errstate(over="ignore")
def vectorized(state_action_value, value_target, log_prob, policy_action_value, *,
               log_alpha, target_entropy, loss_function) -> REDQ:
    """(1)-(5) for the whole batch."""
    alpha, critics = np.exp(log_alpha), policy_action_value.shape[-1]
    loss_actor = alpha * log_prob - _last_axis.total(policy_action_value) / critics  # (1)
    total, td_error = _ensemble.distances(state_action_value, value_target, loss_function)  # (2), (5)
    loss_alpha = -alpha * (log_prob + target_entropy)                            # (4)
    return REDQ(loss_actor, total / critics, loss_alpha, td_error, -log_prob)    # (3)


@contract.vectorized
@np.errstate(over="ignore")
def vjp(cotangent: REDQ, state_action_value, value_target, log_prob, policy_action_value, *,
        log_alpha, target_entropy, loss_function) -> Gradient:
    """The mean gives each critic its part; (4) is its own derivative by log alpha."""
    alpha, critics = np.exp(log_alpha), policy_action_value.shape[-1]
    by_policy = np.repeat(-cotangent.loss_actor[..., None] / critics, critics, axis=-1)
    by_value = _ensemble.slopes(cotangent.loss_qvalue / critics, state_action_value, value_target, loss_function)
    by_log_alpha = np.asarray(-alpha * np.sum(cotangent.loss_alpha * (log_prob + target_entropy)))
    return Gradient(LossActor(alpha * cotangent.loss_actor, by_policy), LossQvalue(by_value), LossAlpha(by_log_alpha))
