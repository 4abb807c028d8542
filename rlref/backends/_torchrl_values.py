"""torchrl's distance_loss, DQNLoss and DDPGLoss, run as they are on networks that hand over the given arrays."""

from __future__ import annotations

from typing import Any

import torch
from tensordict import TensorDict
from tensordict.nn import TensorDictModule
from torchrl.modules import QValueActor
from torchrl.objectives import DDPGLoss, DQNLoss
from torchrl.objectives.utils import distance_loss

from rlref.backends import Divergence
from rlref.backends._torchrl_leaves import Given, Tensors, ends


def _distance(x: Tensors) -> dict[str, torch.Tensor]:
    return {"loss": distance_loss(x["input"], x["target"], x["loss_function"], strict_shape=True)}


def _dqn(action_space: str) -> Any:
    def call(x: Tensors) -> dict[str, torch.Tensor]:
        steps = x["action"].shape
        network = TensorDictModule(Given(x["action_value"]), ["state"], ["action_value"])
        loss = DQNLoss(QValueActor(network, in_keys=["state"], action_space=action_space),
                       loss_function=x["loss_function"], reduction="none", action_space=action_space)
        action = x["action"] if action_space == "categorical" else torch.nn.functional.one_hot(
            x["action"], x["action_value"].shape[-1])
        data = TensorDict({"state": torch.zeros(steps), "action": action,
                           **ends(x["value_target"][..., None], state=torch.zeros(steps))}, steps)
        out = loss(data)
        return {"loss": out["loss"], "td_error": data["td_error"][..., 0].sqrt()}  # it writes delta^2
    return call


def _ddpg(x: Tensors) -> dict[str, torch.Tensor]:
    """The critic's parameter is Q(s, a), the actor's Q(s, mu(s)); the critic hands on what the actor gives."""
    steps = x["value_target"].shape
    actor = TensorDictModule(Given(x["policy_action_value"], last=True), ["state"], ["action"])
    critic = TensorDictModule(Given(x["state_action_value"], last=True), ["action"], ["state_action_value"])
    loss = DDPGLoss(actor, critic, loss_function=x["loss_function"], reduction="none")
    data = TensorDict({"state": torch.zeros(steps), "action": torch.zeros(*steps, 1),
                       **ends(x["value_target"][..., None], state=torch.zeros(steps))}, steps)
    out = loss(data)
    return {"loss_actor": out["loss_actor"], "loss_value": out["loss_value"],
            "td_error": data["td_error"].sqrt()}  # it writes delta^2


FUNCTIONS = {"distance": _distance, "dqn__categorical": _dqn("categorical"), "dqn__one_hot": _dqn("one-hot"),
             "ddpg": _ddpg}
DIVERGENCES: tuple[Divergence, ...] = ()
