"""Mistakes in normal distributions, squashed or not, shared by their pages."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import gradient_mistake, mistake

SB_1058 = "https://github.com/hill-a/stable-baselines/issues/1058"
DEVIATIONS = ("scale", "other_scale")


@mistake("the deviation is taken for its logarithm: exp(sigma)", SB_1058)
def std_exponentiated_twice(right, x):
    return right(**x | {name: np.exp(np.minimum(x[name], 300.0)) for name in DEVIATIONS if name in x})


@mistake("sigma for sigma^2: (x - mu)^2 / (2 sigma) and half of log sigma", SB_1058)
def gaussian_logp_std_not_variance(right, x):
    return right(**x | {"scale": np.sqrt(x["scale"])})


@mistake("the square is weighed by 1 / sigma, not by 1 / sigma^2",
         "https://github.com/takuseno/d3rlpy/commit/384e28365a07f34ac9162a8a2af18349ba93a0a0")
def gaussian_inverse_std_weight(right, x):
    result = right(**x | {"scale": np.sqrt(x["scale"])})
    return result._replace(log_prob=result.log_prob - np.log(x["scale"]).sum(axis=-1) / 2)


@mistake("the noise is multiplied by sigma^2", "folklore")
def noise_scaled_by_variance(right, x):
    return right(**x | {"scale": x["scale"]**2})


@mistake("one number of noise moves all dimensions", "folklore")
def noise_shared_by_dimensions(right, x):
    return right(**x | {"noise": np.broadcast_to(x["noise"][..., :1], x["noise"].shape).copy()})


@gradient_mistake("sample() for rsample(): nothing is trained through the sample", "folklore")
def pathwise_gradient_stopped(right, cotangent, x):
    return right(cotangent._replace(sample=np.zeros_like(x["noise"])), **x)


@gradient_mistake("the deviation is held still", "folklore")
def deviation_not_trained(right, cotangent, x):
    return right(cotangent, **x)._replace(scale=np.zeros_like(x["scale"]))
