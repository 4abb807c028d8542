"""Implicit Q-learning, with torchrl's interface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from rlref.losses import iql
from rlref.objectives.data import Key, after, get
from rlref.objectives.loss_module import LossModule, Part
from rlref.objectives.modules import Module, ProbabilisticActor


class IQLLoss(LossModule):
    """losses/iql of a policy, a value network and an ensemble of critics, whose targets are delayed.

    Like torchrl's it takes no weights of prioritized replay. Masks count for every loss.
    """

    default_keys: ClassVar[dict[str, Key]] = {
        "value": "state_value", "action": "action", "log_prob": "_log_prob", "priority": "td_error",
        "state_action_value": "state_action_value", "reward": "reward", "done": "done", "terminated": "terminated"}
    default_out_keys = ("loss_actor", "loss_qvalue", "loss_value", "entropy")

    def __init__(self, actor_network: ProbabilisticActor, qvalue_network: Module | Sequence[Module],
                 value_network: Module, *, num_qvalue_nets: int = 2, loss_function: str = "smooth_l1",
                 temperature: float = 1.0, expectile: float = 0.5, separate_losses: bool = False,
                 reduction: str | None = None, rng: np.random.Generator | None = None) -> None:
        super().__init__(reduction)
        self.add("actor_network", actor_network)
        self.add("value_network", value_network, apart=separate_losses)
        if num_qvalue_nets == 1 and isinstance(qvalue_network, Module):
            qvalue_network = [qvalue_network]  # as it is, not drawn anew
        self.add_ensemble("qvalue_network", qvalue_network, num_qvalue_nets, True, separate_losses, rng)
        self.temperature, self.expectile, self.loss_function = temperature, expectile, loss_function

    def _in_keys(self):
        return [*super()._in_keys(), *(("next", key) for key in self.modules["value_network"].in_keys)]

    def parts(self, data, rng):
        """(1) to (7) of losses/iql."""
        key = self.tensor_keys["value"]
        target = self.value_target(data, self.values("value_network", after(data), key)[0])
        policy, action = self.policy(data), get(data, self.tensor_keys["action"])
        log_prob = policy.log_prob(action)
        state_value, to_value = self.values("value_network", data, key)
        value, by_critics = self.critics(data)
        return [Part(iql, {"log_prob": log_prob, "state_value": state_value,
                           "state_action_value": value, "target_state_action_value": self.critics(data, target=True)[0],
                           "value_target": target, "temperature": self.temperature, "expectile": self.expectile,
                           "loss_function": self.loss_function},
                     {"loss_actor": lambda by: policy.log_prob_vjp(by.log_prob, action),
                      "loss_qvalue": lambda by: self.share("qvalue_network", by_critics(by.state_action_value)[0]),
                      "loss_value": lambda by: to_value(by.state_value)},
                     lambda found: {self.tensor_keys["priority"]: found.td_error**2, "entropy": -log_prob.mean()})]
