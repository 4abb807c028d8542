"""Distributional deep Q-learning on fixed atoms (C51), with torchrl's interface."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from rlref.bootstraps import categorical_projection
from rlref.losses import distributional_dqn
from rlref.objectives.actions import indices
from rlref.objectives.data import Data, Key, after, get, has, last, per_sample
from rlref.objectives.estimators import ValueEstimators
from rlref.objectives.loss_module import LossModule, Part
from rlref.objectives.modules import DistributionalQValueActor


class DistributionalDQNLoss(LossModule):
    """losses/distributional_dqn; the target is the categorical_projection of the target network's distribution.

    It is that of the action that is best by the network that is trained, as in double DQN. A batch of any number of
    axes will do. ``gamma`` belongs to the loss, not to an estimator.
    """

    default_keys: ClassVar[dict[str, Key]] = {
        "action_value": "action_value", "action": "action", "priority": "td_error", "reward": "reward", "done": "done",
        "terminated": "terminated", "steps_to_next_obs": "steps_to_next_obs", "priority_weight": "priority_weight"}
    default_out_keys = ("loss",)
    supported = (ValueEstimators.TD0,)

    def __init__(self, value_network: DistributionalQValueActor, *, gamma: float, delay_value: bool = True,
                 reduction: str | None = None, use_prioritized_weights: bool | str = "auto") -> None:
        super().__init__(reduction, use_prioritized_weights)
        self.add("value_network", value_network, delay_value)
        self.actor, self.gamma = value_network, gamma

    def _in_keys(self):
        return [*super()._in_keys(), self.tensor_keys["steps_to_next_obs"]]

    def make_value_estimator(self, value_type: ValueEstimators | None = None, **hyper: Any) -> LossModule:
        """TD(0) it is, and nothing else."""
        if hyper:
            raise TypeError(f"{next(iter(hyper))}: expected no hyper-parameters, got {', '.join(hyper)}; gamma is the "
                            "attribute of that name")
        return super().make_value_estimator(value_type)

    def parts(self, data, rng):
        """(1) of losses/distributional_dqn."""
        key = self.tensor_keys["action_value"]
        log_probs, back = self.run("value_network", data)
        by_action = np.swapaxes(log_probs[key], -2, -1)
        action = indices(self.actor.action_space, get(data, self.tensor_keys["action"]), by_action.shape[:-1])
        return [Part(distributional_dqn, {"action_log_probs": by_action, "action": action,
                                          "target_probs": self._target(data, action.shape)},
                     {"loss": lambda by: self.share("value_network", back(
                         {key: np.swapaxes(by.action_log_probs, -2, -1)})[0])},
                     lambda found: {self.tensor_keys["priority"]: found.loss[..., None]})]

    def _target(self, data: Data, shape: tuple[int, ...]) -> np.ndarray:
        """The distribution of the return from the next state on, [*B, K]."""
        following, key = after(data), self.tensor_keys["action_value"]
        best = self.actor.best(self.run("value_network", following)[0][key])
        log_probs = np.take_along_axis(self.run("value_network", following, target=True)[0][key],
                                       best[..., None, None], axis=-1)[..., 0]
        reward = self.tensor_keys["reward"]
        ends = self.tensor_keys["terminated" if has(following, self.tensor_keys["terminated"]) else "done"]
        steps = self.tensor_keys["steps_to_next_obs"]
        gamma = self.gamma ** per_sample(steps, get(data, steps), shape) if has(data, steps) else self.gamma
        return categorical_projection.vectorized(
            np.exp(log_probs), last(reward, get(following, reward)), last(ends, get(following, ends)),
            gamma=gamma, support=self.actor.support).target_probs
