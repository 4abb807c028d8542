"""Known mistakes in the clipped loss of a value."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import gradient_mistake, mistake
from rlref.conformance.mistakes.distances import (  # noqa: F401  (found by looking)
    averaged_too_early,
    gradient_clipped,
    huber_missing_half,
    square_halved,
)
from rlref.losses import _distance


@mistake("the smaller of the two losses is taken, as Engstrom et al. 2020 print it",
         "https://github.com/ray-project/ray/issues/2233")
def value_clip_min(right, x):
    return right(**x)._replace(loss=np.minimum(_plain(x), _distance_of(x, _clipped(x))))


@mistake("the old values are computed anew, with the network as it is now: nothing is ever clipped",
         "https://github.com/tensorflow/agents/commit/1a89d948c914379562fe38e53ab4d0821cf2983e")
def value_clip_fresh_old_values(right, x):
    return right(**x | {"old_state_value": x["state_value"]})


@mistake("clip_fraction is the ratio V / V_old, clamped", "https://github.com/pytorch/rl/pull/2021")
def value_clip_fraction_from_ratio(right, x):
    old = np.where(x["old_state_value"] == 0, 1.0, x["old_state_value"])
    ratio = np.clip(x["state_value"] / old, 1 - x["clip_value"], 1 + x["clip_value"])
    return right(**x)._replace(clip_fraction=ratio)


@mistake("the loss of the clipped value alone, not the larger of the two", "folklore")
def value_clip_alone(right, x):
    return right(**x)._replace(loss=_distance_of(x, _clipped(x)))


@mistake("the value is clipped around its target, not around the old value",
         "https://github.com/kscalelabs/ksim/pull/3")
def value_clip_around_target(right, x):
    error = np.clip(x["state_value"] - x["value_target"], -x["clip_value"], x["clip_value"])
    return right(**x)._replace(loss=_distance.value(error, x["loss_function"]))


@mistake("the larger difference is taken before its size or square, so that a negative one never is",
         "https://github.com/implementation-matters/code-for-paper/issues/6")
def value_clip_max_before_distance(right, x):
    error = np.maximum(x["state_value"], _clipped(x)) - x["value_target"]
    return right(**x)._replace(loss=_distance.value(error, x["loss_function"]))


@mistake("the loss is cut off at epsilon_V, not the value", "https://github.com/ray-project/ray/issues/19291")
def value_loss_cut_off(right, x):
    return right(**x)._replace(loss=np.minimum(_plain(x), x["clip_value"]))


@mistake("the value may move by epsilon_V times the size of the old one",
         "https://github.com/openai/baselines/issues/765")
def value_clip_relative(right, x):
    most = x["clip_value"] * np.abs(x["old_state_value"])
    bound = x["old_state_value"] + np.clip(x["state_value"] - x["old_state_value"], -most, most)
    return right(**x)._replace(loss=np.maximum(_plain(x), _distance_of(x, bound)))


@mistake("a convention: the loss is halved",
         "https://github.com/verl-project/verl/commit/6e15bbe2583135dfd8a6172da6872e5781ebae7e")
def value_loss_half_missing(right, x):
    return right(**x)._replace(loss=right(**x).loss / 2)


@mistake("[T, B] less [T, B] of the other order: every input meets another sample's target where T = B",
         "https://github.com/automl/Mighty/pull/126")
def critic_returns_bb_broadcast(right, x):
    shape = x["value_target"].shape
    square = len(shape) > 1 and shape[0] == shape[1]
    return right(**x | {"value_target": x["value_target"].swapaxes(0, 1).copy()} if square else x)


@gradient_mistake("the clip is passed straight through: where V_clip is worse, V gets its gradient", "folklore")
def value_clip_straight_through(right, cotangent, x):
    worse = _distance_of(x, _clipped(x)) > _distance_of(x, x["state_value"])
    slope = _distance.slope(np.where(worse, _clipped(x), x["state_value"]) - x["value_target"], x["loss_function"])
    return right(cotangent, **x)._replace(state_value=cotangent.loss * slope)


@gradient_mistake("no gradient wherever the value is clipped, though V itself may be worse than V_clip", "folklore")
def value_clip_always_stops(right, cotangent, x):
    clipped = np.abs(x["state_value"] - x["old_state_value"]) > x["clip_value"]
    return right(cotangent, **x)._replace(state_value=np.where(clipped, 0.0, right(cotangent, **x).state_value))


def _clipped(x):
    moved = np.clip(x["state_value"] - x["old_state_value"], -x["clip_value"], x["clip_value"])
    return x["old_state_value"] + moved


def _distance_of(x, value):
    return _distance.value(value - x["value_target"], x["loss_function"])


def _plain(x):
    return _distance_of(x, x["state_value"])
