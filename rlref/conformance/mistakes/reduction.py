"""Known mistakes in making one number of the losses of a batch."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import gradient_mistake, mistake
from rlref.losses.reduction import Reduced


@mistake("masks multiply instead of selecting: 0 times NaN is NaN, at the terminal step and at all before it",
         "https://github.com/anthonytorlucci/rlevo/pull/358")
def mask_times_nan(right, x):
    with np.errstate(invalid="ignore"):
        losses = x["loss"] * x["weight"] * x["mask"]
        if x["reduction"] == "none":
            return Reduced(losses)
        total = np.sum(x["weight"] * x["mask"]) if x["reduction"] == "mean" else 1.0
        return Reduced(np.asarray(losses.sum() / total))


@mistake("the mean over the mask is divided by the number of all samples, padding too", "folklore")
def marl_loss_not_masked_mean(right, x):
    return _mean(right, x, lambda loss, weight: np.sum(weight * loss) / x["mask"].size)


@mistake("a convention: the weighted losses are divided by the number of samples, not by the sum of their weights",
         "folklore")
def weighted_mean_by_count(right, x):
    return _mean(right, x, lambda loss, weight: np.sum(weight * loss) / loss.size)


@mistake("importance weights are not applied", "https://github.com/danaugrs/huskarl/issues/11")
def per_weights_not_applied(right, x):
    return right(**x | {"weight": np.ones_like(x["weight"])})


@mistake("importance weights are applied twice, in the replay buffer and in the loss", "folklore")
def per_weights_applied_twice(right, x):
    weight = np.where(x["mask"], x["weight"], 0.0)
    again = weight / weight.max() if x["reduction"] == "mean" else weight  # of which only ratios matter
    return right(**x | {"weight": weight * again})


@mistake("the weights divide the losses", "folklore")
def per_weights_inverted(right, x):
    weight = np.where(x["mask"] & (x["weight"] > 0), x["weight"], 1.0)
    return right(**x | {"weight": 1 / weight})


@mistake("padding counts like any other sample", "https://github.com/instadeepai/Mava/issues/358")
def padding_not_masked(right, x):
    loss, weight = (np.nan_to_num(x[name]) for name in ("loss", "weight"))
    return right(**x | {"loss": loss, "weight": weight, "mask": np.ones_like(x["mask"])})


@mistake("the mask is the wrong way round: padding alone counts", "folklore")
def mask_inverted(right, x):
    loss, weight = (np.nan_to_num(x[name]) for name in ("loss", "weight"))
    if x["reduction"] == "mean" and not weight[~x["mask"]].any():
        return right(**x)
    return right(**x | {"loss": loss, "weight": weight, "mask": ~x["mask"]})


@mistake("the sum where the mean was asked for", "https://github.com/ray-project/ray/pull/32713")
def sum_vs_mean_vtrace_loss(right, x):
    return right(**x | {"reduction": "sum"}) if x["reduction"] == "mean" else right(**x)


@mistake("the mean where the sum was asked for", "folklore")
def mean_for_sum(right, x):
    zero = not np.where(x["mask"], x["weight"], 0.0).any()
    return right(**x | {"reduction": "mean"}) if x["reduction"] == "sum" and not zero else right(**x)


@mistake("the mean of the means of trajectories: short ones weigh as much as long ones", "folklore")
def mean_of_means(right, x):
    if x["reduction"] != "mean":
        return right(**x)
    weight = np.where(x["mask"], x["weight"], 0.0).reshape(len(x["mask"]), -1)
    total = np.sum(np.where(x["mask"], x["loss"], 0.0).reshape(weight.shape) * weight, axis=0)
    count = weight.sum(axis=0)
    return Reduced(np.asarray(np.mean(total[count > 0] / count[count > 0])))


@mistake("no reduction is taken for the mean, which every sample gets, and is masked only then",
         "https://github.com/takuseno/d3rlpy/commit/96e39fb8f8769f62f7c99d4bdd8bc04d612b3e56")
def dt_reduce_none_misread(right, x):
    result = right(**x)
    if x["reduction"] != "none":
        return result
    return Reduced(np.where(x["mask"], result.value.mean(), 0.0))


@gradient_mistake("the gradient of the mean is that of the sum", "folklore")
def mean_gradient_not_divided(right, cotangent, x):
    return right(cotangent, **x | {"reduction": "sum"} if x["reduction"] == "mean" else x)


@gradient_mistake("the gradient does not know of the weights", "folklore")
def gradient_ignores_weights(right, cotangent, x):
    return right(cotangent, **x | {"weight": np.ones_like(x["weight"])})


@gradient_mistake("what is masked out gets a gradient like the rest", "folklore")
def gradient_ignores_mask(right, cotangent, x):
    loss, weight = np.nan_to_num(x["loss"]), np.where(x["mask"], x["weight"], 1.0)
    return right(cotangent, **x | {"loss": loss, "weight": weight, "mask": np.ones_like(x["mask"])})


def _mean(right, x, wrong):
    """``wrong`` of the losses and weights that count, where a mean is asked for."""
    if x["reduction"] != "mean":
        return right(**x)
    return Reduced(np.asarray(wrong(x["loss"][x["mask"]], x["weight"][x["mask"]])))
