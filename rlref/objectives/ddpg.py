"""Deep deterministic policy gradients, with torchrl's interface."""

from __future__ import annotations

from typing import ClassVar

from rlref.losses import ddpg
from rlref.objectives.data import Key, after, last, put_all
from rlref.objectives.loss_module import LossModule, Part
from rlref.objectives.modules import Module


class DDPGLoss(LossModule):
    """losses/ddpg of an actor and a critic. The actor's loss goes through the critic, which is held still."""

    default_keys: ClassVar[dict[str, Key]] = {
        "state_action_value": "state_action_value", "priority": "td_error", "reward": "reward", "done": "done",
        "terminated": "terminated", "priority_weight": "priority_weight"}
    default_out_keys = ("loss_actor", "loss_value", "pred_value", "target_value", "pred_value_max", "target_value_max")

    def __init__(self, actor_network: Module, value_network: Module, *, loss_function: str = "l2",
                 delay_actor: bool = False, delay_value: bool = True, separate_losses: bool = False,
                 reduction: str | None = None, use_prioritized_weights: bool | str = "auto") -> None:
        super().__init__(reduction, use_prioritized_weights)
        self.add("actor_network", actor_network, delay_actor)
        self.add("value_network", value_network, delay_value, apart=separate_losses)
        if not set(actor_network.out_keys) <= set(value_network.in_keys):
            raise ValueError(f"value_network: expected {actor_network.out_keys} among its in_keys, "
                             f"got {value_network.in_keys}")
        self.loss_function = loss_function

    def _in_keys(self):
        read = [*self.modules["actor_network"].in_keys, *self.modules["value_network"].in_keys]
        following = [*read, *(self.tensor_keys[name] for name in ("reward", "done", "terminated"))]
        weight = [self.tensor_keys["priority_weight"]] if self.use_prioritized_weights else []
        return [*read, *(("next", key) for key in following), *weight]

    def parts(self, data, rng):
        """(1) to (4) of losses/ddpg."""
        key = self.tensor_keys["state_action_value"]
        action, by_actor = self.run("actor_network", data)
        policy_value, by_action = self.run("value_network", put_all(data, action), still=True)
        value, to_critic = self.values("value_network", data, key)
        following = after(data)
        next_action = self.run("actor_network", following, target=True)[0]
        target = self.value_target(data, self.values("value_network", put_all(following, next_action), key, True)[0])

        def to_actor(by):
            by_data = by_action({key: by.policy_action_value.reshape(policy_value[key].shape)})[1]
            return self.share("actor_network", by_actor({name: by_data[name] for name in action})[0])

        return [Part(ddpg, {"state_action_value": value, "value_target": target,
                            "policy_action_value": last(key, policy_value[key]), "loss_function": self.loss_function},
                     {"loss_actor": to_actor, "loss_value": lambda by: to_critic(by.state_action_value)},
                     lambda found: {"pred_value": value, "target_value": target, "pred_value_max": value.max(),
                                    "target_value_max": target.max(),
                                    self.tensor_keys["priority"]: found.td_error**2})]
