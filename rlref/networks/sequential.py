"""One network after another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rlref.networks.trees import Array, Tree


class Sequential:
    """``layers`` in order; their parameters are called "0", "1", ..., those without any are left out, as in torch."""

    def __init__(self, *layers: Any) -> None:
        self.layers = layers

    def init(self, rng: np.random.Generator) -> Tree:
        """Each layer's parameters by its number."""
        made = {str(i): layer.init(rng) for i, layer in enumerate(self.layers)}
        return {name: parameters for name, parameters in made.items() if parameters}

    def __call__(self, parameters: Tree, x: Array) -> tuple[Any, Callable[[Any], tuple[Tree, Array]]]:
        """y of the last layer."""
        pullbacks = []
        for i, layer in enumerate(self.layers):
            x, back = layer(parameters.get(str(i), {}), x)
            pullbacks.append((str(i), back))

        def pullback(by: Any) -> tuple[Tree, Array]:
            found = {}
            for name, back in reversed(pullbacks):
                found[name], by = back(by)
            return {name: found[name] for name, _ in pullbacks if found[name]}, by

        return x, pullback
