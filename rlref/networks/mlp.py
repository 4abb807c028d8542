"""A multilayer perceptron: linear layers with an activation between them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from rlref.networks.activations import Activation
from rlref.networks.linear import Linear
from rlref.networks.sequential import Sequential


class MLP(Sequential):
    """``num_cells`` hidden layers of these widths. Its parameters are called as in torchrl's MLP: "0", "2", "4", ..."""

    def __init__(self, in_features: int, out_features: int, num_cells: Sequence[int] = (32, 32, 32),
                 activation: str = "tanh") -> None:
        sizes = [in_features, *num_cells, out_features]
        layers: list[Linear | Activation] = []
        for before, after in pairwise(sizes):
            layers += [Linear(before, after), Activation(activation)]
        super().__init__(*layers[:-1])
