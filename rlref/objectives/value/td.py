"""What the TD estimators share: rewards may be standardized first."""

from __future__ import annotations

from typing import Any

from rlref.objectives.value.averages import standardized
from rlref.objectives.value.base import ValueEstimatorBase


class TDEstimator(ValueEstimatorBase):
    """``average_rewards``: returns/standardize of the rewards of the batch, with ddof = 1. The batch keeps its own."""

    std_min = 1e-5

    def __init__(self, *, average_rewards: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.average_rewards = average_rewards

    def prepare(self, reward):
        """The rewards, or what standardize makes of them."""
        return standardized(reward, None, 1, self.std_min) if self.average_rewards else super().prepare(reward)
