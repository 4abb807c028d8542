"""Known mistakes in the losses of TD3; those in how several critics make one loss are IQL's as well."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import gradient_mistake, mistake
from rlref.conformance.mistakes.ddpg import actor_gradient_stopped, actor_minimizes_value  # noqa: F401
from rlref.conformance.mistakes.distances import (  # noqa: F401  (found by looking)
    averaged_too_early,
    gradient_clipped,
    huber_missing_half,
    square_halved,
)
from rlref.conformance.mistakes.dqn import per_priority_squared  # noqa: F401

# The loss over critics


@mistake("the errors of the critics are added before the distance is taken: opposite errors cancel",
         "https://github.com/ray-project/ray/pull/10775")
def td3_twin_loss_of_summed_error(right, x):
    return _one_critic(right, x, x["value_target"] + _misses(x).sum(axis=-1))


@mistake("the critics' loss has a stray factor of 1/4",
         "https://github.com/adaptive-intelligent-robotics/QDax/pull/78")
def td3_stray_constant(right, x):
    result = right(**x)
    return result._replace(loss_qvalue=result.loss_qvalue / 4)


@mistake("the distances are averaged over their last axis, the critics, where they should be added",
         "https://github.com/archsyscall/DistRL-TensorFlow2/issues/1")
def keras_huber_reduces_last_axis(right, x):
    result = right(**x)
    return result._replace(loss_qvalue=result.loss_qvalue / x["state_action_value"].shape[-1])


@mistake("every prediction is compared with every target of the batch, (B, 1) with (B,), and averaged",
         "https://github.com/automl/Mighty/pull/126")
def critic_returns_bb_broadcast(right, x):
    shifted = (np.roll(x["value_target"], k) for k in range(x["value_target"].size))
    return right(**x)._replace(loss_qvalue=np.mean([right(**x | {"value_target": y}).loss_qvalue for y in shifted],
                                                   axis=0))


@mistake("targets [T] lie along the critics: where T = N, critic i is compared with the target of step i", "folklore")
def targets_along_critics(right, x):
    try:
        target = np.broadcast_to(x["value_target"], x["state_action_value"].shape)
    except ValueError:  # no such luck: the shapes tell
        return right(**x)
    moved = x["state_action_value"] - target + x["value_target"][..., None]
    return right(**x)._replace(loss_qvalue=right(**x | {"state_action_value": moved}).loss_qvalue)


@mistake("the first critic alone is trained", "folklore")
def first_critic_alone_trained(right, x):
    return _one_critic(right, x, x["state_action_value"][..., 0])


@mistake("the smallest critic alone is trained, as if the minimum belonged on this side too", "folklore")
def smallest_critic_alone_trained(right, x):
    return _one_critic(right, x, x["state_action_value"].min(axis=-1))


@gradient_mistake("each critic is moved by the error of all", "folklore")
def critics_moved_together(right, cotangent, x):
    gradient = right(cotangent, **x)
    by = gradient.loss_qvalue.state_action_value
    moved = np.broadcast_to(by.sum(axis=-1, keepdims=True), by.shape).copy()
    return gradient._replace(loss_qvalue=type(gradient.loss_qvalue)(moved))


@gradient_mistake("the first critic alone gets a gradient", "folklore")
def gradient_to_first_critic(right, cotangent, x):
    gradient = right(cotangent, **x)
    by = gradient.loss_qvalue.state_action_value.copy()
    by[..., 1:] = 0.0
    return gradient._replace(loss_qvalue=type(gradient.loss_qvalue)(by))


# The priority


@mistake("td_error is that of critic 1, not the largest", "https://github.com/AI4Finance-Foundation/ElegantRL/issues/25")
def td_error_min_of_same_critic(right, x):
    return right(**x)._replace(td_error=np.abs(_misses(x)[..., 0]))


@mistake("a convention: td_error is the mean over the critics", "folklore")
def td_error_mean_of_critics(right, x):
    return right(**x)._replace(td_error=np.abs(_misses(x)).mean(axis=-1))


@mistake("td_error is that of the smallest critic, as if it were a target", "folklore")
def td_error_of_smallest_critic(right, x):
    return right(**x)._replace(td_error=np.abs(x["state_action_value"].min(axis=-1) - x["value_target"]))


@mistake("td_error is the loss: what the distances make of the deltas",
         "https://github.com/higgsfield/RL-Adventure/issues/13")
def per_priority_from_loss(right, x):
    result = right(**x)
    return result._replace(td_error=result.loss_qvalue.copy())


@mistake("td_error keeps its sign: the largest difference, not the largest size", "folklore")
def td_error_signed(right, x):
    return right(**x)._replace(td_error=_misses(x).max(axis=-1))


# The actor


@mistake("the actor's loss is Q of the action in the replay buffer, which does not depend on the actor",
         "https://github.com/KornbergFresnel/ModelRepo/issues/2")
def dpg_actor_uses_replay_action(right, x):
    return right(**x)._replace(loss_actor=-x["state_action_value"][..., 0])


@mistake("the actor's loss is measured from the target: G_t - Q_1, the same gradient", "folklore")
def actor_loss_from_target(right, x):
    return right(**x)._replace(loss_actor=x["value_target"] - x["policy_action_value"])


def _misses(x):
    return x["state_action_value"] - x["value_target"][..., None]


def _one_critic(right, x, value):
    """loss_qvalue of this value alone: the other critics are right, which costs nothing."""
    values = np.broadcast_to(x["value_target"][..., None], x["state_action_value"].shape).copy()
    values[..., 0] = value
    return right(**x)._replace(loss_qvalue=right(**x | {"state_action_value": values}).loss_qvalue)
