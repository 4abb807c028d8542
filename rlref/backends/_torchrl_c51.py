"""torchrl: DistributionalDQNLoss, reductions, the clipped value loss and target updates."""

from __future__ import annotations

from rlref.backends import Divergence

FUNCTIONS: dict = {}
DIVERGENCES: tuple[Divergence, ...] = ()
