"""torchrl: SACLoss, DiscreteSACLoss and REDQLoss."""

from __future__ import annotations

from rlref.backends import Divergence

FUNCTIONS: dict = {}
DIVERGENCES: tuple[Divergence, ...] = ()
