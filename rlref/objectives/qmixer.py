"""QMIX, VDN, or any other mixer of agents' values, with torchrl's interface."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from rlref.bootstraps import max_q
from rlref.losses import distance
from rlref.objectives.actions import check_space, choices, taken
from rlref.objectives.data import Data, Key, after, get, last, put
from rlref.objectives.loss_module import LossModule, Part
from rlref.objectives.modules import Module, Pullback, QValueActor
from rlref.objectives.trained import added


class QMixerLoss(LossModule):
    """losses/qmix where the mixer is a QMixer, losses/vdn where it is a VDNMixer; reduced by the mean.

    The target's next value is what the target mixer makes of each agent's own max_q. ``action_space``: that of the
    network if None, and if it has none, one-hot; an action of several choices has the sum of their values.
    """

    default_keys: ClassVar[dict[str, Key]] = {
        "advantage": "advantage", "value_target": "value_target", "local_value": ("agents", "chosen_action_value"),
        "global_value": "chosen_action_value", "action_value": ("agents", "action_value"),
        "action": ("agents", "action"), "priority": "td_error", "reward": "reward", "done": "done",
        "terminated": "terminated"}
    default_out_keys = ("loss",)

    def __init__(self, local_value_network: QValueActor, mixer_network: Module, *, loss_function: str = "l2",
                 delay_value: bool = True, action_space: str | None = None) -> None:
        super().__init__(None)
        self.add("local_value_network", local_value_network, delay_value)
        self.add("mixer_network", mixer_network, delay_value)
        self.loss_function, self.var_nums = loss_function, local_value_network.var_nums
        self.action_space = check_space(action_space or local_value_network.action_space or "one-hot")

    def _in_keys(self):
        read = [key for module in self.modules.values() for key in module.reads
                if key != self.tensor_keys["local_value"]]
        following = [*(self.tensor_keys[name] for name in ("reward", "done", "terminated")), *read]
        return [self.tensor_keys["action"], *read, *(("next", key) for key in following)]

    def parts(self, data, rng):
        """(1)-(3) of losses/qmix, or (1) of losses/vdn, are in the mixer, and the rest of them is losses/distance."""
        key, following = self.tensor_keys["action_value"], after(data)
        next_value = self.run("local_value_network", following, target=True)[0][key]
        best = max_q.vectorized(choices(self.action_space, next_value, self.var_nums)).next_state_value.sum(axis=-1)
        target = self.value_target(data, self._mixed(following, best, target=True)[0])
        value, by_agents = self.run("local_value_network", data)
        takes = taken(self.action_space, get(data, self.tensor_keys["action"]), value[key].shape, self.var_nums)
        together, by_mixer = self._mixed(data, np.where(takes, value[key], 0).sum(axis=-1))

        def to_both(by):
            of_mixer, by_inputs = by_mixer({self.tensor_keys["global_value"]: by.input[..., None]})
            by_value = np.where(takes, by_inputs[self.tensor_keys["local_value"]], 0)
            return added(self.share("mixer_network", of_mixer),
                         self.share("local_value_network", by_agents({key: by_value})[0]))

        priority = {self.tensor_keys["priority"]: (together - target)[..., None]**2}
        return [Part(distance, {"input": together, "target": target, "loss_function": self.loss_function},
                     {"loss": to_both}, lambda found: priority)]

    def _mixed(self, data: Data, local: np.ndarray, target: bool = False) -> tuple[np.ndarray, Pullback]:
        """The team's value [*B] of the agents' values [*B, G], and the mixer's pullback."""
        key, read = self.tensor_keys["local_value"], self.modules["mixer_network"].in_keys
        if key not in read:
            raise KeyError(f"local_value: expected a key that the mixer_network reads, {read}, got {key!r}")
        outputs, back = self.run("mixer_network", put(data, key, local[..., None]), target)
        together = self.tensor_keys["global_value"]
        return last(together, outputs[together]), back
