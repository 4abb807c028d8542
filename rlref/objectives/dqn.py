"""Deep Q-learning, plain and double, with torchrl's interface."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from rlref.bootstraps import double_q, max_q
from rlref.losses import vdn
from rlref.objectives.actions import check_space, choices, taken
from rlref.objectives.data import Data, Key, after, get
from rlref.objectives.loss_module import LossModule, Part
from rlref.objectives.modules import QValueActor


class DQNLoss(LossModule):
    """losses/dqn of a network of action values; the target's next value is max_q, or double_q of both networks.

    An action of several choices has the sum of their values, and its loss is losses/vdn, of which dqn is the case of
    one choice. ``action_space``: that of the network if None, and if it has none, one-hot.
    """

    default_keys: ClassVar[dict[str, Key]] = {
        "advantage": "advantage", "value_target": "value_target", "value": "chosen_action_value",
        "action_value": "action_value", "action": "action", "priority": "td_error", "reward": "reward", "done": "done",
        "terminated": "terminated", "priority_weight": "priority_weight"}
    default_out_keys = ("loss",)

    def __init__(self, value_network: QValueActor, *, loss_function: str = "l2", delay_value: bool = True,
                 double_dqn: bool = False, action_space: str | None = None, reduction: str | None = None,
                 use_prioritized_weights: bool | str = "auto") -> None:
        if double_dqn and not delay_value:
            raise ValueError("delay_value: expected True where double_dqn is, got False")
        super().__init__(reduction, use_prioritized_weights)
        self.add("value_network", value_network, delay_value)
        self.loss_function, self.double_dqn = loss_function, double_dqn
        self.action_space = check_space(action_space or value_network.action_space or "one-hot")
        self.var_nums = value_network.var_nums

    def parts(self, data, rng):
        """(1) to (4) of losses/vdn, over what each choice is worth."""
        key = self.tensor_keys["action_value"]
        value, back = self.run("value_network", data)
        takes = taken(self.action_space, get(data, self.tensor_keys["action"]), value[key].shape, self.var_nums)
        following = self._choices(after(data), target=True)
        if self.double_dqn:
            best = double_q.vectorized(following, self._choices(after(data)))
        else:
            best = max_q.vectorized(following)
        target = self.value_target(data, best.next_state_value.sum(axis=-1))

        def to_network(by):
            return self.share("value_network", back({key: np.where(takes, by.local_value, 0)})[0])

        return [Part(vdn, {"local_value": np.where(takes, value[key], 0), "value_target": target,
                           "loss_function": self.loss_function}, {"loss": to_network},
                     lambda found: {self.tensor_keys["priority"]: found.td_error[..., None]**2})]

    def _choices(self, data: Data, target: bool = False) -> np.ndarray:
        """What a network makes of each choice in these states, [*B, G, M]."""
        value = self.run("value_network", data, target)[0][self.tensor_keys["action_value"]]
        return choices(self.action_space, value, self.var_nums)
