"""A linear layer: y = x W^T + b, with weight [out, in] as torch has it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rlref.networks.trees import Array, Held, Tree

Pullback = Callable[[Array], tuple[Tree, Array]]


class Linear:
    """From ``in_features`` to ``out_features``, with a bias."""

    def __init__(self, in_features: int, out_features: int) -> None:
        self.in_features, self.out_features = in_features, out_features

    def init(self, rng: np.random.Generator) -> Tree:
        """Uniform between -1 / sqrt(in) and 1 / sqrt(in), weight and bias, as torch.nn.Linear."""
        bound = 1 / np.sqrt(self.in_features)
        return {"weight": rng.uniform(-bound, bound, (self.out_features, self.in_features)),
                "bias": rng.uniform(-bound, bound, self.out_features)}

    def __call__(self, parameters: Tree, x: Array) -> tuple[Array, Pullback]:
        """y [..., out] of x [..., in]."""
        weight, bias = parameters["weight"], parameters["bias"]
        if x.shape[-1:] != weight.shape[1:]:
            raise ValueError(f"x: expected a last axis of {weight.shape[1]}, got shape {x.shape}")
        rows = x.reshape(-1, x.shape[-1])
        y = rows @ weight.T
        y += bias

        def pullback(by_y: Array) -> tuple[Tree, Array]:
            by_rows = by_y.reshape(y.shape)
            by_x = (by_rows @ weight).reshape(x.shape)
            if isinstance(parameters, Held):
                return {}, by_x
            return {"weight": by_rows.T @ rows, "bias": by_rows.sum(axis=0)}, by_x

        return y.reshape(*x.shape[:-1], -1), pullback
