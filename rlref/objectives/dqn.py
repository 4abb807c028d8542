"""Deep Q-learning, plain and double, with torchrl's interface."""

from __future__ import annotations

from typing import ClassVar

from rlref.bootstraps import double_q, max_q
from rlref.losses import dqn
from rlref.objectives.actions import check_space, indices
from rlref.objectives.data import Key, get
from rlref.objectives.loss_module import LossModule, Part
from rlref.objectives.modules import QValueActor


class DQNLoss(LossModule):
    """losses/dqn of a network of action values; the target's next value is max_q, or double_q of both networks."""

    default_keys: ClassVar[dict[str, Key]] = {
        "action_value": "action_value", "action": "action", "priority": "td_error", "reward": "reward", "done": "done",
        "terminated": "terminated", "priority_weight": "priority_weight", "steps_to_next_obs": "steps_to_next_obs"}
    default_out_keys = ("loss",)

    def __init__(self, value_network: QValueActor, *, loss_function: str = "l2", delay_value: bool = True,
                 double_dqn: bool = False, action_space: str = "one-hot", reduction: str | None = None,
                 use_prioritized_weights: bool | str = "auto") -> None:
        if double_dqn and not delay_value:
            raise ValueError("delay_value: expected True where double_dqn is, got False")
        super().__init__(reduction, use_prioritized_weights)
        self.add("value_network", value_network, delay_value)
        check_space(action_space)
        self.loss_function, self.double_dqn, self.action_space = loss_function, double_dqn, action_space

    def parts(self, data, rng):
        """(1) to (3) of losses/dqn."""
        key = self.tensor_keys["action_value"]
        value, back = self.run("value_network", data)
        following = self.run("value_network", data["next"], target=True)[0][key]
        if self.double_dqn:
            online = self.run("value_network", data["next"])[0][key]
            next_value = double_q.vectorized(following, online).next_state_value
        else:
            next_value = max_q.vectorized(following).next_state_value
        target = self.value_target(data, next_value)
        action = indices(self.action_space, get(data, self.tensor_keys["action"]), value[key].shape)
        return [Part(dqn, {"action_value": value[key], "action": action, "value_target": target,
                           "loss_function": self.loss_function},
                     {"loss": lambda by: self.share("value_network", back({key: by.action_value})[0])},
                     lambda found: {self.tensor_keys["priority"]: found.td_error[..., None]**2})]
