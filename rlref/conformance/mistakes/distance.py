"""Known mistakes in the distance of a prediction from its target."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import gradient_mistake, mistake
from rlref.conformance.mistakes.distances import (  # noqa: F401  (found by looking)
    averaged_too_early,
    gradient_clipped,
    huber_missing_half,
    square_halved,
)


@mistake("smooth_l1 is not continuous: |u| outside, without the half that it loses there", "folklore")
def huber_not_continuous(right, x):
    size = np.abs(x["input"] - x["target"])
    outside = (x["loss_function"] == "smooth_l1") & (size >= 1)
    return right(**x)._replace(loss=np.where(outside, size, right(**x).loss))


@mistake("the sign of the difference is lost before the distance is taken: u itself for |u|", "folklore")
def l1_not_absolute(right, x):
    signed = x["input"] - x["target"]
    return right(**x)._replace(loss=signed) if x["loss_function"] == "l1" else right(**x)


@mistake("[T, B] less [T, B] of the other order: every input meets another sample's target where T = B",
         "https://github.com/automl/Mighty/pull/126")
def critic_returns_bb_broadcast(right, x):
    shape = x["target"].shape
    square = len(shape) > 1 and shape[0] == shape[1]
    return right(**x | {"target": x["target"].swapaxes(0, 1).copy()} if square else x)


@gradient_mistake("the target is trained too, as if the derivative by it had the same sign", "folklore")
def target_gradient_sign(right, cotangent, x):
    gradient = right(cotangent, **x)
    return gradient._replace(target=gradient.input.copy())


@gradient_mistake("no derivative by the target: it is always held still",
                  "https://github.com/google-deepmind/rlax/commit/66ea2d68a083933a3fb3f76a4e0935339005e1aa")
def unconditional_stop_gradient(right, cotangent, x):
    gradient = right(cotangent, **x)
    return gradient._replace(target=np.zeros_like(gradient.target))
