"""What Dreamer's losses share: they give a pair, of the losses and of the batch with what was made of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from rlref.objectives.data import Data, Key
from rlref.objectives.loss_module import LossModule
from rlref.objectives.trained import Gradients

MADE = "made"  # what is reported under this name is the second of the pair


class DreamerLoss(LossModule):
    """As torchrl's, it has no choice of reduction, and neither weights, masks nor keyword arguments."""

    def __init__(self, reduction: str) -> None:
        super().__init__(reduction)
        self.loss_mask_key = None

    def __call__(self, data: Data, rng: np.random.Generator | None = None  # type: ignore[override]
                 ) -> tuple[dict[Key, Any], Data]:
        """The losses by name, and the batch."""
        return _pair(self._evaluate(data, rng, gradient=False)[0])

    def value_and_grad(self, data: Data, rng: np.random.Generator | None = None  # type: ignore[override]
                       ) -> tuple[tuple[dict[Key, Any], Data], dict[str, Gradients]]:
        """The same pair, and for each loss the gradient of the parameters that it trains, by network."""
        found, gradients = self._evaluate(data, rng, gradient=True)
        return _pair(found), gradients


def _pair(found: dict[Key, Any]) -> tuple[dict[Key, Any], Data]:
    return {name: x for name, x in found.items() if name != MADE}, found[MADE]
