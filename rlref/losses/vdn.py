"""Value decomposition networks (VDN): the team's value is the sum of the agents'.

    Q_tot    = sum_g Q_g(o_g, a_g)                                               (1)
    delta    = Q_tot - G_t                                                       (2)
    loss     = distance(delta)                                                   (3)
    td_error = |delta|                                                           (4)

Source    Sunehag et al. 2017, arXiv:1706.05296v1, section 3, the equation of its main assumption, for (1). (2)-(3) are
          those of dqn, with the square. (4): Schaul et al. 2016, arXiv:1511.05952v4, section 3.3.
Trains    local_value, every agent's alike: that is the credit which each gets.
Masks     None. G_t comes from a return over the sum of each agent's own bootstraps.max_q.
Ties      l1 at delta = 0 has derivative 0; smooth_l1 has no kink.
Limits    One agent: dqn of the action taken. It is the qmix whose hidden units add up to the sum.
TorchRL   QMixerLoss with VDNMixer. It writes delta^2 as td_error, and gives the mean over the batch, padding included.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract
from rlref.losses import _distance, _last_axis
from rlref.scalars import distance


class VDN(NamedTuple):
    """The term, the TD error and Q_tot, [T, *B]."""

    loss: np.ndarray
    td_error: np.ndarray
    global_value: np.ndarray


class Gradient(NamedTuple):
    """The derivative by what is trained, [T, *B, G]."""

    local_value: np.ndarray


@contract.per_sample
def loop(local_value, value_target, *, loss_function) -> VDN:
    """(1)-(4), one agent at a time."""
    global_value = sum(local_value)                                              # (1)
    delta = global_value - value_target                                          # (2)
    return VDN(distance(delta, loss_function), abs(delta), global_value)         # (3), (4)


@contract.vectorized
def vectorized(local_value, value_target, *, loss_function) -> VDN:
    """(1)-(4) for all samples."""
    global_value = _last_axis.total(local_value)                                 # (1)
    delta = global_value - value_target                                          # (2)
    return VDN(_distance.value(delta, loss_function), np.abs(delta), global_value)


@contract.vectorized
def vjp(cotangent: VDN, local_value, value_target, *, loss_function) -> Gradient:
    """The slope of the distance, the same for every agent."""
    by_value = cotangent.loss * _distance.slope(_last_axis.total(local_value) - value_target, loss_function)
    return Gradient(np.repeat(by_value[..., None], local_value.shape[-1], axis=-1))
