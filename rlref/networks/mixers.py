"""Mixers: the value of a team from the values of its agents, by losses/vdn and by losses/qmix.

The values [..., G, 1] of the agents' actions come from one network that they share, such as an MLP on [..., G, O].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from rlref.losses import _last_axis, _mixing
from rlref.networks.linear import Linear
from rlref.networks.mlp import MLP
from rlref.networks.trees import Array, Tree


class VDNMixer:
    """The sum over ``n_agents``; it has no parameters."""

    def __init__(self, n_agents: int) -> None:
        self.n_agents = n_agents

    def init(self, rng: np.random.Generator) -> Tree:
        """Nothing."""
        return {}

    def __call__(self, parameters: Tree, local_value: Array) -> tuple[Array, Callable[[Array], tuple[Tree, Array]]]:
        """Q_tot [..., 1] of local_value [..., n_agents, 1]."""
        _batch(local_value, self.n_agents)
        return (_last_axis.total(local_value[..., 0])[..., None],
                lambda by_y: ({}, np.repeat(by_y[..., None, :], self.n_agents, axis=-2)))


class QMixer:
    """losses/qmix with ``mixing_embed_dim`` hidden units, whose weights and biases hypernetworks make of the state."""

    def __init__(self, state_shape: Sequence[int], mixing_embed_dim: int, n_agents: int) -> None:
        self.state_shape, self.mixing_embed_dim, self.n_agents = tuple(state_shape), mixing_embed_dim, n_agents
        features = prod(state_shape)
        self.hypernetworks: dict[str, Linear | MLP] = {  # called as in torchrl, in the order of the page's inputs
            "hyper_w_1": Linear(features, mixing_embed_dim * n_agents), "hyper_b_1": Linear(features, mixing_embed_dim),
            "hyper_w_final": Linear(features, mixing_embed_dim), "V": MLP(features, 1, (mixing_embed_dim,), "relu")}

    def init(self, rng: np.random.Generator) -> Tree:
        """Those of its hypernetworks."""
        return {name: network.init(rng) for name, network in self.hypernetworks.items()}

    def __call__(self, parameters: Tree, local_value: Array, state: Array
                 ) -> tuple[Array, Callable[[Array], tuple[Tree, Array, Array]]]:
        """Q_tot [..., 1] of local_value [..., n_agents, 1] and state [..., *state_shape]."""
        batch = _batch(local_value, self.n_agents)
        if state.shape != (*batch, *self.state_shape):
            raise ValueError(f"state: expected shape {(*batch, *self.state_shape)}, got {state.shape}")
        flat = state.reshape(*batch, prod(self.state_shape))
        (w_1, b_1, w_final, v), through = zip(*(network(parameters[name], flat) for name, network in
                                                self.hypernetworks.items()), strict=True)
        y, back = _mixing.monotonic(local_value[..., 0], w_1.reshape(*batch, self.n_agents, self.mixing_embed_dim),
                                    b_1, w_final, v[..., 0])

        def pullback(by_y: Array) -> tuple[Tree, Array, Array]:
            by_local, *by_made = back(by_y[..., 0])
            by_parameters, by_flat = zip(*(each(by) for each, by in zip(through, by_made, strict=True)), strict=True)
            named = zip(self.hypernetworks, by_parameters, strict=True)
            return ({name: by for name, by in named if by}, by_local[..., None], sum(by_flat).reshape(state.shape))

        return y[..., None], pullback


def _batch(local_value: Array, n_agents: int) -> tuple[int, ...]:
    """The axes before those of ``local_value``'s agents."""
    if local_value.shape[-2:] != (n_agents, 1):
        raise ValueError(f"local_value: expected shape [..., {n_agents}, 1], got {local_value.shape}")
    return local_value.shape[:-2]
