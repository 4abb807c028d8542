"""Known mistakes in discrete soft actor-critic."""

from __future__ import annotations

import math

import numpy as np

from rlref.conformance.mistakes import gradient_mistake, mistake
from rlref.conformance.mistakes.sac import (  # noqa: F401  (found by looking)
    actor_minimizes_value,
    averaged_too_early,
    critic_returns_bb_broadcast,
    gradient_clipped,
    per_priority_from_loss,
    per_priority_squared,
    sac_alpha_loss_log_alpha,
    sac_target_entropy_half,
    sac_target_entropy_ignores_dim,
    sac_target_entropy_includes_agents,
    sac_target_entropy_positive,
    sac_target_entropy_shared_over_heads,
    sac_target_entropy_squared,
    sac_temperature_gradient_averaged,
    sac_temperature_left_out,
    sac_temperature_runs_away,
    square_halved,
    td3_stray_constant,
)

# The policy


@mistake("the probability stands in for its logarithm", "https://github.com/pytorch/rl/commit/0e02132e4212bccfc4c3adfe81c5a0dc78527390")
def discrete_sac_prob_as_logprob(right, x):
    pi, _, least = _policy(x)
    result, negentropy = right(**x), np.sum(pi * pi, axis=-1)
    return result._replace(loss_actor=math.exp(x["log_alpha"]) * negentropy - np.sum(pi * least, axis=-1),
                           loss_alpha=-x["log_alpha"] * (negentropy + x["target_entropy"]), entropy=-negentropy)


@mistake("the expectation over the policy is a mean over the actions: 1 over their number too small",
         "https://github.com/p-christ/Deep-Reinforcement-Learning-Algorithms-with-PyTorch/issues/54")
def discrete_sac_mean_not_expectation(right, x):
    result = right(**x)
    return result._replace(loss_actor=result.loss_actor / x["log_probs"].shape[-1])


@mistake("the expectation is estimated from the action in the replay buffer, of another policy", "folklore")
def discrete_sac_replay_action_for_expectation(right, x):
    _, log_pi, least = _policy(x)
    of_each = math.exp(x["log_alpha"]) * log_pi - least
    return right(**x)._replace(loss_actor=np.take_along_axis(of_each, x["action"][..., None], axis=-1)[..., 0])


@mistake("0 times minus infinity: a masked action makes the losses of the policy and of the temperature NaN",
         "https://github.com/thu-ml/tianshou/commit/f134bc20b521476532f25f5c7ef62fd07ccecb37")
def inf_times_zero_mask(right, x):
    nan = np.where(np.isneginf(x["log_probs"]).any(axis=-1), np.nan, 0.0)
    result = right(**x)
    return result._replace(loss_actor=result.loss_actor + nan, loss_alpha=result.loss_alpha + nan,
                           entropy=result.entropy + nan)


@mistake("the policy weighs Q alone: log pi is added up over the actions as it is", "folklore")
def discrete_sac_log_probs_unweighted(right, x):
    pi, log_pi, least = _policy(x)
    return right(**x)._replace(loss_actor=np.sum(math.exp(x["log_alpha"]) * log_pi - pi * least, axis=-1))


@mistake("the actor's loss asks the first critic alone, not the least of each action",
         "https://github.com/ray-project/ray/pull/7354")
def sac_twin_q_unused(right, x):
    return _actor_asks(right, x, x["action_value"][..., :1])


@mistake("the actor's loss asks the largest critic of each action, not the least", "folklore")
def actor_asks_largest_critic(right, x):
    return _actor_asks(right, x, x["action_value"].max(axis=-1, keepdims=True))


@mistake("the actor's loss asks the mean of the critics, not the least of each action", "folklore")
def actor_asks_mean_of_critics(right, x):
    return _actor_asks(right, x, x["action_value"].mean(axis=-1, keepdims=True))


@mistake("the minimum is taken after the expectation: one critic for all actions, where each action has its own",
         "folklore")
def discrete_sac_minimum_of_expectations(right, x):
    pi, log_pi, _ = _policy(x)
    value = np.sum(pi[..., None] * x["action_value"], axis=-2).min(axis=-1)
    return right(**x)._replace(loss_actor=math.exp(x["log_alpha"]) * np.sum(pi * log_pi, axis=-1) - value)


# The temperature and the entropy


@mistake("log pi + H is averaged over the actions, not weighed with the policy",
         "https://github.com/instadeepai/Mava/commit/44618dc630085835e224324899c3b5e51df47678")
def discrete_sac_alpha_unweighted(right, x):
    mean = np.maximum(x["log_probs"], -1e4).mean(axis=-1)  # as far as masks of large negative logits go
    return right(**x)._replace(loss_alpha=-x["log_alpha"] * (mean + x["target_entropy"]))


@mistake("pi (log pi + H) is averaged over the actions, not added",
         "https://github.com/vwxyzjn/cleanrl/commit/7e24ae238eab6a8e7efbbf452cb4a8922bcda73f")
def discrete_sac_alpha_mean_over_actions(right, x):
    result = right(**x)
    return result._replace(loss_alpha=result.loss_alpha / x["log_probs"].shape[-1])


@mistake("the entropy is estimated from the action in the replay buffer", "folklore")
def discrete_sac_entropy_of_replay_action(right, x):
    log_pi = np.take_along_axis(_policy(x)[1], x["action"][..., None], axis=-1)[..., 0]
    return right(**x)._replace(loss_alpha=-x["log_alpha"] * (log_pi + x["target_entropy"]), entropy=-log_pi)


# The critics


@mistake("actions are counted from 1: the value of the action before is trained", "folklore")
def action_index_off_by_one(right, x):
    return right(**x | {"action": (x["action"] - 1) % x["log_probs"].shape[-1]})


@mistake("the most likely action's value is trained, not that of the action taken", "folklore")
def likeliest_action_trained(right, x):
    return right(**x | {"action": x["log_probs"].argmax(axis=-1)})


@mistake("the action's index is used on the axis of the critics, where there are as many", "folklore")
def action_index_on_critic_axis(right, x):
    if x["action_value"].shape[-1] != x["action_value"].shape[-2]:
        return right(**x)
    turned = right(**x | {"action_value": x["action_value"].swapaxes(-1, -2).copy()})
    return right(**x)._replace(loss_qvalue=turned.loss_qvalue, td_error=turned.td_error)


@mistake("the distances are averaged over their last axis, the critics, where they should be added",
         "https://github.com/archsyscall/DistRL-TensorFlow2/issues/1")
def keras_huber_reduces_last_axis(right, x):
    result = right(**x)
    return result._replace(loss_qvalue=result.loss_qvalue / x["action_value"].shape[-1])


@mistake("the errors of the critics are added before the distance is taken: opposite errors cancel",
         "https://github.com/ray-project/ray/pull/10775")
def td3_twin_loss_of_summed_error(right, x):
    moved = _taken(x).sum(axis=-1) - (x["action_value"].shape[-1] - 1) * x["value_target"]
    return right(**x)._replace(loss_qvalue=_critics(right, x, moved[..., None], first_only=True).loss_qvalue)


@mistake("the first critic alone is trained", "folklore")
def first_critic_alone_trained(right, x):
    return right(**x)._replace(loss_qvalue=_critics(right, x, _taken(x)[..., :1], first_only=True).loss_qvalue)


@mistake("smooth_l1 lacks its half: u^2 inside, |u| outside",
         "https://github.com/carpedm20/deep-rl-tensorflow/issues/5")
def huber_missing_half(right, x):
    if x["loss_function"] != "smooth_l1":
        return right(**x)
    size = np.abs(_taken(x) - x["value_target"][..., None])
    loss = np.where(size < 1, size**2, size)  # and what has this for its smooth_l1:
    moved = x["value_target"][..., None] + np.where(loss < 0.5, np.sqrt(2 * loss), loss + 0.5)
    return right(**x)._replace(loss_qvalue=_critics(right, x, moved).loss_qvalue)


@mistake("td_error is that of critic 1, not the largest", "https://github.com/AI4Finance-Foundation/ElegantRL/issues/25")
def td_error_min_of_same_critic(right, x):
    return right(**x)._replace(td_error=np.abs(_taken(x)[..., 0] - x["value_target"]))


@mistake("a convention: td_error is the mean over the critics", "folklore")
def td_error_mean_of_critics(right, x):
    return right(**x)._replace(td_error=np.abs(_taken(x) - x["value_target"][..., None]).mean(axis=-1))


# Gradients


@gradient_mistake("the probabilities are held still: log pi alone is differentiated", "folklore")
def discrete_sac_probabilities_held_still(right, cotangent, x):
    pi = _policy(x)[0]
    return _actor_gradient(right, cotangent, x, cotangent.loss_actor[..., None] * pi * math.exp(x["log_alpha"]))


@gradient_mistake("log pi is held still: the probabilities alone are differentiated", "folklore")
def discrete_sac_log_probs_held_still(right, cotangent, x):
    pi, log_pi, least = _policy(x)
    by = pi * (math.exp(x["log_alpha"]) * log_pi - least)
    return _actor_gradient(right, cotangent, x, cotangent.loss_actor[..., None] * by)


@gradient_mistake("the derivative is by the probabilities, not by their logarithms", "folklore")
def discrete_sac_gradient_by_probability(right, cotangent, x):
    _, log_pi, least = _policy(x)
    by = np.where(np.isneginf(x["log_probs"]), 0.0, math.exp(x["log_alpha"]) * (log_pi + 1) - least)
    return _actor_gradient(right, cotangent, x, cotangent.loss_actor[..., None] * by)


@gradient_mistake("every action's value is moved by the error of the one taken", "folklore")
def all_actions_trained(right, cotangent, x):
    gradient = right(cotangent, **x)
    by = gradient.loss_qvalue.action_value
    moved = np.broadcast_to(by.sum(axis=-2, keepdims=True), by.shape).copy()
    return gradient._replace(loss_qvalue=type(gradient.loss_qvalue)(moved))


@gradient_mistake("the gradient of the first critic moves all of them", "https://github.com/Toni-SM/skrl/issues/425")
def sac_one_gradient_for_all_critics(right, cotangent, x):
    gradient = right(cotangent, **x)
    by = gradient.loss_qvalue.action_value
    moved = np.broadcast_to(by[..., :1], by.shape).copy()
    return gradient._replace(loss_qvalue=type(gradient.loss_qvalue)(moved))


@gradient_mistake("the temperature is not held still in the actor's loss, and trained by it too",
                  "https://github.com/rail-berkeley/softlearning/issues/60")
def sac_temperature_trained_by_actor(right, cotangent, x):
    gradient, (pi, log_pi, _) = right(cotangent, **x), _policy(x)
    more = math.exp(x["log_alpha"]) * np.sum(cotangent.loss_actor[..., None] * pi * log_pi)
    return gradient._replace(loss_alpha=type(gradient.loss_alpha)(np.asarray(gradient.loss_alpha.log_alpha + more)))


def _policy(x):
    """pi; log pi, or 0 where that is minus infinity; the least critic of every action."""
    log_pi = np.where(np.isneginf(x["log_probs"]), 0.0, x["log_probs"])
    return np.exp(x["log_probs"]), log_pi, x["action_value"].min(axis=-1)


def _taken(x):
    return np.take_along_axis(x["action_value"], x["action"][..., None, None], axis=-2)[..., 0, :]


def _actor_asks(right, x, values):
    """``right`` with an actor that is given these values of the critics."""
    values = np.broadcast_to(values, x["action_value"].shape).copy()
    return right(**x)._replace(loss_actor=right(**x | {"action_value": values}).loss_actor)


def _critics(right, x, values, first_only=False):
    """``right`` where the critics say this of the action taken; or only the first does, and the others are right."""
    taken = np.broadcast_to(values, _taken(x).shape).copy()
    if first_only:
        taken[..., 1:] = x["value_target"][..., None]
    return right(**x | {"action_value": np.broadcast_to(taken[..., None, :], x["action_value"].shape).copy()})


def _actor_gradient(right, cotangent, x, by):
    gradient = right(cotangent, **x)
    return gradient._replace(loss_actor=type(gradient.loss_actor)(by))
