"""REINFORCE with a baseline, with torchrl's interface."""

from __future__ import annotations

from rlref.losses import reinforce
from rlref.objectives.loss_module import Part
from rlref.objectives.modules import Module, ProbabilisticActor
from rlref.objectives.policy_gradient import PolicyGradient


class ReinforceLoss(PolicyGradient):
    """losses/reinforce of a policy and a critic, the baseline. With delay_value, its target makes the advantages."""

    default_out_keys = ("loss_actor", "loss_value")

    def __init__(self, actor_network: ProbabilisticActor, critic_network: Module, *, delay_value: bool = False,
                 loss_critic_type: str = "smooth_l1", separate_losses: bool = False, reduction: str | None = None,
                 clip_value: float | None = None) -> None:
        super().__init__(actor_network, critic_network, loss_critic_type=loss_critic_type, clip_value=clip_value,
                         separate_losses=separate_losses, reduction=reduction, delay_value=delay_value)

    def parts(self, data, rng):
        """(1)-(2) of losses/reinforce."""
        taken = self.taken(data)
        given = {"log_prob": taken.log_prob, "advantage": self.entry("advantage", data, taken.counted)}
        return self.with_critic(data, taken.counted, "loss_value", 1.0, lambda critic, to_critic: Part(
            reinforce, given | critic, {"loss_actor": lambda by: taken.route(by), **to_critic}))
