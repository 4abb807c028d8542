"""Known mistakes in the divergence of normal distributions."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import gradient_mistake, mistake
from rlref.conformance.mistakes.gaussians import std_exponentiated_twice  # noqa: F401  (found by looking)


@mistake("-1 once, not once for each dimension",
         "https://github.com/google-deepmind/rlax/commit/8cd6aa60be8bec549cd0db58aed0555089fc05ca")
def kl_to_standard_normal_minus_one(right, x):
    return right(**x)._replace(kl=right(**x).kl + (x["loc"].shape[-1] - 1) / 2)


@mistake("KL(q || p) for KL(p || q)", "folklore")
def kl_argument_reversed(right, x):
    return right(x["other_loc"], x["other_scale"], x["loc"], x["scale"])


@mistake("averaged over the dimensions of the action, not summed", "folklore")
def kl_not_summed_over_dims(right, x):
    return right(**x)._replace(kl=right(**x).kl / x["loc"].shape[-1])


@mistake("the deviations are taken for variances: their ratio, not its square", "folklore")
def kl_std_not_variance(right, x):
    return right(**x | {name: np.sqrt(x[name]) for name in ("scale", "other_scale")})


@mistake("the distance of the means is counted in deviations of p, not of q", "folklore")
def kl_shift_by_own_deviation(right, x):
    shift = (x["loc"] - x["other_loc"])**2 / 2 * (x["scale"]**-2.0 - x["other_scale"]**-2.0)
    return right(**x)._replace(kl=right(**x).kl + shift.sum(axis=-1))


@gradient_mistake("q is held still", "folklore")
def kl_other_not_trained(right, cotangent, x):
    zero = np.zeros_like(x["loc"])
    return right(cotangent, **x)._replace(other_loc=zero, other_scale=zero.copy())


@gradient_mistake("the derivative by q's mean has the sign of that by p's", "folklore")
def kl_mean_gradient_sign(right, cotangent, x):
    gradient = right(cotangent, **x)
    return gradient._replace(other_loc=gradient.loc.copy())
