"""Known mistakes in the log-density of squashed actions."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import gradient_mistake, mistake
from rlref.conformance.mistakes.gaussians import (  # noqa: F401  (found by looking)
    deviation_not_trained,
    gaussian_inverse_std_weight,
    gaussian_logp_std_not_variance,
    std_exponentiated_twice,
)
from rlref.conformance.mistakes.squashed import (  # noqa: F401
    half,
    jacobian_left_out,
    jacobian_sign,
    middle,
    tanh_applied_twice_in_jacobian,
    tanh_jacobian_at_squashed_action,
    tanh_jacobian_missing_action_scale,
)


@mistake("atanh gives back the squashed action, clamped, as if it were u",
         "https://github.com/pytorch/rl/commit/01f602eaff1307ad348e44dbe67513adfd682d27")
def tanh_inverse_is_identity(right, x):
    squashed = np.clip((x["sample"] - middle(x)) / half(x), -1.0, 1.0)
    return right(**x | {"sample": np.clip(middle(x) + half(x) * np.tanh(squashed), x["low"], x["high"])})


@mistake("at a bound atanh is infinite, and the log-density minus infinity",
         "https://github.com/rlworkgroup/garage/pull/2129")
def tanh_boundary_minus_inf(right, x):
    at_bound = ((x["sample"] <= x["low"]) | (x["sample"] >= x["high"])).any(axis=-1)
    return right(**x)._replace(log_prob=np.where(at_bound, -np.inf, right(**x).log_prob))


@mistake("the middle of the bounds is left out: a / h for (a - middle) / h", "folklore")
def middle_left_out(right, x):
    bounds = {"low": -half(x).reshape(-1, half(x).shape[-1])[0], "high": half(x).reshape(-1, half(x).shape[-1])[0]}
    return right(**x | bounds | {"sample": np.clip(x["sample"], bounds["low"], bounds["high"])})


@mistake("the bounds of the first dimension for all of them", "folklore")
def bounds_of_first_dimension(right, x):
    size = x["sample"].shape[-1]
    bounds = {name: np.full(size, np.ravel(x[name])[0]) for name in ("low", "high")}
    return right(**x | bounds | {"sample": np.clip(x["sample"], bounds["low"], bounds["high"])})


@gradient_mistake("the derivative by the action is that of the normal density alone, through atanh", "folklore")
def jacobian_held_still(right, cotangent, x):
    gradient, edge = right(cotangent, **x), half(x) * 9 / 2**53
    above, below = x["sample"] - x["low"], x["high"] - x["sample"]
    direct = np.where(np.minimum(above, below) >= edge, 1 / np.maximum(above, edge) - 1 / np.maximum(below, edge), 0.0)
    return gradient._replace(sample=gradient.sample + cotangent.log_prob[..., None] * direct)
