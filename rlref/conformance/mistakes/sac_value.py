"""Known mistakes in the first soft actor-critic: sac's, and those in how V is trained."""

from __future__ import annotations

import math

import numpy as np

from rlref.conformance.mistakes import gradient_mistake, mistake
from rlref.conformance.mistakes.sac import (  # noqa: F401  (found by looking)
    actor_asks_largest_critic,
    actor_asks_mean_of_critics,
    actor_gradient_stopped,
    actor_minimizes_value,
    actor_only,
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
    keras_huber_reduces_last_axis,
    per_priority_from_loss,
    per_priority_squared,
    sac_actor_bb_broadcast,
    sac_alpha_loss_log_alpha,
    sac_entropy_punished,
    sac_log_alpha_weighs_entropy,
    sac_log_prob_held_still,
    sac_minimum_moves_every_critic,
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
    sac_tied_critics_share,
    sac_twin_q_unused,
    smallest_critic_alone_trained,
    square_halved,
    targets_along_critics,
    td3_stray_constant,
    td3_twin_loss_of_summed_error,
    td_error_mean_of_critics,
    td_error_min_of_same_critic,
    td_error_of_smallest_critic,
    td_error_signed,
)


@mistake("V is regressed on the least Q alone, without the entropy", "folklore")
def value_target_without_entropy(right, x):
    return _value_only(right, x, {"log_prob": np.zeros_like(x["log_prob"])})


@mistake("the entropy is taken from V's target, not added: the sign of log pi is lost", "folklore")
def value_target_entropy_sign(right, x):
    return _value_only(right, x, {"log_prob": -x["log_prob"]})


@mistake("V's target asks the first critic alone, not the least", "folklore")
def value_target_single_critic(right, x):
    first = np.broadcast_to(x["policy_action_value"][..., :1], x["policy_action_value"].shape).copy()
    return _value_only(right, x, {"policy_action_value": first})


@mistake("V's target asks for the value of the action in the replay buffer, not of the policy's",
         "https://github.com/pranz24/pytorch-soft-actor-critic/issues/25")
def value_target_at_replay_action(right, x):
    return _value_only(right, x, {"policy_action_value": x["state_action_value"]})


@mistake("V is regressed on the critics' target, the return, where it should be on the soft value", "folklore")
def value_trained_on_return(right, x):
    return _value_only(right, x, {"policy_action_value": np.broadcast_to(
        x["value_target"][..., None], x["policy_action_value"].shape).copy(), "log_prob": np.zeros_like(x["log_prob"])})


@mistake("a convention, torchrl's: each critic is trained on its own part of the batch", "folklore")
def critics_see_their_part(right, x):
    steps, critics = len(x["value_target"]), x["state_action_value"].shape[-1]
    if steps % critics:
        return right(**x)
    own = np.arange(steps) * critics // steps
    others = (np.arange(critics) != own[:, None]).reshape(steps, *(1 for _ in x["value_target"].shape[1:]), critics)
    values = np.where(others, x["value_target"][..., None], x["state_action_value"])
    return right(**x)._replace(loss_qvalue=right(**x | {"state_action_value": values}).loss_qvalue)


@gradient_mistake("the soft value is not held still: the policy is trained by V's loss too", "folklore")
def soft_value_not_held_still(right, cotangent, x):
    gradient = right(cotangent, **x)
    by_soft, critics = -gradient.loss_value.state_value, x["policy_action_value"]
    least = np.arange(critics.shape[-1]) == critics.argmin(axis=-1)[..., None]
    actor = gradient.loss_actor
    return gradient._replace(loss_actor=actor._replace(
        log_prob=actor.log_prob - math.exp(x["log_alpha"]) * by_soft,
        policy_action_value=actor.policy_action_value + by_soft[..., None] * least))


@gradient_mistake("V is moved away from its target: the derivative by the target", "folklore")
def value_gradient_sign(right, cotangent, x):
    gradient = right(cotangent, **x)
    return gradient._replace(loss_value=type(gradient.loss_value)(-gradient.loss_value.state_value))


def _value_only(right, x, changed):
    """``right``, but for the loss of V, which is that of these inputs."""
    return right(**x)._replace(loss_value=right(**x | changed).loss_value)
