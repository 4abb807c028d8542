"""Mistakes in normal distributions squashed by tanh, shared by their pages."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import mistake
from rlref.distributions import _tanh

EPS = 9 / 2**53  # that of tanh_normal_log_prob


def half(x):
    """Half of the range, for each dimension."""
    return (np.asarray(x["high"]) - np.asarray(x["low"])) / 2 + np.zeros_like(x["loc"])


def middle(x):
    """The middle of it."""
    return (np.asarray(x["high"]) + np.asarray(x["low"])) / 2 + np.zeros_like(x["loc"])


@np.errstate(all="ignore")
def unsquashed(x):
    """u, from the noise or from the action."""
    if "noise" in x:
        return x["loc"] + x["scale"] * x["noise"]
    above, below = (np.maximum(part / half(x), EPS) for part in (x["sample"] - x["low"], x["high"] - x["sample"]))
    return (np.log(above) - np.log(below)) / 2


def with_log_slope(right, x, wrong):
    """``right`` with ``wrong`` for log(1 - tanh(u)^2)."""
    result = right(**x)
    return result._replace(log_prob=result.log_prob + np.sum(_tanh.log_slope(unsquashed(x)) - wrong, axis=-1))


@mistake("the Jacobian is that of tanh alone, without the scale of the action",
         "https://github.com/openai/spinningup/issues/314")
def tanh_jacobian_missing_action_scale(right, x):
    return right(**x)._replace(log_prob=right(**x).log_prob + np.log(half(x)).sum(axis=-1))


@mistake("log(1 - tanh(tanh u)^2): tanh is applied to what it has given",
         "https://github.com/boyu-ai/Hands-on-RL/issues/44")
def tanh_applied_twice_in_jacobian(right, x):
    return with_log_slope(right, x, _tanh.log_slope(np.tanh(unsquashed(x))))


@mistake("the softplus form is taken at the action, not at u", "https://github.com/google-deepmind/rlax/issues/54")
def tanh_jacobian_at_squashed_action(right, x):
    return with_log_slope(right, x, _tanh.log_slope(middle(x) + half(x) * np.tanh(unsquashed(x))))


@mistake("the logarithm of the Jacobian is added", "https://github.com/google-deepmind/rlax/issues/11")
def jacobian_sign(right, x):
    return with_log_slope(right, x, -_tanh.log_slope(unsquashed(x)))


@mistake("the density of the normal distribution: no Jacobian at all", "folklore")
def jacobian_left_out(right, x):
    return with_log_slope(right, x, -np.log(half(x)))


@mistake("log(1 - tanh(u)^2 + 1e-6)", "https://github.com/rail-berkeley/rlkit/issues/37")
def tanh_eps_inside_log(right, x):
    return with_log_slope(right, x, np.log(1 - np.tanh(unsquashed(x))**2 + 1e-6))
