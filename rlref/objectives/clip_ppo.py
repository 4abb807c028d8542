"""Proximal policy optimization with a clipped ratio, with torchrl's interface."""

from __future__ import annotations

from typing import Any

import numpy as np

from rlref.losses import clip_ppo
from rlref.objectives.modules import Module, ProbabilisticActor
from rlref.objectives.policy_gradient import mean
from rlref.objectives.ppo import PPOLoss, weighted


class ClipPPOLoss(PPOLoss):
    """losses/clip_ppo of a policy and a critic; the ``options`` are PPOLoss's.

    clip_epsilon    one number, or two, how far the ratio may go down and up
    clip_value      True: clip_epsilon, for the values too
    delay_actor     it is the ratio to the proximal policy that is clipped; the advantage is weighted by that of the
                    proximal policy to the one that acted (Hilton et al. 2021, arXiv:2110.00641)
    ESS is of each column of the first axis, as torchrl's.
    """

    own_out_keys = ("loss_objective", "clip_fraction"), ("ESS", "kl_approx", "max_ratio", "mean_ratio")

    def __init__(self, actor_network: ProbabilisticActor, critic_network: Module | None = None, *,
                 clip_epsilon: float | tuple[float, float] = 0.2, clip_value: bool | float | None = None,
                 **options: Any) -> None:
        if clip_value is True and np.ndim(clip_epsilon):
            raise ValueError(f"clip_value: expected a number beside clip_epsilon = {clip_epsilon}, got True")
        if isinstance(clip_value, bool):
            clip_value = clip_epsilon if clip_value else None  # type: ignore[assignment]
        super().__init__(actor_network, critic_network, clip_value=clip_value, **options)
        self.clip_epsilon = clip_epsilon

    def parts(self, data, rng):
        """(1)-(7) of losses/clip_ppo."""
        taken = self.taken(data)
        behaviour, proximal = self.old(data, taken)
        advantage = self.advantage(data, taken.counted)
        if behaviour is not proximal:
            advantage = -weighted(proximal, behaviour, advantage).loss_objective
        ratio = -weighted(taken.log_prob, behaviour, np.ones(advantage.shape)).loss_objective

        def report(found):
            return {"clip_fraction": mean(found.clip_fraction, taken.counted),
                    "kl_approx": mean(found.kl_approx, taken.counted),
                    "ESS": effective(taken.log_prob, behaviour, taken.counted),
                    "max_ratio": np.max(ratio, where=taken.counted, initial=0.0),
                    "mean_ratio": mean(ratio, taken.counted)}

        given = {"sample_log_prob": proximal, "advantage": advantage, "clip_epsilon": self.clip_epsilon}
        return self.actor_critic(clip_ppo, data, rng, taken, given, taken.route, report)


def effective(log_prob: np.ndarray, sample_log_prob: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """The ESS of each column of the first axis, over what is ``counted``; of nothing, NaN."""
    found = np.full(counted.shape[1:], np.nan)
    for column in np.ndindex(*found.shape):
        kept = slice(None), *column
        if counted[kept].any():
            new, old = (x[kept][counted[kept]] for x in (log_prob, sample_log_prob))
            found[column] = weighted(new, old, np.zeros(new.shape)).ESS
    return found
