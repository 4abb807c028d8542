"""torchrl's functional utilities: distances, one-step targets, and networks and parameters that are held still."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from rlref.losses import distance
from rlref.networks.trees import Tree, held
from rlref.objectives.data import Data, Key, after, get, has, last
from rlref.objectives.modules import Module
from rlref.returns import td0


def distance_loss(v1: Any, v2: Any, loss_function: str, strict_shape: bool = True) -> np.ndarray:
    """losses/distance of every element; ``strict_shape=False`` lets the shapes broadcast."""
    v1, v2 = np.asarray(v1), np.asarray(v2)
    if strict_shape and v1.shape != v2.shape:
        raise ValueError(f"v2: expected shape {v1.shape} like v1, got {v2.shape}")
    shape = np.broadcast_shapes(v1.shape, v2.shape)
    flat = (np.broadcast_to(x, shape).reshape(-1) for x in (v1, v2))
    return distance.vectorized(*flat, loss_function=loss_function).loss.reshape(shape)


def next_state_value(data: Data, operator: Module | None = None, next_val_key: Key = "state_action_value",
                     gamma: float = 0.99, pred_next_val: np.ndarray | None = None) -> np.ndarray:
    """The one-step target [*B] of returns/td0, of ``pred_next_val`` [*B, 1] or of what ``operator`` writes.

    The discount is gamma to the power of "steps_to_next_obs", if that is there. Where a batch has "terminated", that
    cuts the bootstrap, not done. (torchrl 0.14.1 leaves the value of the next state out at truncations, too.)
    """
    ends = "terminated" if has(data, ("next", "terminated")) else "done"
    reward, done = (last(name, get(data, ("next", name))) for name in ("reward", ends))
    steps = last("steps_to_next_obs", get(data, "steps_to_next_obs")) if has(data, "steps_to_next_obs") else 1
    if pred_next_val is None:
        if operator is None:
            raise ValueError("operator: expected a module where pred_next_val is not given, got None")
        pred_next_val = operator(after(data))[0][next_val_key]
    return td0.vectorized(reward, np.zeros(reward.shape), last("pred_next_val", np.asarray(pred_next_val)), done, done,
                          gamma=gamma**steps).value_target


@contextmanager
def hold_out_net(network: Module) -> Iterator[Module]:
    """Inside, ``network`` gives pullbacks with no derivative by its parameters: those by its inputs pass through.

        with hold_out_net(critic):
            value, pullback = critic(data)
        nothing, by_inputs = pullback(by_value)            # nothing == {}

    That is how an actor learns from a critic that does not. What was called outside is not changed.
    """
    before = network.network

    def still(parameters: Tree, *inputs: np.ndarray) -> tuple[Any, Callable[[Any], tuple]]:
        y, back = before(held(parameters), *inputs)
        return y, lambda by: ({}, *back(by)[1:])  # of a network that does not know what held means, too

    network.network = still
    try:
        yield network
    finally:
        network.network = before


@contextmanager
def hold_out_params(params: Tree) -> Iterator[Tree]:
    """Gives ``params`` as a network takes them to be held still: networks/held. The arrays are the same.

        with hold_out_params(parameters) as still:
            y, pullback = network(still, x)                # pullback(by_y) == ({}, by_x)
    """
    yield held(params)
