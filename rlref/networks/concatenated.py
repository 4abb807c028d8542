"""A network of several inputs, side by side."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rlref.networks.trees import Array, Tree


class Concatenated:
    """``network`` of inputs [..., D1], [..., D2], ... that are joined along the last axis."""

    def __init__(self, network: Any) -> None:
        self.network = network

    def init(self, rng: np.random.Generator) -> Tree:
        """Those of the network."""
        return self.network.init(rng)

    def __call__(self, parameters: Tree, *inputs: Array) -> tuple[Any, Callable[[Any], tuple]]:
        """What the network gives for [..., D1 + D2 + ...]."""
        y, back = self.network(parameters, np.concatenate(inputs, axis=-1))
        ends = np.cumsum([x.shape[-1] for x in inputs])[:-1]

        def pullback(by_y: Any) -> tuple:
            by_parameters, by_x = back(by_y)
            return by_parameters, *np.split(by_x, ends, axis=-1)

        return y, pullback
