"""Known mistakes in the soft update of a target network."""

from __future__ import annotations

from rlref.conformance.mistakes import gradient_mistake, mistake
from rlref.targets.soft_update import Gradient, Updated


@mistake("the wrong way round: (1 - tau) theta + tau theta'", "folklore")
def polyak_reversed(right, x):
    return right(**x | {"tau": 1 - x["tau"]})


@mistake("the target network is the same object, so that it is what is trained",
         "https://github.com/datawhalechina/easy-rl/issues/140")
def target_is_same_object(right, x):
    return Updated(x["params"].copy())


@mistake("running statistics are no parameters, and stay as they were",
         "https://github.com/DLR-RM/stable-baselines3/commit/29a481a288b58008dbb4b0b4af5b360121aea120")
def polyak_skips_buffers(right, x):
    return Updated(x["target_params"].copy())


@mistake("tau theta is added, and nothing is taken off theta'", "folklore")
def polyak_without_decay(right, x):
    return Updated(x["target_params"] + x["tau"] * x["params"])


@mistake("the target moves away from the parameters: theta' + tau (theta' - theta)", "folklore")
def polyak_moves_away(right, x):
    return Updated(x["target_params"] + x["tau"] * (x["target_params"] - x["params"]))


@mistake("two updates are made in place of one", "folklore")
def polyak_applied_twice(right, x):
    return right(**x | {"target_params": right(**x).target_params})


@gradient_mistake("the derivatives by theta and theta' are swapped", "folklore")
def polyak_gradient_swapped(right, cotangent, x):
    gradient = right(cotangent, **x)
    return Gradient(gradient.target_params, gradient.params)
