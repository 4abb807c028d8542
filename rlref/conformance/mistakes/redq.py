"""Known mistakes in randomized ensembled double Q-learning: sac's, and those in how an ensemble is asked."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import gradient_mistake, mistake
from rlref.conformance.mistakes.sac import (  # noqa: F401  (found by looking)
    actor_gradient,
    actor_gradient_stopped,
    actor_minimizes_value,
    averaged_too_early,
    critic_at_policy_action,
    critic_returns_bb_broadcast,
    critics_moved_together,
    dpg_actor_uses_replay_action,
    entropy_is_log_prob,
    first_critic_alone_trained,
    gradient_clipped,
    gradient_to_first_critic,
    huber_missing_half,
    per_priority_from_loss,
    per_priority_squared,
    sac_actor_bb_broadcast,
    sac_entropy_punished,
    sac_log_alpha_weighs_entropy,
    sac_log_prob_held_still,
    sac_one_gradient_for_all_critics,
    sac_probability_counted_twice,
    sac_score_function,
    sac_target_entropy_half,
    sac_target_entropy_ignores_dim,
    sac_target_entropy_includes_agents,
    sac_target_entropy_positive,
    sac_target_entropy_shared_over_heads,
    sac_target_entropy_squared,
    sac_temperature_gradient_averaged,
    sac_temperature_left_out,
    sac_temperature_runs_away,
    sac_temperature_trained_by_actor,
    smallest_critic_alone_trained,
    square_halved,
    targets_along_critics,
    td3_stray_constant,
    td3_twin_loss_of_summed_error,
    td_error_mean_of_critics,
    td_error_min_of_same_critic,
    td_error_of_smallest_critic,
    td_error_signed,
    with_policy_values,
)


@mistake("the actor's loss asks the least critic, as SAC's does, not the mean of all",
         "https://github.com/takuseno/d3rlpy/commit/1f8942b872096b61a430568e3fc605becacf8b37")
def actor_loss_single_critic_vs_min(right, x):
    return with_policy_values(right, x, x["policy_action_value"].min(axis=-1, keepdims=True))


@mistake("the actor's loss asks one critic of the ensemble, twice over",
         "https://github.com/BY571/Randomized-Ensembled-Double-Q-learning-REDQ-/issues/3")
def redq_actor_asks_one_critic(right, x):
    return with_policy_values(right, x, x["policy_action_value"][..., :1])


@mistake("the actor's loss asks the least of the first two critics, as if they were the subset", "folklore")
def redq_actor_asks_subset(right, x):
    return with_policy_values(right, x, x["policy_action_value"][..., :2].min(axis=-1, keepdims=True))


@mistake("the values are added where the actor should see their mean: Q is N times too large beside the entropy",
         "folklore")
def redq_actor_asks_sum(right, x):
    return with_policy_values(right, x, x["policy_action_value"].sum(axis=-1, keepdims=True))


@mistake("a convention, the paper's: every critic has its own loss, so they are added", "folklore")
def redq_critics_added(right, x):
    result = right(**x)
    return result._replace(loss_qvalue=result.loss_qvalue * x["state_action_value"].shape[-1])


@mistake("a convention, torchrl's in SAC: log alpha in place of alpha before (log pi + H)",
         "https://github.com/DLR-RM/stable-baselines3/issues/712")
def sac_alpha_loss_log_alpha(right, x):
    minus_gap = right(**x | {"log_alpha": 0.0}).loss_alpha
    return right(**x)._replace(loss_alpha=x["log_alpha"] * minus_gap)


@mistake("a convention, torchrl's unless told otherwise: alpha is kept within 0.1 and 10", "folklore")
def redq_alpha_bounded(right, x):
    return right(**x | {"log_alpha": float(np.clip(x["log_alpha"], np.log(0.1), np.log(10.0)))})


@gradient_mistake("every critic is moved as if it were alone in the mean: 1/N is lost", "folklore")
def redq_mean_forgotten(right, cotangent, x):
    by = right(cotangent, **x).loss_actor.policy_action_value
    return actor_gradient(right, cotangent, x, policy_action_value=by * by.shape[-1])


@gradient_mistake("the gradient of the mean goes to the least critic, as SAC's would", "folklore")
def redq_least_critic_moved(right, cotangent, x):
    by = right(cotangent, **x).loss_actor.policy_action_value
    least = np.arange(by.shape[-1]) == x["policy_action_value"].argmin(axis=-1)[..., None]
    return actor_gradient(right, cotangent, x, policy_action_value=by * by.shape[-1] * least)
