"""QMIX: a monotonic mix of the agents' values, by weights that the state gives.

    x_h      = b_h + sum_g |W_gh| Q_g(o_g, a_g)                                  (1)
    y_h      = x_h where x_h > 0, else exp(x_h) - 1                              (2)
    Q_tot    = b' + sum_h |w_h| y_h                                              (3)
    delta    = Q_tot - G_t                                                       (4)
    loss     = distance(delta)                                                   (5)
    td_error = |delta|                                                           (6)

Source    Rashid et al. 2018, arXiv:1803.11485v2, section 4: in words for (1)-(3), with eq. 5, dQ_tot / dQ_g >= 0, which
          the absolute values are for; eq. 6 for (4)-(5), distance being the square. One hidden layer, with the ELU of
          (2), is what its experiments have. (6): Schaul et al. 2016, arXiv:1511.05952v4, section 3.3.
Trains    local_value and the four outputs of the hypernetworks, hidden_weight W and output_weight w before (1) and (3)
          take their absolute values.
Masks     None. G_t comes from a return over the target mixer's Q_tot at s', of each agent's own bootstraps.max_q.
Ties      |W| and |w| have derivative 0 at 0. ELU has slope 1 on both sides of 0. l1 at delta = 0 has derivative 0.
Limits    Where every x_h > 0: linear in the agents' values; with sum_h |W_gh| |w_h| = 1 and no biases, vdn.
TorchRL   QMixerLoss with QMixer. It writes delta^2 as td_error, and gives the mean over the batch, padding included.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract
from rlref.losses import _distance, _mixing
from rlref.scalars import distance, exp


class QMIX(NamedTuple):
    """The term, the TD error and Q_tot, [T, *B]."""

    loss: np.ndarray
    td_error: np.ndarray
    global_value: np.ndarray


class Gradient(NamedTuple):
    """The derivative by what is trained, each in the shape of its input."""

    local_value: np.ndarray
    hidden_weight: np.ndarray
    hidden_bias: np.ndarray
    output_weight: np.ndarray
    output_bias: np.ndarray


@contract.per_sample
def loop(local_value, value_target, hidden_weight, hidden_bias, output_weight, output_bias, *, loss_function) -> QMIX:
    """(1)-(6), one hidden unit at a time."""
    global_value = output_bias
    for h in range(len(hidden_bias)):
        x = hidden_bias[h]
        for g in range(len(local_value)):
            x = x + abs(hidden_weight[g][h]) * local_value[g]                    # (1)
        y = x if x > 0 else exp(x) - 1                                           # (2)
        global_value = global_value + abs(output_weight[h]) * y                  # (3)
    delta = global_value - value_target                                          # (4)
    return QMIX(distance(delta, loss_function), abs(delta), global_value)        # (5), (6)


@contract.vectorized
def vectorized(local_value, value_target, hidden_weight, hidden_bias, output_weight, output_bias, *,
               loss_function) -> QMIX:
    """(1)-(6) for all samples."""
    global_value, _ = _mixing.monotonic(local_value, hidden_weight, hidden_bias, output_weight, output_bias)  # (1)-(3)
    delta = global_value - value_target                                          # (4)
    return QMIX(_distance.value(delta, loss_function), np.abs(delta), global_value)


@contract.vectorized
def vjp(cotangent: QMIX, local_value, value_target, hidden_weight, hidden_bias, output_weight, output_bias, *,
        loss_function) -> Gradient:
    """Back through (5) and (4), and then through (3), (2) and (1)."""
    global_value, back = _mixing.monotonic(local_value, hidden_weight, hidden_bias, output_weight, output_bias)
    return Gradient(*back(cotangent.loss * _distance.slope(global_value - value_target, loss_function)))
