"""Known mistakes in REDQ's bootstrap."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import gradient_mistake, mistake
from rlref.conformance.mistakes.bootstraps import (  # noqa: F401  (found by looking)
    alpha_left_out,
    alpha_squared,
    entropy_gradient_sign,
    entropy_held_still,
    entropy_left_out,
    entropy_per_critic,
    entropy_sign,
    gradient_shared_by_critics,
    gradient_to_first_critic,
    log_alpha_for_alpha,
    max_over_critics,
    mean_over_critics,
    min_of_magnitudes,
    minimum_starts_at_zero,
    prob_for_log_prob,
    sac_target_logp_of_current_step,
    sac_twin_q_unused,
)


@mistake("the minimum over all critics, not over the subset", "folklore")
def redq_target_min_over_all(right, x):
    return right(**x | {"subset": np.arange(_count(x))})


@mistake("the first M critics every time: the subset is not drawn", "folklore")
def redq_subset_not_drawn(right, x):
    return right(**x | {"subset": np.arange(len(x["subset"]))})


@mistake("one critic of the subset is asked twice, the others not at all",
         "https://github.com/BY571/Randomized-Ensembled-Double-Q-learning-REDQ-/issues/3")
def redq_same_critic_twice(right, x):
    return right(**x | {"subset": x["subset"][:1]})


@mistake("the mean over the subset, not the minimum", "folklore")
def redq_mean_over_subset(right, x):
    mean = np.mean(x["next_state_action_value"][..., x["subset"]], axis=-1, keepdims=True)
    return right(**x | {"next_state_action_value": np.broadcast_to(mean, x["next_state_action_value"].shape)})


@mistake("at most N - 1 critics are asked: where M = N, the last of the subset is not", "folklore")
def redq_never_all_critics(right, x):
    return right(**x | {"subset": x["subset"][: max(1, _count(x) - 1)]})


@mistake("the indices count from 1, so that each critic asked is the one before", "folklore")
def redq_subset_counts_from_one(right, x):
    return right(**x | {"subset": (x["subset"] - 1) % _count(x)})


@mistake("the critics that are not in the subset are asked", "folklore")
def redq_complement_of_subset(right, x):
    rest = np.setdiff1d(np.arange(_count(x)), x["subset"])
    return right(**x | {"subset": rest if rest.size else x["subset"]})


@gradient_mistake("the derivative goes to the smallest of all critics, asked or not", "folklore")
def gradient_to_smallest_of_all(right, cotangent, x):
    return right(cotangent, **x | {"subset": np.arange(_count(x))})


def _count(x):
    return x["next_state_action_value"].shape[-1]
