"""Reduction: the losses of a batch, weighted and masked, to one number.

    none   v_t = w_t l_t where the mask is True, else 0                          (1)
    sum    v   = sum of w_t l_t over the mask                                    (2)
    mean   W   = sum of w_t over the mask                                        (3)
           v   = sum of (w_t / W) l_t over the mask                              (4)

Source    Schaul et al. 2016, arXiv:1511.05952v4, section 3.4 and Algorithm 1, for the weights: in words, no equation.
          (3) and (4) are TorchRL's; to divide by the number of samples instead is as common.
Masks     Where the mask is False, neither l_t nor w_t is read. A mean over nothing, W = 0, is an error.
Trains    v trains the loss; weights are data.
Limits    All weights equal: mean is the plain mean over the mask.  mean = sum / W.
TorchRL   LossModule._reduce_loss, objectives.utils._reduce.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract


class Reduced(NamedTuple):
    """The reduced loss: one number, or [T, *B] if there is no reduction."""

    value: np.ndarray


class Gradient(NamedTuple):
    """The derivative by the input that is trained, [T, *B]."""

    loss: np.ndarray


@contract.per_batch
def loop(loss, weight, mask, *, reduction) -> Reduced:
    """(1)-(4), one sample at a time."""
    if reduction == "none":
        return Reduced([w * x if m else 0 for x, w, m in zip(loss, weight, mask, strict=True)])  # (1)
    counted = [(x, w) for x, w, m in zip(loss, weight, mask, strict=True) if m]
    if reduction == "sum":
        return Reduced(sum(w * x for x, w in counted))                           # (2)
    total = sum(w for _, w in counted)                                           # (3)
    if total == 0:
        raise ValueError("weight: expected a sum > 0 over the mask for a mean, got 0")
    return Reduced(sum(w / total * x for x, w in counted))                       # (4)


@contract.vectorized
def vectorized(loss, weight, mask, *, reduction) -> Reduced:
    """(1)-(4) for the whole batch."""
    with np.errstate(over="ignore"):  # what is beyond float64 is inf
        weighted = _share(weight, mask, reduction)
        weighted *= _kept(loss, mask)
        return Reduced(weighted if reduction == "none" else np.asarray(np.sum(weighted)))  # (1), (2), (4)


@contract.vectorized
def vjp(cotangent: Reduced, loss, weight, mask, *, reduction) -> Gradient:
    """The weight that each loss has in the value."""
    return Gradient(cotangent.value * _share(weight, mask, reduction))


def _share(weight, mask, reduction):
    """What l_t is multiplied by: w_t, or w_t / W in a mean; 0 outside the mask."""
    share = _kept(weight, mask)
    if reduction == "mean":
        total = share.sum()                                                      # (3)
        if total == 0:
            raise ValueError("weight: expected a sum > 0 over the mask for a mean, got 0")
        share /= total
    return share


def _kept(x, mask):
    """x where the mask is True, else 0, bit by bit: np.where guesses sample by sample, and takes five times as long."""
    return (x.view(np.int64) & -mask.astype(np.int64)).view(np.float64)
