"""Soft actor-critic, with torchrl's interface: with a value network its first version, without one its second."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from rlref.bootstraps import soft_min_q
from rlref.losses import dqn, sac, sac_value
from rlref.objectives.data import Data, Key, after
from rlref.objectives.loss_module import Part, Route
from rlref.objectives.modules import Module, ProbabilisticActor
from rlref.objectives.policies import Policy
from rlref.objectives.temperature import Tempered


class SACLoss(Tempered):
    """losses/sac of a policy and an ensemble of critics; the target's next value is soft_min_q, or the value network's.

    In this order it draws the next action and the action, or in the first version, the value's action and the actor's.
    """

    default_keys: ClassVar[dict[str, Key]] = {
        "action": "action", "value": "state_value", "state_action_value": "state_action_value",
        "log_prob": "action_log_prob", "priority": "td_error", "reward": "reward", "done": "done",
        "terminated": "terminated", "priority_weight": "priority_weight"}
    default_out_keys: tuple[str, ...] = ("loss_actor", "loss_qvalue", "loss_alpha", "alpha", "entropy")

    def __init__(self, actor_network: ProbabilisticActor, qvalue_network: Module | Sequence[Module],
                 value_network: Module | None = None, *, num_qvalue_nets: int = 2, loss_function: str = "smooth_l1",
                 alpha_init: float = 1.0, min_alpha: float | None = None, max_alpha: float | None = None,
                 fixed_alpha: bool = False, target_entropy: str | float = "auto", delay_actor: bool = False,
                 delay_qvalue: bool = True, delay_value: bool = True, separate_losses: bool = False,
                 reduction: str | None = None, skip_done_states: bool = False,
                 use_prioritized_weights: bool | str = "auto", rng: np.random.Generator | None = None) -> None:
        super().__init__(reduction, use_prioritized_weights)
        self.add("actor_network", actor_network, delay_actor)
        if value_network is not None:
            self.add("value_network", value_network, delay_value, apart=separate_losses)
            self.default_out_keys = (*self.default_out_keys, "loss_value")
            self.reset_out_keys()
        self.add_ensemble("qvalue_network", qvalue_network, num_qvalue_nets, delay_qvalue, separate_losses, rng)
        self.add_temperature(alpha_init, min_alpha, max_alpha, fixed_alpha, target_entropy)
        self.loss_function, self.skip_done_states = loss_function, skip_done_states

    def parts(self, data, rng):
        """(1) to (5) of losses/sac, or of losses/sac_value."""
        self.clamp_alpha()
        if "value_network" in self.modules:
            return self._first(data, rng)
        target = self.value_target(data, self._next_value(self.following(data), rng))
        value, by_critics = self.critics(data)
        inputs, to_actor = self._acting(data, self.policy(data), rng)
        return [Part(sac, {"state_action_value": value, "value_target": target, **inputs},
                     {"loss_actor": to_actor, "loss_alpha": self.trains_alpha,
                      "loss_qvalue": lambda by: self.share("qvalue_network", by_critics(by.state_action_value)[0])},
                     lambda found: {self.tensor_keys["priority"]: found.td_error, **self.tempered(found)})]

    def _first(self, data: Data, rng: Any) -> list[Part]:
        """The first version: each critic is shown its own N-th part of the batch, which is torchrl's convention."""
        key = self.tensor_keys["value"]
        target = self.value_target(data, self.values("value_network", after(data), key, target=True)[0])
        value, by_critics = self.critics(data)
        own = _own(value.shape)
        known = {"state_action_value": value, "value_target": target}
        state_value, by_value = self.values("value_network", data, key)
        of_value, _ = self._acting(data, self.policy(data, target=True), rng, target=True)
        of_actor, to_actor = self._acting(data, self.policy(data), rng)
        return [Part(dqn, {"action_value": value, "action": own, "value_target": target,
                           "loss_function": self.loss_function},
                     {"loss": lambda by: self.share("qvalue_network", by_critics(by.action_value)[0])},
                     lambda found: {self.tensor_keys["priority"]: found.td_error**2}, {"loss": "loss_qvalue"}),
                Part(sac_value, {"state_value": state_value, **known, **of_value},
                     {"loss_value": lambda by: by_value(by.state_value)}),
                Part(sac, {**known, **of_actor}, {"loss_actor": to_actor, "loss_alpha": self.trains_alpha},
                     self.tempered)]

    def _next_value(self, following: Data, rng: Any) -> np.ndarray:
        """What the policy, as it is now, and the target critics make of the states that followed."""
        draw = self.policy(following).rsample(rng)
        value = self.critics(following, draw.sample, target=True)[0]
        return soft_min_q.vectorized(value, draw.log_prob, alpha=self.alpha).next_state_value

    def _acting(self, data: Data, policy: Policy, rng: Any, target: bool = False) -> tuple[dict[str, Any], Route]:
        """What an action of the policy gives a page, and the route of the actor's loss, through both to the policy."""
        draw = policy.rsample(rng)
        value, by_critics = self.critics(data, draw.sample, target)

        def to_actor(by: Any) -> dict[str, Any]:
            by_action = by_critics(by.policy_action_value)[1][self.tensor_keys["action"]]
            return policy.rsample_vjp((by_action, by.log_prob), draw)

        return {"log_prob": draw.log_prob, "policy_action_value": value, "log_alpha": self.log_alpha,
                "target_entropy": self.entropy_wanted(draw.sample), "loss_function": self.loss_function}, to_actor


def _own(shape: tuple[int, ...]) -> np.ndarray:
    """For values of ``shape`` [*B, N], which critic each sample trains [*B]: the first N-th of them the first."""
    samples, critics = shape[0], shape[-1]
    if samples % critics:
        raise ValueError(f"data: expected a batch that num_qvalue_nets = {critics} divides, got {samples} samples")
    own = np.repeat(np.arange(critics), samples // critics)
    return np.broadcast_to(own.reshape(-1, *(1 for _ in shape[1:-1])), shape[:-1])
