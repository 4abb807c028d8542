"""Known mistakes in the log-density of normal distributions."""

from __future__ import annotations

import math

import numpy as np

from rlref.conformance.mistakes import gradient_mistake, mistake
from rlref.conformance.mistakes.gaussians import (  # noqa: F401  (found by looking)
    deviation_not_trained,
    gaussian_inverse_std_weight,
    gaussian_logp_std_not_variance,
    std_exponentiated_twice,
)


@mistake("the action is scored as the environment clips it, to [-1, 1]",
         "https://github.com/kuds/mesozoic-labs/pull/408")
def log_prob_of_clipped_action(right, x):
    return right(**x | {"sample": np.clip(x["sample"], -1.0, 1.0)})


@mistake("averaged over the dimensions of the action, not summed", "folklore")
def averaged_over_dimensions(right, x):
    return right(**x)._replace(log_prob=right(**x).log_prob / x["sample"].shape[-1])


@mistake("the first dimension alone: an axis of one taken for granted", "folklore")
def first_dimension_alone(right, x):
    return right(**{name: values[..., :1].copy() for name, values in x.items()})


@mistake("without log 2 pi", "folklore")
def normalizer_left_out(right, x):
    result = right(**x)
    return result._replace(log_prob=result.log_prob + x["sample"].shape[-1] * math.log(2 * math.pi) / 2)


@mistake("without log sigma, as if the deviation were fixed", "folklore")
def log_deviation_left_out(right, x):
    return right(**x)._replace(log_prob=right(**x).log_prob + np.log(x["scale"]).sum(axis=-1))


@gradient_mistake("the derivative by the deviation is that by its logarithm", "folklore")
def gradient_by_log_deviation(right, cotangent, x):
    gradient = right(cotangent, **x)
    return gradient._replace(scale=gradient.scale * x["scale"])
