"""Implicit Q-learning (IQL): an expectile for V, regression for Q, weighted behavioural cloning for the policy.

    u           = min_i Q'_i(s_t, a_t) - V(s_t)                                  (1)
    w           = min(exp(beta u), 100)                                          (2)
    loss_actor  = -w log pi(a_t|s_t)                                             (3)
    loss_value  = |tau - 1(u < 0)| u^2                                           (4)
    delta_i     = Q_i(s_t, a_t) - G_t                                            (5)
    loss_qvalue = sum_i distance(delta_i)                                        (6)
    td_error    = max_i |delta_i|                                                (7)

Source    Kostrikov et al. 2021, arXiv:2110.06169v1, eq. 5 for (4); eq. 6 for (5)-(6), distance being the square; eq. 7
          for (3), printed without the minus sign. The minimum of (1) and the ceiling of (2) are there in words, and in
          the authors' code, not in the equations. (7): Schaul et al. 2016, arXiv:1511.05952v4, section 3.3.
Trains    loss_actor: log_prob, the weight is given. loss_value: state_value. loss_qvalue: state_action_value.
Masks     None. G_t comes from td0, over V(s'_t).
Ties      u = 0 has the weight tau, as in the paper; loss and slope are 0 by either. l1 at delta_i = 0 has derivative 0.
Limits    beta = 0: behavioural cloning, -log pi.  tau = 1/2: half of the squared error of V.
TorchRL   IQLLoss, DiscreteIQLLoss, with the same ceiling. They write the largest delta_i^2 as td_error.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract
from rlref.losses import _ensemble, _last_axis
from rlref.scalars import distance, exp


class IQL(NamedTuple):
    """Three terms and the TD error, [T, *B]."""

    loss_actor: np.ndarray
    loss_qvalue: np.ndarray
    loss_value: np.ndarray
    td_error: np.ndarray


class LossActor(NamedTuple):
    """What loss_actor trains."""

    log_prob: np.ndarray


class LossQvalue(NamedTuple):
    """What loss_qvalue trains."""

    state_action_value: np.ndarray


class LossValue(NamedTuple):
    """What loss_value trains."""

    state_value: np.ndarray


class Gradient(NamedTuple):
    """The derivative of each term by what it trains."""

    loss_actor: LossActor
    loss_qvalue: LossQvalue
    loss_value: LossValue


@contract.per_sample
def loop(log_prob, state_value, state_action_value, target_state_action_value, value_target, *,
         temperature, expectile, loss_function) -> IQL:
    """(1)-(7), one critic at a time."""
    u = min(target_state_action_value) - state_value                             # (1)
    weight = min(exp(min(temperature * u, 5)), 100)                              # (2), as exp(5) > 100
    loss_value = (1 - expectile if u < 0 else expectile) * u * u                 # (4)
    delta = [q - value_target for q in state_action_value]                       # (5)
    loss_qvalue = sum(distance(d, loss_function) for d in delta)                 # (6)
    return IQL(-weight * log_prob, loss_qvalue, loss_value, max(abs(d) for d in delta))  # (3), (7)


@contract.vectorized
def vectorized(log_prob, state_value, state_action_value, target_state_action_value, value_target, *,
               temperature, expectile, loss_function) -> IQL:
    """(1)-(7) for all samples."""
    u, weight, side = _weights(state_value, target_state_action_value, temperature, expectile)
    loss_qvalue, td_error = _ensemble.distances(state_action_value, value_target, loss_function)  # (5)-(7)
    return IQL(-weight * log_prob, loss_qvalue, side * u * u, td_error)          # (3), (4)


@contract.vectorized
def vjp(cotangent: IQL, log_prob, state_value, state_action_value, target_state_action_value, value_target, *,
        temperature, expectile, loss_function) -> Gradient:
    """The weights of (2) and (4) are constants to what they weigh: u moves with V in the square of (4) alone."""
    u, weight, side = _weights(state_value, target_state_action_value, temperature, expectile)
    by_value = _ensemble.slopes(cotangent.loss_qvalue, state_action_value, value_target, loss_function)
    return Gradient(LossActor(-cotangent.loss_actor * weight), LossQvalue(by_value),
                    LossValue(-2.0 * cotangent.loss_value * side * u))


def _weights(state_value, target_state_action_value, temperature, expectile):
    u = _last_axis.least(target_state_action_value) - state_value                # (1)
    weight = np.minimum(np.exp(np.minimum(temperature * u, 5.0)), 100.0)         # (2)
    return u, weight, np.where(u < 0, 1.0 - expectile, expectile)
