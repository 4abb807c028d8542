"""The distance of a prediction from its target: l1, l2 or smooth l1.

    u         = x - y                                                            (1)
    l1        = |u|                                                              (2)
    l2        = u^2                                                              (3)
    smooth_l1 = u^2 / 2 where |u| < 1, else |u| - 1/2                            (4)

Source    Girshick 2015, arXiv:1504.08083, eq. 3, is (4); (1) to (3) are in words, no equation.
Masks     None: reduction takes masks and weights.
Ties      At u = 0 the derivative of l1 is 0. The two branches of (4) meet with the same slope.
Limits    Near 0, smooth_l1 is half of l2; far from it, l1 less 1/2. All are even, and 0 only at u = 0.
TorchRL   distance_loss. There is no 1/2 in l2, and smooth_l1 has its threshold at 1, as torch.nn has them.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract
from rlref.losses import _distance


class Distance(NamedTuple):
    """The loss of each sample, [T, *B]."""

    loss: np.ndarray


class Gradient(NamedTuple):
    """The derivative by each differentiable input, [T, *B]."""

    input: np.ndarray
    target: np.ndarray


@contract.per_sample
def loop(input, target, *, loss_function) -> Distance:
    """(1)-(4), one sample at a time."""
    u = input - target                                                           # (1)
    if loss_function == "l2":
        return Distance(u * u)                                                   # (3)
    if loss_function == "l1":
        return Distance(u if u > 0 else -u if u < 0 else 0 * u)                  # (2)
    if -1 < u < 1:
        return Distance(u * u / 2)                                               # (4)
    return Distance(u - 0.5 if u > 0 else -u - 0.5)                              # (4)


@contract.vectorized
def vectorized(input, target, *, loss_function) -> Distance:
    """(4) without a branch: with v = min(|u|, 1), it is v (|u| - v / 2)."""
    return Distance(_distance.value(input - target, loss_function))


@contract.vectorized
def vjp(cotangent: Distance, input, target, *, loss_function) -> Gradient:
    """The slope of (2), (3) or (4), and its opposite for the target."""
    by_input = cotangent.loss * _distance.slope(input - target, loss_function)
    return Gradient(by_input, -by_input)
