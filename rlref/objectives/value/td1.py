"""The return to the end of the trajectory with a value network, with torchrl's interface."""

from __future__ import annotations

from typing import ClassVar

from rlref.objectives.value.td import TDEstimator
from rlref.returns import td1


class TD1Estimator(TDEstimator):
    """returns/td1 of a value network."""

    page = td1
    settings: ClassVar = {"rolling_gamma": True}
