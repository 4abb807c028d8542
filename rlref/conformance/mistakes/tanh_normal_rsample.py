"""Known mistakes in squashed samples and their log-density."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import gradient_mistake, mistake
from rlref.conformance.mistakes.gaussians import (  # noqa: F401  (found by looking)
    deviation_not_trained,
    noise_scaled_by_variance,
    noise_shared_by_dimensions,
    pathwise_gradient_stopped,
    std_exponentiated_twice,
)
from rlref.conformance.mistakes.squashed import (  # noqa: F401
    EPS,
    jacobian_left_out,
    jacobian_sign,
    middle,
    tanh_applied_twice_in_jacobian,
    tanh_eps_inside_log,
    tanh_jacobian_at_squashed_action,
    tanh_jacobian_missing_action_scale,
    unsquashed,
    with_log_slope,
)
from rlref.distributions import _tanh


@mistake("u is computed back from the action, in which tanh has lost it",
         "https://github.com/pytorch/rl/commit/c285b7c1a721d8349f8b39809719ffedad02c75a")
def tanh_logprob_from_rounded_action(right, x):
    u = np.arctanh(np.clip(np.tanh(unsquashed(x)), EPS - 1, 1 - EPS))
    noise = (u - x["loc"]) / x["scale"]
    result = with_log_slope(right, x, _tanh.log_slope(u))
    return result._replace(log_prob=result.log_prob + np.sum(x["noise"]**2 - noise**2, axis=-1) / 2)


@mistake("the action is left between -1 and 1", "folklore")
def action_not_scaled(right, x):
    return right(**x)._replace(sample=np.tanh(unsquashed(x)))


@mistake("the middle of the bounds is left out: h tanh u", "folklore")
def middle_left_out(right, x):
    return right(**x)._replace(sample=right(**x).sample - middle(x))


@gradient_mistake("the log-density is that of an action held still: a score, not a pathwise derivative", "folklore")
def action_held_still_in_log_prob(right, cotangent, x):
    of_sample = right(cotangent._replace(log_prob=np.zeros_like(cotangent.log_prob)), **x)
    score = cotangent.log_prob[..., None] / x["scale"]
    return of_sample._replace(loc=of_sample.loc + score * x["noise"],
                              scale=of_sample.scale + score * (x["noise"]**2 - 1))


@gradient_mistake("the Jacobian is held still: its derivative 2 tanh u is missing", "folklore")
def jacobian_held_still(right, cotangent, x):
    gradient, by_u = right(cotangent, **x), cotangent.log_prob[..., None] * 2 * np.tanh(unsquashed(x))
    return gradient._replace(loc=gradient.loc - by_u, scale=gradient.scale - by_u * x["noise"])
