"""Soft actor-critic for discrete actions, with torchrl's interface."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np

from rlref.bootstraps import expected_soft_q
from rlref.losses import discrete_sac
from rlref.objectives.actions import check_space, indices
from rlref.objectives.data import Data, Key, get
from rlref.objectives.loss_module import Part
from rlref.objectives.modules import Module, ProbabilisticActor
from rlref.objectives.temperature import Tempered
from rlref.objectives.trained import Gradients


class DiscreteSACLoss(Tempered):
    """losses/discrete_sac of a policy over categorical or one_hot_categorical, and an ensemble of critics that give the
    value of every action; the target's next value is expected_soft_q. Nothing is drawn.

    An action is one choice: torchrl takes mult-one-hot and binary ones too, though its sum over the policy is over
    choices. An illegal action counts for nothing, where torchrl's losses are NaN. With ``skip_done_states`` a truncated
    state still has its value, where torchrl's is 0.
    """

    default_keys: ClassVar[dict[str, Key]] = {
        "action": "action", "value": "state_value", "action_value": "action_value", "priority": "td_error",
        "reward": "reward", "done": "done", "terminated": "terminated", "log_prob": "log_prob",
        "priority_weight": "priority_weight"}
    default_out_keys = ("loss_actor", "loss_qvalue", "loss_alpha", "alpha", "entropy")

    def __init__(self, actor_network: ProbabilisticActor, qvalue_network: Module | Sequence[Module], *,
                 action_space: str = "one-hot", num_actions: int | None = None, num_qvalue_nets: int = 2,
                 loss_function: str = "smooth_l1", alpha_init: float = 1.0, min_alpha: float | None = None,
                 max_alpha: float | None = None, fixed_alpha: bool = False, target_entropy_weight: float = 0.98,
                 target_entropy: str | float = "auto", delay_qvalue: bool = True, separate_losses: bool = False,
                 reduction: str | None = None, skip_done_states: bool = False,
                 use_prioritized_weights: bool | str = "auto", rng: np.random.Generator | None = None) -> None:
        super().__init__(reduction, use_prioritized_weights)
        if not hasattr(actor_network.distribution, "log_probs"):
            raise ValueError("actor_network: expected a policy over categorical or one_hot_categorical, got "
                             f"{actor_network.distribution.__name__.rpartition('.')[2]}")
        self.add("actor_network", actor_network)
        self.add_ensemble("qvalue_network", qvalue_network, num_qvalue_nets, delay_qvalue, separate_losses, rng)
        if target_entropy == "auto":
            if num_actions is None:
                raise ValueError("num_actions: expected the number of actions for target_entropy = 'auto', got None")
            target_entropy = -target_entropy_weight * math.log(1 / num_actions)
        self.add_temperature(alpha_init, min_alpha, max_alpha, fixed_alpha, target_entropy)
        check_space(action_space)
        self.loss_function, self.skip_done_states, self.action_space = loss_function, skip_done_states, action_space

    def parts(self, data, rng):
        """(1) to (5) of losses/discrete_sac."""
        self.clamp_alpha()
        following = self.following(data)
        next_value = expected_soft_q.vectorized(self._action_values(following, target=True)[0],
                                                self.policy(following).log_probs(), alpha=self.alpha).next_state_value
        target = self.value_target(data, next_value)
        value, to_critics = self._action_values(data)
        policy = self.policy(data)
        return [Part(discrete_sac,
                     {"action_value": value, "value_target": target, "log_probs": policy.log_probs(),
                      "action": indices(self.action_space, get(data, self.tensor_keys["action"]), value.shape[:-1]),
                      "log_alpha": self.log_alpha, "target_entropy": self.target_entropy,
                      "loss_function": self.loss_function},
                     {"loss_actor": lambda by: policy.log_probs_vjp(by.log_probs), "loss_alpha": self.trains_alpha,
                      "loss_qvalue": lambda by: to_critics(by.action_value)},
                     lambda found: {self.tensor_keys["priority"]: found.td_error, **self.tempered(found)})]

    def _action_values(self, data: Data, target: bool = False
                       ) -> tuple[np.ndarray, Callable[[np.ndarray], Gradients]]:
        """The values [*B, A, N] of every action, and the way from derivatives by them to the critics' gradient."""
        key = self.tensor_keys["action_value"]
        outputs, back = self.run("qvalue_network", data, target)
        return np.moveaxis(outputs[key], 0, -1), lambda by: self.share(
            "qvalue_network", back({key: np.moveaxis(by, -1, 0)})[0])
