"""Imagination: the steps of an actor in a world model, and the way back through all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rlref.distributions import _random
from rlref.networks.trees import Tree, held, tree_map, tree_sum
from rlref.objectives.data import Data, Key, get, put, put_all
from rlref.objectives.modules import Module, Outputs, ProbabilisticActor
from rlref.objectives.policies import Policy
from rlref.objectives.trained import added

NOISE = "noise"


class DreamerEnv:
    """An environment that is imagined and never ends: ``world_model`` writes the next state and belief, and the reward.

    It reads state and belief [*B, D], "action", and if it is stochastic, "noise": normal numbers like the state.
    """

    def __init__(self, world_model: Module) -> None:
        if "action" not in world_model.in_keys:
            raise ValueError(f"world_model: expected 'action' among its in_keys, got {world_model.in_keys}")
        self.world_model = world_model

    def step(self, data: Data, rng: Any) -> tuple[Outputs, Callable[[Outputs], Outputs]]:
        """What follows on ``data``, and from derivatives by some of it to those by ``data``; the model is held still.
        """
        if NOISE in self.world_model.in_keys:
            data = put(data, NOISE, _random.normal(rng, get(data, "state").shape))
        outputs, back = self.world_model(data, held(self.world_model.parameters))
        return outputs, lambda by: back(by)[1]


def imagine(env: DreamerEnv, actor: ProbabilisticActor, parameters: Tree, start: Outputs, reward: Key, horizon: int,
            rng: Any) -> tuple[Data, Callable[[Outputs], Tree]]:
    """``horizon`` steps from the entries ``start`` [*B, D] on, as a batch [*B, T, D].

    And from derivatives by some entries of its "next" to those by the actor's parameters: through each action that an
    entry depends on, by way of the model and of the later actions, which read what the earlier ones led to.
    """
    now, steps, frames = start, [], []
    for _ in range(horizon):
        state = put_all({}, now)
        policy = Policy(actor, state, *actor(state, parameters))  # type: ignore[arg-type]
        draw = policy.rsample(rng)
        acted = state | {"action": draw.sample}
        outputs, back = env.step(acted, rng)
        following = put_all({}, outputs)
        now = {key: get(following, key) for key in start}
        steps.append((policy, draw, back))
        frames.append(acted | {"next": put_all({}, {**now, reward: get(following, reward)})})

    def pullback(by: Outputs) -> Tree:
        trees: list[Tree] = []
        later: Outputs = {}
        for t, (policy, draw, back) in reversed(list(enumerate(steps))):
            by_data = back(added({key: x[..., t, :] for key, x in by.items()}, later))
            tree, by_read = policy.rsample_vjp((by_data["action"], np.zeros(draw.log_prob.shape)), draw)
            trees.append(tree)  # type: ignore[arg-type]
            later = {key: x for key, x in added(by_data, by_read).items() if key in start}
        return tree_sum(trees)

    return tree_map(lambda *xs: np.stack(xs, axis=-2), *frames), pullback
