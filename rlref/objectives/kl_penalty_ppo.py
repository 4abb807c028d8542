"""Proximal policy optimization with a penalty on the divergence from the old policy, with torchrl's interface."""

from __future__ import annotations

from typing import Any

import numpy as np

from rlref.losses import kl_penalty_ppo
from rlref.objectives.data import Data, get
from rlref.objectives.modules import Module, ProbabilisticActor
from rlref.objectives.policy_gradient import Taken, mean
from rlref.objectives.ppo import PPOLoss
from rlref.objectives.trained import added


class KLPENPPOLoss(PPOLoss):
    """losses/kl_penalty_ppo of a policy and a critic; the ``options`` are PPOLoss's.

    The old policy is that whose parameters are in the batch, under the actor's ``out_keys``; with delay_actor it is the
    proximal one. Every distribution here has its divergence in closed form, so samples_mc_kl is never used.

    ``beta`` stays as it is until ``update_beta`` is called: once per policy update, after its last step, as in the
    paper. (torchrl 0.14.1 changes it in every forward, between the loss and its gradient.) ``reset`` restores it.
    """

    own_out_keys = ("loss_objective", "kl"), ()

    def __init__(self, actor_network: ProbabilisticActor, critic_network: Module | None = None, *, dtarg: float = 0.01,
                 beta: float = 1.0, increment: float = 2.0, decrement: float = 0.5, samples_mc_kl: int = 1,
                 **options: Any) -> None:
        super().__init__(actor_network, critic_network, **options)
        if not increment >= 1:
            raise ValueError(f"increment: expected a value >= 1, got {increment}")
        if not decrement <= 1:
            raise ValueError(f"decrement: expected a value <= 1, got {decrement}")
        self.dtarg, self.beta, self._first_beta = dtarg, beta, beta
        self.increment, self.decrement, self.samples_mc_kl = increment, decrement, samples_mc_kl

    def _in_keys(self):
        return [*super()._in_keys(), *self.modules["actor_network"].out_keys]

    def reset(self):
        """The beta that it began with."""
        self.beta = self._first_beta

    def update_beta(self, data: Data) -> float:
        """Adapt beta by how far the policy has come from the one that collected ``data``: (6) of losses/kl_penalty_ppo.
        """
        taken = self.taken(self.completed(data))
        kl = taken.policy.kl_from(self._old_parameters(data, taken))[taken.counted]
        nothing = np.zeros(kl.shape)
        found = kl_penalty_ppo.vectorized(nothing, nothing, nothing, nothing, nothing, nothing, kl, entropy_coeff=0.0,
                                          critic_coeff=0.0, loss_function="l2", **self._adapting())
        self.beta = float(found.next_beta)
        return self.beta

    def parts(self, data, rng):
        """(1)-(5) of losses/kl_penalty_ppo."""
        taken = self.taken(data)
        behaviour, proximal = self.old(data, taken)
        old = self._old_parameters(data, taken)
        kl = taken.policy.kl_from(old)
        given = {"sample_log_prob": behaviour, "advantage": self.advantage(data, taken.counted), "kl": kl,
                 **self._adapting()}
        reported = {"kl": kl[..., None], "kl_approx": mean(proximal - taken.log_prob, taken.counted)}
        return self.actor_critic(kl_penalty_ppo, data, rng, taken, given, lambda by: added(
            taken.route(by), taken.policy.kl_from_vjp(by.kl, old)), lambda found: reported)

    def _adapting(self) -> dict[str, float]:
        return {name: getattr(self, name) for name in ("beta", "dtarg", "increment", "decrement")}

    def _old_parameters(self, data: Data, taken: Taken) -> tuple[np.ndarray, ...]:
        """Of the distribution that the penalty keeps the policy near to; its own for steps that do not count."""
        if "actor_network" in self.delayed:
            return self.policy(data, target=True).parameters
        return tuple(np.where(taken.counted[..., None], get(data, key), x) for key, x in taken.policy.outputs.items())
