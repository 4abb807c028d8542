"""A state-action value: a perceptron on the observation and the action, side by side."""

from __future__ import annotations

from collections.abc import Sequence

from rlref.networks.concatenated import Concatenated
from rlref.networks.mlp import MLP


class QNetwork(Concatenated):
    """Q [..., 1] of observation [..., O] and action [..., A]."""

    def __init__(self, observation_features: int, action_features: int, num_cells: Sequence[int] = (256, 256),
                 activation: str = "relu") -> None:
        super().__init__(MLP(observation_features + action_features, 1, num_cells, activation))
