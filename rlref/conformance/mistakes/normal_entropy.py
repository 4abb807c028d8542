"""Known mistakes in the entropy of normal distributions."""

from __future__ import annotations

import math

import numpy as np

from rlref.conformance.mistakes import gradient_mistake, mistake
from rlref.conformance.mistakes.gaussians import std_exponentiated_twice  # noqa: F401  (found by looking)

CONSTANT = (1 + math.log(2 * math.pi)) / 2


@mistake("averaged over the dimensions of the action, not summed",
         "https://github.com/DLR-RM/stable-baselines3/commit/fd9e73cfb87f8983b40ddb02f1f5031a2420d35c")
def entropy_not_summed_over_dims(right, x):
    return right(**x)._replace(entropy=right(**x).entropy / x["scale"].shape[-1])


@mistake("(1 + log 2 pi) / 2 once, not once for each dimension",
         "https://github.com/JuliaReinforcementLearning/ReinforcementLearningZoo.jl/pull/169")
def entropy_constant_not_times_dim(right, x):
    return right(**x)._replace(entropy=right(**x).entropy - (x["scale"].shape[-1] - 1) * CONSTANT)


@mistake("log sigma^2, without the half of it", "folklore")
def log_variance_not_halved(right, x):
    return right(**x)._replace(entropy=right(**x).entropy + np.log(x["scale"]).sum(axis=-1))


@mistake("minus the log-density at the mean: 1/2 is missing in each dimension", "folklore")
def entropy_from_the_mode(right, x):
    return right(**x)._replace(entropy=right(**x).entropy - x["scale"].shape[-1] / 2)


@gradient_mistake("the derivative by the deviation is that by its logarithm: 1", "folklore")
def gradient_by_log_deviation(right, cotangent, x):
    gradient = right(cotangent, **x)
    return gradient._replace(scale=gradient.scale * x["scale"])
