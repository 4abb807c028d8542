"""A multilayer perceptron: linear layers with an activation between them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from rlref.networks.activations import Activation
from rlref.networks.linear import Linear
from rlref.networks.sequential import Sequential
from rlref.networks.trees import Array, Tree


class MLP(Sequential):
    """``num_cells`` hidden layers of these widths. Its parameters are called as in torchrl's MLP: "0", "2", "4", ...

    y is [..., out_features], or has several last axes: (3, 4) is [..., 3, 4].
    """

    def __init__(self, in_features: int, out_features: int | Sequence[int], num_cells: Sequence[int] = (32, 32, 32),
                 activation: str = "tanh") -> None:
        self.outputs = (out_features,) if isinstance(out_features, int) else tuple(out_features)
        sizes = [in_features, *num_cells, math.prod(self.outputs)]
        layers: list[Linear | Activation] = []
        for before, after in pairwise(sizes):
            layers += [Linear(before, after), Activation(activation)]
        super().__init__(*layers[:-1])

    def __call__(self, parameters: Tree, x: Array) -> tuple[Array, Callable[[Array], tuple[Tree, Array]]]:
        """y, in the shape that was asked for."""
        y, back = super().__call__(parameters, x)
        return y.reshape(*y.shape[:-1], *self.outputs), lambda by: back(by.reshape(y.shape))
