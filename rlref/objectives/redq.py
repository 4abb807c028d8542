"""Randomized ensembled double Q-learning, with torchrl's interface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from rlref.bootstraps import subset_min_q
from rlref.distributions import _random
from rlref.losses import redq
from rlref.objectives.data import Data, Key, after
from rlref.objectives.loss_module import Part
from rlref.objectives.modules import Module, ProbabilisticActor
from rlref.objectives.temperature import Tempered


class REDQLoss(Tempered):
    """losses/redq of a policy and an ensemble of critics; the target's next value is subset_min_q.

    It draws the subset, one for the whole batch, then the action and the next action. ``sub_sample_len`` critics are in
    it, all of them if there are not more; torchrl asks one less than all at most, the paper's M may be N.

    As in torchrl, loss_alpha and entropy are of s and s' alike, and the mean over critics is left to the reduction:
    the sum is over critics, and over s and s', too, and what is not reduced, or reported of each, has these in front.
    """

    default_keys: ClassVar[dict[str, Key]] = {
        "action": "action", "value": "state_value", "sample_log_prob": "action_log_prob", "priority": "td_error",
        "state_action_value": "state_action_value", "reward": "reward", "done": "done", "terminated": "terminated"}
    default_out_keys = ("loss_actor", "loss_qvalue", "loss_alpha", "alpha", "entropy", "state_action_value_actor",
                        "action_log_prob_actor", "next.state_value", "target_value")

    def __init__(self, actor_network: ProbabilisticActor, qvalue_network: Module | Sequence[Module], *,
                 num_qvalue_nets: int = 10, sub_sample_len: int = 2, loss_function: str = "smooth_l1",
                 alpha_init: float = 1.0, min_alpha: float | None = 0.1, max_alpha: float | None = 10.0,
                 fixed_alpha: bool = False, target_entropy: str | float = "auto", delay_qvalue: bool = True,
                 separate_losses: bool = False, reduction: str | None = None,
                 rng: np.random.Generator | None = None) -> None:
        super().__init__(reduction)
        self.add("actor_network", actor_network)
        self.add_ensemble("qvalue_network", qvalue_network, num_qvalue_nets, delay_qvalue, separate_losses, rng)
        self.add_temperature(alpha_init, min_alpha, max_alpha, fixed_alpha, target_entropy)
        if sub_sample_len < 1:
            raise ValueError(f"sub_sample_len: expected at least 1, got {sub_sample_len}")
        self.num_qvalue_nets, self.sub_sample_len = num_qvalue_nets, min(sub_sample_len, num_qvalue_nets)
        self.loss_function = loss_function

    def _in_keys(self):
        return [*super()._in_keys(), self.tensor_keys["sample_log_prob"]]  # torchrl names it, and does not read it

    def _mask(self, data: Data, loss: np.ndarray) -> np.ndarray:
        """The batch's, for every critic, and for s and s'."""
        return np.broadcast_to(super()._mask(data, loss[0]), loss.shape)

    def parts(self, data, rng):
        """(1) to (3) of losses/redq of each critic by itself; (4) and (5) of s and s'."""
        subset = _random.permutation(rng, self.num_qvalue_nets)[:self.sub_sample_len]
        policy = self.policy(data)
        draw, following = policy.rsample(rng), self.policy(after(data)).rsample(rng)
        next_value = subset_min_q.vectorized(self.critics(after(data), following.sample, target=True)[0],
                                             following.log_prob, alpha=self.alpha, subset=subset).next_state_value
        target = self.value_target(data, next_value)
        value, by_value = self.critics(data)
        policy_value, by_policy_value = self.critics(data, draw.sample)

        def to_actor(by):
            by_action = by_policy_value(_together(by.policy_action_value))[1][self.tensor_keys["action"]]
            return policy.rsample_vjp((by_action, by.log_prob.sum(axis=0)), draw)

        def report(found):
            return {"state_action_value_actor": np.moveaxis(policy_value, -1, 0), "next.state_value": next_value,
                    "action_log_prob_actor": draw.log_prob, "target_value": target,
                    self.tensor_keys["priority"]: found.td_error.max(axis=0)**2}

        settings = {"log_alpha": self.log_alpha, "target_entropy": self.entropy_wanted(draw.sample),
                    "loss_function": self.loss_function}
        each = (self.num_qvalue_nets, *target.shape)
        both = np.stack([draw.log_prob, following.log_prob])
        unread = np.zeros(both.shape)
        return [Part(redq, {"state_action_value": _apart(value), "policy_action_value": _apart(policy_value),
                            "value_target": np.broadcast_to(target, each),
                            "log_prob": np.broadcast_to(draw.log_prob, each), **settings},
                     {"loss_actor": to_actor, "loss_qvalue": lambda by: self.share(
                         "qvalue_network", by_value(_together(by.state_action_value))[0])}, report),
                Part(redq, {"state_action_value": unread[..., None], "policy_action_value": unread[..., None],
                            "value_target": unread, "log_prob": both, **settings},
                     {"loss_alpha": self.trains_alpha}, self.tempered)]


def _apart(value: np.ndarray) -> np.ndarray:
    """Of values [*B, N], [N, *B, 1]: each as those of a single critic."""
    return np.moveaxis(value, -1, 0)[..., None]


def _together(value: np.ndarray) -> np.ndarray:
    """And back."""
    return np.moveaxis(value[..., 0], 0, -1)
