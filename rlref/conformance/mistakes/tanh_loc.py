"""Known mistakes in location scaling."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import gradient_mistake, mistake


@mistake("clipped, not squashed", "folklore")
def location_clipped(right, x):
    return right(**x)._replace(loc=np.clip(x["loc"], -x["upscale"], x["upscale"]))


@mistake("c tanh(mu): not divided first", "folklore")
def location_not_divided(right, x):
    return right(**x)._replace(loc=x["upscale"] * np.tanh(x["loc"]))


@mistake("tanh(mu / c): not multiplied back", "folklore")
def location_not_multiplied(right, x):
    return right(**x)._replace(loc=np.tanh(x["loc"] / x["upscale"]))


@mistake("left out, as torchrl's IndependentNormal does when it is made", "folklore")
def location_not_scaled(right, x):
    return right(**x)._replace(loc=x["loc"].copy())


@gradient_mistake("straight through: the derivative is 1", "folklore")
def location_straight_through(right, cotangent, x):
    return right(cotangent, **x)._replace(loc=cotangent.loc.copy())
