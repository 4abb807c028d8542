"""Twin delayed deep deterministic policy gradients, with torchrl's interface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from rlref.bootstraps import min_q, target_policy_smoothing
from rlref.distributions import _random
from rlref.losses import td3
from rlref.objectives.data import Data, Key, after, get
from rlref.objectives.loss_module import LossModule, Part
from rlref.objectives.modules import Module


class TD3Loss(LossModule):
    """losses/td3 of an actor and an ensemble of critics; the target's next value is min_q, of the target actor's action
    with the noise of target_policy_smoothing.

    ``bounds`` are the least and the greatest action, each a number or one for each dimension; torchrl's action_spec
    would say the same, and its bounds (-1, 0.5) are (-1, 0), as the least is whole. What it reports of each critic has
    their axis in front.
    """

    default_keys: ClassVar[dict[str, Key]] = {
        "action": "action", "state_action_value": "state_action_value", "priority": "td_error", "reward": "reward",
        "done": "done", "terminated": "terminated", "priority_weight": "priority_weight"}
    default_out_keys = ("loss_actor", "loss_qvalue", "pred_value", "state_action_value_actor", "next_state_value",
                        "target_value")

    def __init__(self, actor_network: Module, qvalue_network: Module | Sequence[Module], *, bounds: tuple[Any, Any],
                 num_qvalue_nets: int = 2, policy_noise: float = 0.2, noise_clip: float = 0.5,
                 loss_function: str = "smooth_l1", delay_actor: bool = True, delay_qvalue: bool = True,
                 separate_losses: bool = False, reduction: str | None = None,
                 use_prioritized_weights: bool | str = "auto", rng: np.random.Generator | None = None) -> None:
        super().__init__(reduction, use_prioritized_weights)
        self.add("actor_network", actor_network, delay_actor)
        self.add_ensemble("qvalue_network", qvalue_network, num_qvalue_nets, delay_qvalue, separate_losses, rng)
        low, high = bounds
        if np.any(np.asarray(low) > high):
            raise ValueError(f"bounds: expected low <= high, got {low} and {high}")
        self.loss_function = loss_function
        self.smoothing = {"policy_noise": policy_noise, "noise_clip": noise_clip, "action_low": low,
                          "action_high": high}

    def parts(self, data, rng):
        """(1) to (4) of losses/td3."""
        key = self.tensor_keys["action"]
        action, by_actor = self.run("actor_network", data)
        policy_value, by_policy_value = self.critics(data, action[key])
        next_value = self._next_value(after(data), _random.normal(rng, get(data, key).shape))
        target = self.value_target(data, next_value)
        value, by_value = self.critics(data)

        def to_actor(by):
            by_first = np.zeros(policy_value.shape)
            by_first[..., 0] = by.policy_action_value
            return self.share("actor_network", by_actor({key: by_policy_value(by_first)[1][key]})[0])

        return [Part(td3, {"state_action_value": value, "value_target": target,
                           "policy_action_value": policy_value[..., 0], "loss_function": self.loss_function},
                     {"loss_actor": to_actor,
                      "loss_qvalue": lambda by: self.share("qvalue_network", by_value(by.state_action_value)[0])},
                     lambda found: {"pred_value": np.moveaxis(value, -1, 0), "next_state_value": next_value,
                                    "state_action_value_actor": np.moveaxis(policy_value, -1, 0),
                                    "target_value": target, self.tensor_keys["priority"]: found.td_error**2})]

    def _next_value(self, following: Data, noise: np.ndarray) -> np.ndarray:
        """The least that a target critic makes of the target actor's action with ``noise``."""
        action = self.run("actor_network", following, target=True)[0][self.tensor_keys["action"]]
        smoothed = target_policy_smoothing.vectorized(action, noise, **self.smoothing).next_action
        return min_q.vectorized(self.critics(following, smoothed, target=True)[0]).next_state_value
