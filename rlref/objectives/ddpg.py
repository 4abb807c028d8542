"""Deep deterministic policy gradients, with torchrl's interface."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from rlref.losses import ddpg
from rlref.objectives.data import Data, Key, last, put
from rlref.objectives.loss_module import LossModule, Part
from rlref.objectives.modules import Module


class DDPGLoss(LossModule):
    """losses/ddpg of an actor and a critic. The actor's loss goes through the critic, which is held still."""

    default_keys: ClassVar[dict[str, Key]] = {
        "state_action_value": "state_action_value", "priority": "td_error", "reward": "reward", "done": "done",
        "terminated": "terminated", "priority_weight": "priority_weight"}
    out_keys: ClassVar[list[str]] = ["loss_actor", "loss_value", "pred_value", "target_value", "pred_value_max",
                                     "target_value_max"]

    def __init__(self, actor_network: Module, value_network: Module, *, loss_function: str = "l2",
                 delay_actor: bool = False, delay_value: bool = True, separate_losses: bool = False,
                 reduction: str | None = None, use_prioritized_weights: bool | str = "auto") -> None:
        super().__init__(reduction, use_prioritized_weights)
        self.add("actor_network", actor_network, delay_actor)
        self.add("value_network", value_network, delay_value)
        self.loss_function, self.separate_losses = loss_function, separate_losses

    def parts(self, data, rng):
        """(1) to (4) of losses/ddpg."""
        key = self.tensor_keys["state_action_value"]
        action, by_actor = self.run("actor_network", data)
        policy_value, by_action = self.run("value_network", _acted(data, action))
        value, by_critic = self.run("value_network", data)
        following = data["next"]
        next_action, _ = self.run("actor_network", following, target=True)
        next_value, _ = self.run("value_network", _acted(following, next_action), target=True)
        target = self.value_target(data, last(next_value[key]))

        def to_actor(by: np.ndarray) -> dict:
            by_data = by_action({key: by.reshape(policy_value[key].shape)})[1]
            return {"actor_network": by_actor({name: by_data[name] for name in action})[0]}

        part = Part(ddpg, {"state_action_value": last(value[key]), "value_target": target,
                           "policy_action_value": last(policy_value[key]), "loss_function": self.loss_function},
                    {"loss_actor.policy_action_value": to_actor,
                     "loss_value.state_action_value": lambda by: {
                         "value_network": by_critic({key: by.reshape(value[key].shape)})[0]}},
                    weighted=("loss_actor", "loss_value"))
        predicted = last(value[key])
        return [part], {"pred_value": predicted, "target_value": target, "pred_value_max": predicted.max(),
                        "target_value_max": target.max(), self.tensor_keys["priority"]: (predicted - target)**2}


def _acted(data: Data, action: dict) -> Data:
    """``data`` with the actor's action in place of what was there."""
    for name, x in action.items():
        data = put(data, name, x)
    return data
