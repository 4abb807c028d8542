"""Known mistakes, and conventions taken for one another, in TD3's target policy smoothing."""

from __future__ import annotations

import math

import numpy as np

from rlref.bootstraps.target_policy_smoothing import SmoothedAction
from rlref.conformance.mistakes import gradient_mistake, mistake


@mistake("a convention: noise and its clip are multiplied by half the range of the action",
         "https://github.com/vwxyzjn/cleanrl/issues/279")
def td3_noise_scaled_by_range(right, x):
    half = np.subtract(x["action_high"], x["action_low"]) / 2
    return _added(x, np.where(np.isfinite(half), half, 1.0) * _jitter(x))


@mistake("one noise for the whole batch, drawn in the shape of a single action",
         "https://github.com/vwxyzjn/cleanrl/pull/281")
def td3_noise_shared_by_the_batch(right, x):
    first = x["noise"].reshape(-1, x["noise"].shape[-1])[0]
    return right(**x | {"noise": np.broadcast_to(first, x["noise"].shape)})


@mistake("one noise for all dimensions of an action", "folklore")
def td3_noise_shared_by_dimensions(right, x):
    return right(**x | {"noise": np.broadcast_to(x["noise"][..., :1], x["noise"].shape)})


@mistake("the action with noise is not clipped to its bounds", "https://github.com/AgileRL/AgileRL/pull/240")
def td3_target_action_not_clamped(right, x):
    return right(**x | {"action_low": -math.inf, "action_high": math.inf})


@mistake("the bounds of the first dimension hold for all", "https://github.com/ray-project/ray/pull/9680")
def td3_clamp_uses_first_dim_bounds(right, x):
    return right(**x | {name: float(np.ravel(x[name])[0]) for name in ("action_low", "action_high")})


@mistake("the noise is clipped to [0, c]: it only ever adds",
         "https://github.com/wujingda/Human-in-the-loop-Deep-Reinforcement-Learning/issues/3")
def td3_noise_clamped_one_sided(right, x):
    return right(**x | {"noise": np.maximum(x["noise"], 0.0)})


@mistake("the noise is not clipped", "folklore")
def td3_noise_not_clipped(right, x):
    return right(**x | {"noise_clip": 1e300})


@mistake("the noise is clipped before it is scaled: c limits epsilon, not sigma epsilon", "folklore")
def td3_noise_clipped_before_scaling(right, x):
    return _added(x, x["policy_noise"] * np.clip(x["noise"], -x["noise_clip"], x["noise_clip"]))


@mistake("the sum of action and noise is clipped to [-c, c]", "folklore")
def td3_clip_of_the_sum(right, x):
    total = x["next_action"] + x["policy_noise"] * x["noise"]
    return SmoothedAction(np.clip(np.clip(total, -x["noise_clip"], x["noise_clip"]), x["action_low"], x["action_high"]))


@mistake("the action is clipped before the noise is added, and not after", "folklore")
def td3_clamped_before_noise(right, x):
    return SmoothedAction(np.clip(x["next_action"], x["action_low"], x["action_high"]) + _jitter(x))


@mistake("the bounds are taken as [-high, high], as if every range were centred on 0", "folklore")
def td3_bounds_symmetric(right, x):
    return right(**x | {"action_low": -np.abs(x["action_high"]), "action_high": np.abs(x["action_high"])})


@mistake("sigma is taken for the variance: the noise is multiplied by its root",
         "https://github.com/sfujim/TD3/issues/22")
def td3_sigma_as_variance(right, x):
    return right(**x | {"policy_noise": math.sqrt(x["policy_noise"])})


@mistake("the noise is subtracted", "folklore")
def td3_noise_subtracted(right, x):
    return right(**x | {"noise": -x["noise"]})


@mistake("no noise in the target: the action of DDPG, clipped", "folklore")
def td3_smoothing_left_out(right, x):
    return right(**x | {"policy_noise": 0.0})


@gradient_mistake("the derivative passes through the bounds, whether they clip or not", "folklore")
def gradient_through_the_clip(right, cotangent, x):
    return right(cotangent, **x | {"action_low": -math.inf, "action_high": math.inf})


@gradient_mistake("an action on its bound has no derivative: the tie belongs to the constant", "folklore")
def gradient_lost_on_the_bound(right, cotangent, x):
    action = x["next_action"] + _jitter(x)
    inside = (x["action_low"] < action) & (action < x["action_high"])
    return right(cotangent, **x)._replace(next_action=np.where(inside, cotangent.next_action, 0.0))


def _jitter(x):
    return np.clip(x["policy_noise"] * x["noise"], -x["noise_clip"], x["noise_clip"])


def _added(x, jitter):
    return SmoothedAction(np.clip(x["next_action"] + jitter, x["action_low"], x["action_high"]))
