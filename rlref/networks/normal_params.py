"""From the outputs of a network to the mean and the standard deviation of a normal distribution."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from rlref.networks.trees import Array, Tree

LEAST = 0.01  # of what softplus gives, as tensordict's biased_softplus has it
BIAS = math.log(math.expm1(1 - LEAST))


class NormalParamExtractor:
    """loc is the first half of the last axis; scale = max(softplus(second half + bias) + 0.01, scale_lb).

    The bias makes it 1 at 0, as tensordict's NormalParamExtractor with "biased_softplus_1.0".
    """

    def __init__(self, scale_lb: float = 1e-4) -> None:
        self.scale_lb = scale_lb

    def init(self, rng: np.random.Generator) -> Tree:
        """Nothing."""
        return {}

    def __call__(self, parameters: Tree, x: Array) -> tuple[tuple[Array, Array],
                                                            Callable[[tuple[Array, Array]], tuple[Tree, Array]]]:
        """(loc, scale), each with half of the last axis of x."""
        if x.shape[-1] % 2:
            raise ValueError(f"x: expected an even last axis, got shape {x.shape}")
        loc, raw = np.split(x, 2, axis=-1)
        raw = raw + x.dtype.type(BIAS)
        soft = np.logaddexp(0, raw) + x.dtype.type(LEAST)

        def pullback(by: tuple[Array, Array]) -> tuple[Tree, Array]:
            by_raw = by[1] * np.exp(raw - np.logaddexp(0, raw)) * (soft >= self.scale_lb)
            return {}, np.concatenate([by[0], by_raw], axis=-1)

        return (loc.copy(), np.maximum(soft, x.dtype.type(self.scale_lb))), pullback
