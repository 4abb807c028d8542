"""Proximal policy optimization without a clip or a penalty, with torchrl's interface."""

from __future__ import annotations

import math

import numpy as np

from rlref.losses import ppo
from rlref.objectives.data import Data, has
from rlref.objectives.modules import Module, ProbabilisticActor
from rlref.objectives.policy_gradient import ActorCritic, Taken, mean, normalized


class PPOLoss(ActorCritic):
    """losses/ppo of a policy and a critic.

    critic_coeff            None: 1, or without a critic nothing; 0: no loss of the critic
    normalize_advantage     returns/standardize, with ddof = 1, but 0 where the estimator is ``shifted``
    normalize_advantage_exclude_dims    axes of the advantage [*B, 1]: each place along them has its own statistics
    delay_actor             a target of the policy is the proximal policy, from which kl_approx is measured
    max_importance_ratio    a larger ratio counts as this one, as if the policy that acted had been nearer
    Left out: torchrl's advantage_norm, and an entropy_coeff for each head of an action.
    """

    own_out_keys: tuple[tuple[str, ...], tuple[str, ...]] = ("loss_objective",), ()  # the first and the last

    def __init__(self, actor_network: ProbabilisticActor, critic_network: Module | None = None, *,
                 entropy_bonus: bool = True, samples_mc_entropy: int = 1, entropy_coeff: float | None = None,
                 log_explained_variance: bool = True, critic_coeff: float | None = None,
                 loss_critic_type: str = "smooth_l1", normalize_advantage: bool = False,
                 normalize_advantage_exclude_dims: tuple[int, ...] = (), separate_losses: bool = False,
                 reduction: str | None = None, clip_value: float | None = None, delay_actor: bool = False,
                 max_importance_ratio: float | None = None) -> None:
        if critic_network is None and critic_coeff:
            raise ValueError(f"critic_network: expected a network for critic_coeff = {critic_coeff}, got None")
        if max_importance_ratio is not None and not max_importance_ratio > 0:
            raise ValueError(f"max_importance_ratio: expected None or a value > 0, got {max_importance_ratio}")
        super().__init__(actor_network, critic_network, loss_critic_type=loss_critic_type, clip_value=clip_value,
                         separate_losses=separate_losses, reduction=reduction, delay_actor=delay_actor)
        self.entropy_bonus, self.samples_mc_entropy = entropy_bonus, samples_mc_entropy
        self.entropy_coeff = 0.01 if entropy_coeff is None else entropy_coeff
        with_critic = critic_network is not None and critic_coeff != 0
        self.critic_coeff = (1.0 if critic_coeff is None else critic_coeff) if with_critic else None
        self.log_explained_variance, self.max_importance_ratio = log_explained_variance, max_importance_ratio
        self.normalize_advantage, self.exclude_dims = normalize_advantage, normalize_advantage_exclude_dims
        self.default_out_keys = (*self.own_out_keys[0], *(("entropy", "loss_entropy") if entropy_bonus else ()),
                                 *(("loss_critic",) if with_critic else ()),
                                 *(("value_clip_fraction",) if with_critic and clip_value else ()),
                                 *self.own_out_keys[1])
        self.reset_out_keys()

    def _in_keys(self):
        return [*super()._in_keys(), self.tensor_keys["sample_log_prob"]]

    def parts(self, data, rng):
        """(1)-(5) of losses/ppo."""
        taken = self.taken(data)
        behaviour, proximal = self.old(data, taken)
        given = {"sample_log_prob": behaviour, "advantage": self.advantage(data, taken.counted)}
        kl_approx = mean(proximal - taken.log_prob, taken.counted)
        return self.actor_critic(ppo, data, rng, taken, given, taken.route, lambda found: {"kl_approx": kl_approx})

    def old(self, data: Data, taken: Taken) -> tuple[np.ndarray, np.ndarray]:
        """The log-probabilities [*B] of the policy that acted, which the ratio is to, and of the proximal policy."""
        acted = self.entry("sample_log_prob", data, taken.counted)
        proximal = acted
        if "actor_network" in self.delayed:
            proximal = np.where(taken.counted, self.policy(data, target=True).log_prob(taken.action), 0.0)
        if self.max_importance_ratio is not None:
            acted = np.maximum(acted, taken.log_prob - math.log(self.max_importance_ratio))
        return acted, proximal

    def advantage(self, data: Data, counted: np.ndarray) -> np.ndarray:
        """[*B], normalized if that is asked for; a single one stays as it is."""
        advantage = self.entry("advantage", data, counted)
        if not self.normalize_advantage or np.sum(counted) <= 1:
            return advantage
        ddof, std_min = (0, 1e-4) if has(data, "shifted_valid") else (1, 1e-6)
        return normalized(advantage, counted, self.exclude_dims, ddof, std_min)


def weighted(log_prob: np.ndarray, sample_log_prob: np.ndarray, advantage: np.ndarray) -> ppo.PPO:
    """losses/ppo where nothing but the objective and the ratios count."""
    nothing = np.zeros(advantage.shape)
    return ppo.vectorized(log_prob, sample_log_prob, advantage, nothing, nothing, nothing,
                          entropy_coeff=0.0, critic_coeff=0.0, loss_function="l2")
