"""The lambda-return with a value network, with torchrl's interface."""

from __future__ import annotations

from typing import Any, ClassVar

from rlref.objectives.value.td import TDEstimator
from rlref.returns import td_lambda


class TDLambdaEstimator(TDEstimator):
    """returns/td_lambda of a value network; ``lmbda`` is a number or an array that broadcasts to the rewards."""

    page = td_lambda
    hyper = ("gamma", "lmbda")
    settings: ClassVar = {"rolling_gamma": True}
    std_min = 1e-4

    def __init__(self, *, lmbda: Any, **options: Any) -> None:
        super().__init__(**options)
        self.lmbda = lmbda
