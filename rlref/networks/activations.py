"""tanh, relu and elu with their derivatives, as layers without parameters."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rlref.networks.trees import Array, Tree

Pullback = Callable[[Array], tuple[Tree, Array]]


class Activation:
    """One of the ``ACTIVATIONS`` at every element."""

    def __init__(self, name: str) -> None:
        if name not in ACTIVATIONS:
            raise ValueError(f"activation: expected one of {', '.join(ACTIVATIONS)}, got {name!r}")
        self.function = ACTIVATIONS[name]

    def init(self, rng: np.random.Generator) -> Tree:
        """Nothing."""
        return {}

    def __call__(self, parameters: Tree, x: Array) -> tuple[Array, Pullback]:
        """y of the shape of x."""
        y, slope = self.function(x)
        return y, lambda by_y: ({}, by_y * slope())


def _tanh(x: Array) -> tuple[Array, Callable[[], Array]]:
    y = np.tanh(x)
    return y, lambda: 1 - y * y


def _relu(x: Array) -> tuple[Array, Callable[[], Array]]:
    """The derivative at 0 is 0, as in torch."""
    return np.maximum(x, 0), lambda: x > 0


def _elu(x: Array) -> tuple[Array, Callable[[], Array]]:
    """x above 0, exp(x) - 1 below it; the derivative at 0 is 1."""
    y = np.where(x > 0, x, np.expm1(np.minimum(x, 0)))
    return y, lambda: np.where(x > 0, 1, y + 1)


ACTIVATIONS: dict[str, Callable[[Array], tuple[Array, Callable[[], Array]]]] = {
    "tanh": _tanh, "relu": _relu, "elu": _elu}
