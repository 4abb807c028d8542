"""A state-action value: a perceptron on the observation and the action, side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from rlref.networks.mlp import MLP
from rlref.networks.trees import Array, Tree


class QNetwork:
    """Q(observation, action) [..., 1]."""

    def __init__(self, observation_features: int, action_features: int, num_cells: Sequence[int] = (256, 256),
                 activation: str = "relu") -> None:
        self.observation_features = observation_features
        self.mlp = MLP(observation_features + action_features, 1, num_cells, activation)

    def init(self, rng: np.random.Generator) -> Tree:
        """Those of its perceptron."""
        return self.mlp.init(rng)

    def __call__(self, parameters: Tree, observation: Array, action: Array
                 ) -> tuple[Array, Callable[[Array], tuple[Tree, Array, Array]]]:
        """Q of observation [..., O] and action [..., A]."""
        y, back = self.mlp(parameters, np.concatenate([observation, action], axis=-1))

        def pullback(by_y: Array) -> tuple[Tree, Array, Array]:
            by_parameters, by_x = back(by_y)
            by_observation, by_action = np.split(by_x, [self.observation_features], axis=-1)
            return by_parameters, by_observation, by_action

        return y, pullback
