"""The one-step return with a value network, with torchrl's interface."""

from __future__ import annotations

from rlref.objectives.value.td import TDEstimator
from rlref.returns import td0


class TD0Estimator(TDEstimator):
    """returns/td0 of a value network."""

    page = td0
