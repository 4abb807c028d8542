"""Several networks of one shape on the same inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rlref.networks.trees import Array, Tree, stack, tree_map


class Ensemble:
    """``members`` networks like ``network``; every array of parameters, and y, has their axis in front."""

    def __init__(self, network: Any, members: int) -> None:
        self.network, self.members = network, members

    def init(self, rng: np.random.Generator) -> Tree:
        """Each member by itself."""
        return stack([self.network.init(rng) for _ in range(self.members)])

    def __call__(self, parameters: Tree, *inputs: Array) -> tuple[Array, Callable[[Array], tuple]]:
        """y [members, ...]; of each input, the pullback gives the sum over members."""
        results = [self.network(tree_map(lambda x, i=i: x[i], parameters), *inputs) for i in range(self.members)]

        def pullback(by_y: Array) -> tuple:
            by_parameters, *by_inputs = zip(*(part(by) for (_, part), by in zip(results, by_y, strict=True)),
                                            strict=True)
            return stack(by_parameters), *(sum(each) for each in by_inputs)

        return np.stack([y for y, _ in results]), pullback
