"""The edges of distributions: tails, bounds that tanh rounds to, probabilities that vanish, masks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from rlref.conformance.cases import Inputs
from rlref.conformance.edges import At, Edge

NEAREST = 9 / 2**53  # of half the range: where tanh_normal_log_prob stops to look closer at a bound
SPREAD = np.array([[0.0, 1.0], [-1.0, 2.5], [0.5, -0.125], [6.0, -6.0]])
ORDER = np.array([[2.0, 0.5, -1.0], [-0.5, 1.0, 3.0], [0.25, 0.25, 0.0], [-2.0, -2.0, -2.125]])
TAKEN = np.array([0, 2, 1, 0])


def _plain(x: Inputs, at: At) -> Inputs:
    return {}


def _is(**values: Any) -> Callable[[Inputs, At], Inputs]:
    """Each argument one number, or an array that broadcasts to its shape."""
    def change(x: Inputs, at: At) -> Inputs:
        return {name: np.broadcast_to(value, x[name].shape).astype(x[name].dtype) if name in x and np.ndim(x[name])
                and name not in ("low", "high") else value for name, value in values.items()}
    return change


def _tiny(x: Inputs, at: At) -> Inputs:
    """The same mean everywhere, and noise that has few digits left once it is added."""
    by = np.array([[1.0, -1.0]]) / np.arange(3.0, 11.0, 2.0)[:, None]
    third, low_high = np.full((4, 2), 1 / 3), {"low": -1.0, "high": 1.0}
    return {"loc": third, "scale": np.full((4, 2), 2.0**-48), "other_loc": third.copy(), **low_high,
            "noise": by, "sample": 1 / 3 + np.array([[0, 1], [-2, 3], [4, -5], [6, 7]]) / 2**48}


def _shapes(prefix: str, needs: str, axis: str) -> Iterator[Edge]:
    for name, comment, shape, sizes in (
            ("one-step", "a single step", (1,), {}), ("one-trajectory", "six steps", (6,), {}),
            ("batch", "five steps of two", (5, 2), {}), ("square-batch", "as many steps as trajectories", (2, 2), {}),
            ("two-batch-axes", "a grid of two by two, whose axes may be confused", (3, 2, 2), {}),
            ("one-wide", "a last axis of one", (4,), {axis: 1}), ("wide", "a last axis of five", (3,), {axis: 5})):
        yield Edge(f"{prefix}-{name}", comment, shape, needs, _plain, sizes)


def _away(by: float, noise: float) -> Callable[[Inputs, At], Inputs]:
    """A sample so many deviations from the mean, if no bounds say otherwise, and noise of that size."""
    def change(x: Inputs, at: At) -> Inputs:
        found: Inputs = {"noise": np.full_like(x["scale"], noise) * np.array([1, -1])}
        if "sample" in x and "low" not in x:
            found["sample"] = x["loc"] + by * x["scale"] * np.array([1, -1])
        if "other_loc" in x:
            found["loc"] = x["other_loc"] + by * x["other_scale"]
        return found
    return change


def _inside(distance: float, side: int) -> Callable[[Inputs, At], Inputs]:
    """An action so near to a bound of -1 and 1, and a mean where it came from."""
    def change(x: Inputs, at: At) -> Inputs:
        found: Inputs = {"low": -1.0, "high": 1.0}
        found["loc"] = np.full_like(x["loc"], side * 18.0)
        if "sample" in x:
            found["sample"] = np.full_like(x["sample"], side * (1.0 - distance))
            found["sample"][..., 0] = -0.5
        return found
    return change


def _sure(at: float) -> Callable[[Inputs, At], Inputs]:
    """u of about ``at``, of either sign."""
    return _is(loc=at * np.array([1.0, -1.0]), scale=0.125, sample=np.array([0.5, -0.5]), low=-1.0, high=1.0)


def _middle(low: Any, high: Any) -> Callable[[Inputs, At], Inputs]:
    """Bounds, and an action a quarter of the way from low to high, but never far from low."""
    def change(x: Inputs, at: At) -> Inputs:
        found: Inputs = {"low": low, "high": high}
        if "sample" in x:
            found["sample"] = low + np.minimum(np.full_like(x["sample"], 0.25) * (high - low), 512.3)
        return found
    return change


def _masked(mask: Any, action: Any, **logits: Any) -> Callable[[Inputs, At], Inputs]:
    """Which actions are legal, which is taken, and logits where they matter."""
    def change(x: Inputs, at: At) -> Inputs:
        legal = np.broadcast_to(np.array(mask, bool), x["action_mask"].shape).copy()
        return {"action_mask": legal, "action": np.broadcast_to(action, legal.shape[:-1]).copy(),
                **{name: np.where(legal, x[name], value) for name, value in logits.items() if name in x}}
    return change


NORMAL = (
    *_shapes("normal", "scale", "D"),
    Edge("unit-deviations", "a deviation of 1 says nothing of variance and deviation", (4,), "scale", _is(scale=1.0)),
    Edge("deviations-of-two", "deviation 2, variance 4, log-deviation 0.7", (3,), "scale", _is(scale=2.0)),
    Edge("small-deviations", "a thousandth", (4,), "scale", _is(scale=1 / 1024)),
    Edge("large-deviations", "a thousand", (4,), "scale", _is(scale=1024.0)),
    Edge("deviations-that-differ", "one action has a deviation of 1/8 and one of 8", (4,), "scale",
         _is(scale=np.array([0.125, 8.0]))),
    Edge("deviations-with-all-bits", "deviations and means with all their bits", (4,), "scale",
         lambda x, at: {"scale": np.sqrt(np.arange(2.0, 10.0)).reshape(4, 2), "loc": SPREAD / 3}),
    Edge("standard-normal", "mean 0, deviation 1", (5,), "scale", _is(loc=0.0, scale=1.0)),
    Edge("at-the-mean", "no noise", (4,), "scale", _away(0.0, 0.0)),
    Edge("one-deviation-away", "where the derivative by the deviation is 0", (4,), "scale", _away(1.0, 1.0)),
    Edge("far-in-the-tail", "forty deviations away: a density of e^-800", (4,), "scale", _away(40.0, 40.0)),
    Edge("means-far-from-zero", "means of a million, noise of one", (4,), "scale",
         lambda x, at: {"loc": np.full_like(x["scale"], 2.0**20), "other_loc": np.full_like(x["scale"], 2.0**20 + 1)}),
    Edge("noise-lost-in-the-mean", "deviations of 2^-48 around 1/3: mu + sigma epsilon has few digits of epsilon",
         (4,), "scale", _tiny),
    Edge("samples-beyond-one", "what an environment would clip to [-1, 1]", (4,), "loc scale",
         _is(sample=1.75, loc=1.5, low=-2.0, high=2.0)),
    Edge("the-same-distribution", "no divergence", (4,), "other_loc",
         lambda x, at: {"other_loc": x["loc"].copy(), "other_scale": x["scale"].copy()}),
    Edge("the-other-a-hair-off", "1 + 2^-20 times the deviation", (4,), "other_loc",
         lambda x, at: {"other_loc": x["loc"].copy(), "other_scale": x["scale"] * (1 + 2.0**-20)}),
)
TANH = (
    *(Edge(f"saturated-{at}", f"u of {at}: tanh is 1 to the last digit" if at > 19 else f"u of {at}", (4,), "low",
           _sure(at)) for at in (3, 10, 20, 400)),
    Edge("u-of-zero", "where da/du is half the range", (3,), "low",
         _is(loc=0.0, noise=0.0, sample=0.0, low=-1.0, high=1.0)),
    *(Edge(f"{name}-{bound}", comment, (3,), "low", _inside(distance, side))
      for name, comment, distance in (("action-at", "an action rounded to its bound", 0.0),
                                      ("action-an-ulp-inside", "the last float64 before the bound", 2.0**-53),
                                      ("action-where-it-ends", "as near as is told apart from the bound", NEAREST),
                                      ("action-1e-12-inside", "near, and still exact", 2.0**-40))
      for bound, side in (("low", -1), ("high", 1))),
    *(Edge(name, comment, (4,), "low", _middle(low, high)) for name, comment, low, high in (
        ("near-a-bound-of-zero", "0 and 2^58: 512 is near the lower one", 0.0, 2.0**58),
        ("symmetric-bounds", "-2 and 2", -2.0, 2.0), ("bounds-to-one-side", "0 and 1/4", 0.0, 0.25),
        ("bounds-by-dimension", "each dimension its own", np.array([-2.0, 0.5]), np.array([0.5, 8.0])),
        ("bounds-not-in-float32", "-0.1 and 0.7", -0.1, 0.7), ("wide-bounds", "a thousand", -1000.0, 1000.0))),
    *_shapes("scaled-mean", "upscale", "D"),
    *(Edge(f"scaled-mean-{name}", comment, (4,), "upscale", _is(loc=loc, upscale=upscale))
      for name, comment, loc, upscale in (
          ("zero", "where the slope is 1", 0.0, 5.0), ("at-the-bound", "as large as the bound", SPREAD * 5, 5.0),
          ("beyond", "twenty times the bound", np.array([100.0, -100.0]), 5.0),
          ("far-beyond", "eight hundred times", np.array([400.0, -400.0]), 0.5),
          ("bound-of-one", "plain tanh", SPREAD, 1.0), ("small", "far below the bound", SPREAD / 1024, 10.0))),
)
CATEGORICAL = (
    *_shapes("categorical", "logits", "A"),
    Edge("probabilities-that-differ", "every action is taken, none masked", (4,), "logits",
         _is(logits=ORDER, other_logits=ORDER[::-1], action=TAKEN)),
    Edge("equal-logits", "a third each", (4,), "logits", _is(logits=2.5, action=TAKEN)),
    Edge("logits-that-overflow", "exp of 800 is infinite, the probabilities are not", (4,), "logits",
         _is(logits=ORDER + 800, other_logits=ORDER[::-1] + 800, action=TAKEN)),
    Edge("logits-that-vanish", "exp of -800 is 0, the probabilities are not", (4,), "logits",
         _is(logits=ORDER - 800, other_logits=ORDER[::-1] - 800, action=TAKEN)),
    Edge("nearly-sure", "one action 40 above the rest", (3,), "logits",
         _is(logits=np.array([40.0, 0.0, -1.0]), other_logits=np.array([0.0, 40.0, 0.0]), action=np.array([0, 1, 2]))),
    Edge("a-probability-of-zero", "one action 800 below the rest: e^-800 is 0", (3,), "logits",
         _is(logits=np.array([0.0, -800.0, 1.0]), other_logits=np.array([0.5, -1.0, 0.0]), action=np.array([0, 1, 2]))),
    Edge("the-other-never-takes-it", "log q = -800 where p is a third, finite all the same", (3,), "logits",
         _is(logits=np.array([0.0, 0.0, 0.0]), other_logits=np.array([0.5, -800.0, 0.0]), action=np.array([0, 1, 2]))),
    Edge("the-same-logits", "no divergence; shifted by 3 they are the same", (4,), "logits",
         _is(logits=ORDER * 2, other_logits=ORDER * 2 + 3, action=TAKEN[::-1])),
    Edge("the-last-action-masked", "by number", (4,), "logits", _masked([1, 1, 0], [0, 1, 1, 0])),
    Edge("the-first-action-masked", "what is taken is legal", (4,), "logits", _masked([0, 1, 1], [1, 2, 1, 2])),
    Edge("nan-where-masked", "a masked logit is never read", (4,), "logits",
         _masked([1, 0, 1], [0, 2, 2, 0], logits=np.nan, other_logits=np.nan)),
    Edge("the-best-action-masked", "a masked logit of 1e18", (4,), "logits",
         _masked([1, 0, 1], [0, 2, 0, 2], logits=1e18, other_logits=1e18)),
    Edge("minus-infinity-where-masked", "as a network that masks has it", (4,), "logits",
         _masked([0, 1, 1], [2, 1, 2, 1], logits=-np.inf, other_logits=-np.inf)),
    Edge("a-mask-for-each-step", "one legal action, two, three", (4,), "logits", _masked(
        [[1, 0, 0], [0, 1, 1], [1, 1, 1], [1, 0, 1]], [0, 2, 1, 0], logits=np.inf)),
    Edge("one-action-legal", "sure whatever its logit", (3,), "logits", _masked(np.eye(3), [0, 1, 2])),
)
EDGES: tuple[Edge, ...] = NORMAL + TANH + CATEGORICAL
