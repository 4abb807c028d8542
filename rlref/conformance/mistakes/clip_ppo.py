"""Known mistakes in PPO with a clipped ratio."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import gradient_mistake, mistake
from rlref.conformance.mistakes.distances import (  # noqa: F401  (found by looking)
    averaged_too_early,
    gradient_clipped,
    huber_missing_half,
    square_halved,
)
from rlref.conformance.mistakes.policy import (  # noqa: F401
    advantage_bb_broadcast,
    advantage_recomputed,
    advantages_standardized_inside,
    baseline_subtracted_twice,
    coefficients_swapped,
    critic_coeff_applied_twice,
    critic_coeff_ignored,
    critic_returns_bb_broadcast,
    critic_trained_on_advantages,
    entropy_coeff_ignored,
    entropy_fallback_sign,
    entropy_from_taken_action,
    entropy_sign_flipped,
    policy_gradient_ascends,
    policy_gradient_stopped,
    return_for_advantage,
    value_loss_half_missing,
)
from rlref.conformance.mistakes.ratios import (  # noqa: F401
    approx_kl_is_minus_ratio,
    approx_kl_never_negative,
    approx_kl_of_clamped_ratio,
    approx_kl_reversed,
    approx_kl_squared,
    ess_by_column,
    ess_not_divided,
    ess_not_normalized,
    ess_of_vanishing_ratios,
    importance_ratio_applied_twice,
    log_prob_for_ratio,
    log_ratio,
    log_ratio_clamped,
    log_ratio_not_exponentiated,
    ratio_always_one,
    ratio_from_mean_logprob,
    ratio_inverted,
    surrogate,
)

# What is clipped, and what the minimum is taken of


@mistake("the minimum of the ratios, then times A: too large where A < 0", "https://github.com/takuseno/ppo/issues/3")
def clip_min_before_advantage(right, x):
    r, clipped = _ratios(x)
    return surrogate(right, x, np.minimum(r, clipped) * x["advantage"])


@mistake("r A is clipped, not r", "https://github.com/alexis-jacq/Pytorch-DPPO/issues/3")
def clip_applied_to_surrogate(right, x):
    (low, high), gain = _pair(x), _ratios(x)[0] * x["advantage"]
    return surrogate(right, x, np.minimum(gain, np.clip(gain, 1 - low, 1 + high)))


@mistake("there is no minimum: clip(r) A, which is flat on both sides", "folklore")
def clip_without_minimum(right, x):
    return surrogate(right, x, _ratios(x)[1] * x["advantage"])


@mistake("the maximum of r A and clip(r) A: flat where it should not be", "folklore")
def clip_maximum(right, x):
    r, clipped = _ratios(x)
    return surrogate(right, x, np.maximum(r * x["advantage"], clipped * x["advantage"]))


@mistake("a dual clip's bound, 3 A from below, for every A and not only where A < 0",
         "https://github.com/thu-ml/tianshou/issues/433")
def dual_clip_for_positive_advantage(right, x):
    return surrogate(right, x, np.maximum(_gain(right, x), 3 * x["advantage"]))


@mistake("a dual clip's bound below 1: A / 2 from below where A < 0",
         "https://github.com/opendilab/PPOxFamily/issues/95")
def dual_clip_c_below_one(right, x):
    bounded = np.maximum(_gain(right, x), x["advantage"] / 2)
    return surrogate(right, x, np.where(x["advantage"] < 0, bounded, _gain(right, x)))


@mistake("a variant: a dual clip, 3 A from below where A < 0", "folklore")
def dual_clip(right, x):
    bounded = np.maximum(_gain(right, x), 3 * x["advantage"])
    return surrogate(right, x, np.where(x["advantage"] < 0, bounded, _gain(right, x)))


@mistake("the clip is left out", "folklore")
def clip_left_out(right, x):
    return surrogate(right, x, _ratios(x)[0] * x["advantage"])


@mistake("log r is clipped to [-eps_low, eps_high]: r to [exp(-eps_low), exp(eps_high)]", "folklore")
def clip_in_log_space(right, x):
    low, high = _pair(x)
    r, clipped = _ratios(x)[0], np.exp(np.clip(log_ratio(x), -low, high))
    return surrogate(right, x, np.minimum(r * x["advantage"], clipped * x["advantage"]))


@mistake("the lower bound is 1 / (1 + eps_high)", "folklore")
def clip_lower_bound_inverse(right, x):
    high = _pair(x)[1]
    return right(**x | {"clip_epsilon": np.array([1 - 1 / (1 + high), high])})


@mistake("eps_low and eps_high are in each other's place", "folklore")
def clip_pair_swapped(right, x):
    return right(**x | {"clip_epsilon": _pair(x)[::-1].copy()})


@mistake("one eps for both sides: eps_low above too", "folklore")
def clip_higher_ignored(right, x):
    return right(**x | {"clip_epsilon": _pair(x)[0]})


# What is trained


@gradient_mistake("the derivative passes through the clip: -r A everywhere", "folklore")
def clip_straight_through(right, cotangent, x):
    return right(cotangent, **x | {"clip_epsilon": np.array([1.0, 1e300])})


@gradient_mistake("nothing is trained where the ratio is outside, whatever the sign of A", "folklore")
def gradient_stopped_outside(right, cotangent, x):
    gradient = right(cotangent, **x)
    r, clipped = _ratios(x)
    by = np.where(r == clipped, gradient.loss_objective.log_prob, 0.0)
    return gradient._replace(loss_objective=gradient.loss_objective._replace(log_prob=by))


@gradient_mistake("behind the clip, 0 times the derivative of a ratio beyond float64: NaN",
                  "https://github.com/MakazhanAlpamys/Soup/issues/342")
def nan_behind_the_clip(right, cotangent, x):
    gradient = right(cotangent, **x)
    by = np.where(log_ratio(x) > 709.78, np.nan, gradient.loss_objective.log_prob)
    return gradient._replace(loss_objective=gradient.loss_objective._replace(log_prob=by))


# What is reported


@mistake("clip_fraction is the ratio, once it is clipped", "https://github.com/pytorch/rl/pull/2021")
def clip_fraction_is_mean_ratio(right, x):
    return right(**x)._replace(clip_fraction=_ratios(x)[1])


@mistake("a convention: clip_fraction counts only where the clip flattens the objective, so by the sign of A",
         "https://github.com/huggingface/trl/commit/5b586da3cc7f8212fa63ec9e7721435fe414a732")
def clip_fraction_minds_advantage_sign(right, x):
    (r, clipped), advantage = _ratios(x), x["advantage"]
    flat = ((r > clipped) & (advantage > 0)) | ((r < clipped) & (advantage < 0))
    return right(**x)._replace(clip_fraction=flat.astype(float))


@mistake("clip_fraction counts the ratios above the clip alone", "folklore")
def clip_fraction_above_alone(right, x):
    r, clipped = _ratios(x)
    return right(**x)._replace(clip_fraction=(r > clipped).astype(float))


def _pair(x):
    return np.broadcast_to(np.asarray(x["clip_epsilon"], float), (2,))


def _ratios(x):
    """r, or what float64 has nearest to it, and clip(r)."""
    (low, high), r = _pair(x), np.exp(np.minimum(log_ratio(x), 700.0))
    return r, np.where(r > 1 + high, 1 + high, np.where(r < 1 - low, 1 - low, r))


def _gain(right, x):
    return -right(**x).loss_objective
