"""Known mistakes in the loss of Dreamer's critic."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import gradient_mistake, mistake
from rlref.conformance.mistakes.distances import averaged_too_early  # noqa: F401  (found by looking)
from rlref.conformance.mistakes.dreamer_actor import (  # noqa: F401
    continue_weight_of_outcome,
    discount_loss_flipped,
    first_discount_overwritten,
    weights_missing_in_gradient,
)
from rlref.conformance.mistakes.ends import ahead


@mistake("a convention: the square is halved, as in the paper and as a normal density has it", "folklore")
def dreamer_value_halved(right, x):
    return type(right(**x))(right(**x).loss_value / 2)


def weights(right, x):
    """The losses where every value misses its target by 1."""
    zero = np.zeros(x["state_value"].shape)
    return right(**x | {"state_value": zero, "value_target": zero + 1}).loss_value


@mistake("the weight is inside the square: w^2 (V - G)^2", "folklore")
def weight_squared(right, x):
    return type(right(**x))(weights(right, x) * right(**x).loss_value)


@mistake("the distance is not squared", "folklore")
def absolute_difference(right, x):
    return type(right(**x))(weights(right, x) * np.abs(x["state_value"] - x["value_target"]))


@mistake("V(s_t) is compared with the return of the next step: targets and values come from arrays that start apart",
         "folklore")
def target_of_next_step(right, x):
    return right(**x | {"value_target": ahead(x["value_target"], x["value_target"][-1])})


@mistake("[T, B] less [T, B] of the other order: every value meets another step's target where T = B",
         "https://github.com/automl/Mighty/pull/126")
def critic_returns_bb_broadcast(right, x):
    shape = x["value_target"].shape
    square = len(shape) > 1 and shape[0] == shape[1]
    return right(**x | {"value_target": x["value_target"].swapaxes(0, 1).copy()} if square else x)


@mistake("the weights are counted from the end of the imagination: the last step has weight 1", "folklore")
def weights_from_the_end(right, x):
    steps = len(x["state_value"])
    flipped = {name: value[::-1] if np.ndim(value) and len(value) == steps else value for name, value in x.items()}
    return type(right(**x))(right(**flipped).loss_value[::-1].copy())


@gradient_mistake("the derivative of the square lacks its 2", "folklore")
def square_gradient_halved(right, cotangent, x):
    return type(right(cotangent, **x))(right(cotangent, **x).state_value / 2)


@gradient_mistake("the derivative has the wrong sign: the target is moved to the value", "folklore")
def gradient_by_target(right, cotangent, x):
    return type(right(cotangent, **x))(-right(cotangent, **x).state_value)
