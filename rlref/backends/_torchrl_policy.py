"""torchrl: ReinforceLoss, A2CLoss and the PPO losses."""

from __future__ import annotations

from rlref.backends import Divergence

FUNCTIONS: dict = {}
DIVERGENCES: tuple[Divergence, ...] = ()
