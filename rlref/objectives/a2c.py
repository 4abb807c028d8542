"""Advantage actor-critic, A2C, with torchrl's interface."""

from __future__ import annotations

from rlref.losses import a2c
from rlref.objectives.modules import Module, ProbabilisticActor
from rlref.objectives.policy_gradient import ActorCritic


class A2CLoss(ActorCritic):
    """losses/a2c of a policy and a critic. critic_coeff=None: no loss of the critic. advantage_norm is left out."""

    def __init__(self, actor_network: ProbabilisticActor, critic_network: Module, *, entropy_bonus: bool = True,
                 samples_mc_entropy: int = 1, entropy_coeff: float | None = None, critic_coeff: float | None = 1.0,
                 loss_critic_type: str = "smooth_l1", separate_losses: bool = False, reduction: str | None = None,
                 clip_value: float | None = None) -> None:
        super().__init__(actor_network, critic_network, loss_critic_type=loss_critic_type, clip_value=clip_value,
                         separate_losses=separate_losses, reduction=reduction)
        self.entropy_coeff = 0.01 if entropy_coeff is None else entropy_coeff
        self.entropy_bonus = entropy_bonus and self.entropy_coeff != 0
        self.samples_mc_entropy, self.critic_coeff = samples_mc_entropy, critic_coeff
        self.default_out_keys = ("loss_objective", *(() if critic_coeff is None else ("loss_critic",)),
                                 *(("entropy", "loss_entropy") if self.entropy_bonus else ()))
        self.reset_out_keys()

    def parts(self, data, rng):
        """(1)-(3) of losses/a2c."""
        taken = self.taken(data)
        return self.actor_critic(a2c, data, rng, taken, {"advantage": self.entry("advantage", data, taken.counted)},
                                 taken.route)
