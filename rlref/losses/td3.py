"""Twin delayed deep deterministic policy gradient (TD3): its critics and its actor.

    delta_i     = Q_i(s_t, a_t) - G_t                                            (1)
    loss_qvalue = sum_i distance(delta_i)                                        (2)
    loss_actor  = -Q_1(s_t, pi(s_t))                                             (3)
    td_error    = max_i |delta_i|                                                (4)

Source    Fujimoto et al. 2018, arXiv:1802.09477v3, Algorithm 1, without equation numbers: the argmin of the critics for
          (1)-(2), distance being the square; the gradient of J for (3). The paper has no priorities; (4) is the
          |delta| of Schaul et al. 2016, arXiv:1511.05952v4, section 3.3, the largest of the critics' as in TorchRL.
Trains    loss_actor: policy_action_value, the value of critic 1 alone. loss_qvalue: state_action_value.
Masks     None. G_t comes from a return over bootstraps.min_q, at the action of bootstraps.target_policy_smoothing.
Ties      l1 at delta_i = 0 has derivative 0; smooth_l1 has no kink.
Limits    One critic: ddpg.
TorchRL   TD3Loss. It writes the largest delta_i^2 as td_error.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract
from rlref.losses import _ensemble
from rlref.scalars import distance


class TD3(NamedTuple):
    """Two terms and the TD error, [T, *B]."""

    loss_actor: np.ndarray
    loss_qvalue: np.ndarray
    td_error: np.ndarray


class LossActor(NamedTuple):
    """What loss_actor trains."""

    policy_action_value: np.ndarray


class LossQvalue(NamedTuple):
    """What loss_qvalue trains."""

    state_action_value: np.ndarray


class Gradient(NamedTuple):
    """The derivative of each term by what it trains."""

    loss_actor: LossActor
    loss_qvalue: LossQvalue


@contract.per_sample
def loop(state_action_value, value_target, policy_action_value, *, loss_function) -> TD3:
    """(1)-(4), one critic at a time."""
    delta = [q - value_target for q in state_action_value]                       # (1)
    loss_qvalue = sum(distance(d, loss_function) for d in delta)                 # (2)
    return TD3(-policy_action_value, loss_qvalue, max(abs(d) for d in delta))    # (3), (4)


@contract.vectorized
def vectorized(state_action_value, value_target, policy_action_value, *, loss_function) -> TD3:
    """(1)-(4) for all samples."""
    loss_qvalue, td_error = _ensemble.distances(state_action_value, value_target, loss_function)  # (1), (2), (4)
    return TD3(-policy_action_value, loss_qvalue, td_error)                      # (3)


@contract.vectorized
def vjp(cotangent: TD3, state_action_value, value_target, policy_action_value, *, loss_function) -> Gradient:
    """The slope of the distance for each critic; -1 for the actor."""
    by_value = _ensemble.slopes(cotangent.loss_qvalue, state_action_value, value_target, loss_function)
    return Gradient(LossActor(-cotangent.loss_actor), LossQvalue(by_value))
