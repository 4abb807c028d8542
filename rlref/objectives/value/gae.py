"""Generalized advantage estimation with a value network, with torchrl's interface."""

from __future__ import annotations

from typing import Any

from rlref.objectives.value.averages import standardized
from rlref.objectives.value.base import ValueEstimatorBase
from rlref.returns import gae


class GAE(ValueEstimatorBase):
    """returns/gae of a value network; ``lmbda`` is a number or an array that broadcasts to the rewards.

    ``average_gae``: returns/standardize of the advantages, with ddof = 1; with 0 where ``shifted``, as torchrl has it.
    """

    page = gae
    hyper = ("gamma", "lmbda")
    target_reads_value = True

    def __init__(self, *, lmbda: Any, average_gae: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.lmbda, self.average_gae = lmbda, average_gae

    def finish(self, advantage, valid):
        """The advantages, or what standardize makes of them."""
        if not self.average_gae:
            return super().finish(advantage, valid)
        return standardized(advantage, valid, 1 if valid is None else 0, 1e-4)
