"""Known mistakes in soft actor-critic; most are sac_value's and redq's as well, some discrete SAC's."""

from __future__ import annotations

import math

import numpy as np

from rlref.conformance.mistakes import gradient_mistake, mistake
from rlref.conformance.mistakes.ddpg import actor_minimizes_value  # noqa: F401  (found by looking)
from rlref.conformance.mistakes.distances import averaged_too_early, gradient_clipped, square_halved  # noqa: F401
from rlref.conformance.mistakes.dqn import per_priority_squared  # noqa: F401
from rlref.conformance.mistakes.td3 import (  # noqa: F401
    critic_returns_bb_broadcast,
    critics_moved_together,
    first_critic_alone_trained,
    gradient_to_first_critic,
    keras_huber_reduces_last_axis,
    per_priority_from_loss,
    smallest_critic_alone_trained,
    targets_along_critics,
    td3_stray_constant,
    td3_twin_loss_of_summed_error,
    td_error_mean_of_critics,
    td_error_min_of_same_critic,
    td_error_of_smallest_critic,
    td_error_signed,
)

# The actor


@mistake("the actor's loss asks the first critic alone, not the least", "https://github.com/ray-project/ray/pull/7354")
def sac_twin_q_unused(right, x):
    return with_policy_values(right, x, x["policy_action_value"][..., :1])


@mistake("the actor's loss asks the largest critic, not the least", "folklore")
def actor_asks_largest_critic(right, x):
    return with_policy_values(right, x, x["policy_action_value"].max(axis=-1, keepdims=True))


@mistake("a convention, REDQ's: the actor's loss asks the mean of the critics, not the least", "folklore")
def actor_asks_mean_of_critics(right, x):
    return with_policy_values(right, x, x["policy_action_value"].mean(axis=-1, keepdims=True))


@mistake("the actor's loss is Q of the action in the replay buffer, which does not depend on the actor",
         "https://github.com/KornbergFresnel/ModelRepo/issues/2")
def dpg_actor_uses_replay_action(right, x):
    return with_policy_values(right, x, x["state_action_value"])


@mistake("the temperature is left out of the actor's loss: alpha is 1",
         "https://github.com/sweetice/Deep-reinforcement-learning-with-pytorch/issues/36")
def sac_temperature_left_out(right, x):
    return actor_only(right, x, {"log_alpha": 0.0})


@mistake("the temperature is not exponentiated: log alpha weighs log pi", "folklore")
def sac_log_alpha_weighs_entropy(right, x):
    more = (x["log_alpha"] - math.exp(x["log_alpha"])) * x["log_prob"]
    result = right(**x)
    return result._replace(loss_actor=result.loss_actor + more)


@mistake("the entropy has the wrong sign: the actor is punished for it", "folklore")
def sac_entropy_punished(right, x):
    return actor_only(right, x, {"log_prob": -x["log_prob"]})


@mistake("log pi is weighed with pi, as in a sum over actions, though the action was drawn so already",
         "https://github.com/thu-ml/tianshou/issues/489")
def sac_probability_counted_twice(right, x):
    with np.errstate(over="ignore", under="ignore"):
        more = math.exp(x["log_alpha"]) * x["log_prob"] * np.expm1(x["log_prob"])
    result = right(**x)
    return result._replace(loss_actor=result.loss_actor + more)


@mistake("the loss is the likelihood ratio's, log pi times what should be differentiated through the action",
         "https://github.com/higgsfield-ai/higgsfield/issues/11")
def sac_score_function(right, x):
    result = right(**x)
    return result._replace(loss_actor=x["log_prob"] * result.loss_actor)


@mistake("log pi, (B, 1), less Q, (B,), gives (B, B), which is then averaged over the wrong axis",
         "https://github.com/vwxyzjn/cleanrl/commit/0fceeefbd99fa23abd15f48dbd984d7eb0b124ee")
def sac_actor_bb_broadcast(right, x):
    alone = right(**x | {"log_prob": np.zeros_like(x["log_prob"])}).loss_actor
    result = right(**x)
    return result._replace(loss_actor=result.loss_actor - alone + alone.mean())


# The critics


@mistake("smooth_l1 lacks its half: u^2 inside, |u| outside",
         "https://github.com/carpedm20/deep-rl-tensorflow/issues/5")
def huber_missing_half(right, x):
    if x["loss_function"] != "smooth_l1":
        return right(**x)
    size = np.abs(x["state_action_value"] - x["value_target"][..., None])
    loss = np.where(size < 1, size**2, size)  # and what has this for its smooth_l1:
    moved = x["value_target"][..., None] + np.where(loss < 0.5, np.sqrt(2 * loss), loss + 0.5)
    return right(**x)._replace(loss_qvalue=right(**x | {"state_action_value": moved}).loss_qvalue)


@mistake("the critics are trained at the policy's action, not at the one whose reward was seen", "folklore")
def critic_at_policy_action(right, x):
    at_policy = right(**x | {"state_action_value": x["policy_action_value"]})
    return right(**x)._replace(loss_qvalue=at_policy.loss_qvalue, td_error=at_policy.td_error)


# The temperature


@mistake("a convention, the paper's: alpha in place of log alpha before (log pi + H)",
         "https://github.com/DLR-RM/stable-baselines3/issues/712")
def sac_alpha_loss_log_alpha(right, x):
    result = right(**x)
    minus_gap = right(**x | {"log_alpha": 1.0}).loss_alpha
    return result._replace(loss_alpha=math.exp(x["log_alpha"]) * minus_gap)


@mistake("the target entropy has the wrong sign: plus the number of dimensions",
         "https://github.com/instadeepai/Mava/commit/ecfe0a074384476f03b9d84cdb764ecead67d8cb")
def sac_target_entropy_positive(right, x):
    return right(**x | {"target_entropy": -x["target_entropy"]})


@mistake("a convention: half of the target entropy", "https://github.com/ikostrikov/jaxrl/pull/31")
def sac_target_entropy_half(right, x):
    return right(**x | {"target_entropy": x["target_entropy"] / 2})


@mistake("the target entropy is -1 whatever the number of dimensions: the size of an empty shape",
         "https://github.com/pytorch/rl/pull/3292")
def sac_target_entropy_ignores_dim(right, x):
    return right(**x | {"target_entropy": -1.0})


@mistake("the target entropy counts the action of every agent, here three, for each of them",
         "https://github.com/pytorch/rl/commit/4c50f1ec04a52b01ac1acb53519b2c566a97d8a7")
def sac_target_entropy_includes_agents(right, x):
    return right(**x | {"target_entropy": 3 * x["target_entropy"]})


@mistake("the target entropy of all action heads, here two, is asked of each",
         "https://github.com/HorizonRobotics/alf/pull/1557")
def sac_target_entropy_shared_over_heads(right, x):
    return right(**x | {"target_entropy": 2 * x["target_entropy"]})


@mistake("the target entropy is minus the square of the number of dimensions, by a sum over a broadcast",
         "https://github.com/Unity-Technologies/ml-agents/pull/5372")
def sac_target_entropy_squared(right, x):
    return right(**x | {"target_entropy": -(x["target_entropy"] ** 2)})


@mistake("the temperature's loss has the wrong sign: alpha falls where there is too little entropy", "folklore")
def sac_temperature_runs_away(right, x):
    result = right(**x)
    return result._replace(loss_alpha=-result.loss_alpha)


@mistake("entropy is log pi: its sign is lost", "folklore")
def entropy_is_log_prob(right, x):
    result = right(**x)
    return result._replace(entropy=-result.entropy)


# Gradients


@gradient_mistake("the gradient of the first critic moves all of them", "https://github.com/Toni-SM/skrl/issues/425")
def sac_one_gradient_for_all_critics(right, cotangent, x):
    gradient = right(cotangent, **x)
    (by,) = gradient.loss_qvalue
    return gradient._replace(loss_qvalue=type(gradient.loss_qvalue)(np.broadcast_to(by[..., :1], by.shape).copy()))


@gradient_mistake("the gradient of the minimum goes to every critic", "folklore")
def sac_minimum_moves_every_critic(right, cotangent, x):
    by = right(cotangent, **x).loss_actor.policy_action_value
    moved = np.broadcast_to(by.sum(axis=-1, keepdims=True), by.shape).copy()
    return actor_gradient(right, cotangent, x, policy_action_value=moved)


@gradient_mistake("a convention: equal critics share the gradient of the minimum", "folklore")
def sac_tied_critics_share(right, cotangent, x):
    values = x["policy_action_value"]
    tied = values == values.min(axis=-1, keepdims=True)
    by = right(cotangent, **x).loss_actor.policy_action_value.sum(axis=-1, keepdims=True)
    return actor_gradient(right, cotangent, x, policy_action_value=by * tied / tied.sum(axis=-1, keepdims=True))


@gradient_mistake("the actor gets nothing through its action: the critic's output is held still, not its parameters",
                  "https://github.com/KornbergFresnel/ModelRepo/issues/2")
def actor_gradient_stopped(right, cotangent, x):
    return actor_gradient(right, cotangent, x, policy_action_value=np.zeros_like(x["policy_action_value"]))


@gradient_mistake("log pi is held still in the actor's loss: nothing rewards entropy", "folklore")
def sac_log_prob_held_still(right, cotangent, x):
    return actor_gradient(right, cotangent, x, log_prob=np.zeros_like(x["log_prob"]))


@gradient_mistake("the temperature is not held still in the actor's loss, and trained by it too",
                  "https://github.com/rail-berkeley/softlearning/issues/60")
def sac_temperature_trained_by_actor(right, cotangent, x):
    gradient = right(cotangent, **x)
    more = math.exp(x["log_alpha"]) * np.sum(cotangent.loss_actor * x["log_prob"])
    return gradient._replace(loss_alpha=type(gradient.loss_alpha)(np.asarray(gradient.loss_alpha.log_alpha + more)))


@gradient_mistake("the derivative by the temperature is averaged over the batch, those by the rest are not", "folklore")
def sac_temperature_gradient_averaged(right, cotangent, x):
    gradient = right(cotangent, **x)
    mean = gradient.loss_alpha.log_alpha / cotangent.loss_alpha.size
    return gradient._replace(loss_alpha=type(gradient.loss_alpha)(np.asarray(mean)))


def with_policy_values(right, x, values):
    """``right`` with an actor that asks these values in place of the policy's."""
    return actor_only(right, x, {"policy_action_value": np.broadcast_to(values, x["policy_action_value"].shape).copy()})


def actor_only(right, x, changed):
    """``right``, but what is made of the policy's action, its loss and that of a value network, with these inputs."""
    result, other = right(**x), right(**x | changed)
    return result._replace(**{name: getattr(other, name) for name in ("loss_actor", "loss_value")
                              if name in result._fields})


def actor_gradient(right, cotangent, x, **changed):
    """``right`` with these derivatives of the actor's loss."""
    gradient = right(cotangent, **x)
    return gradient._replace(loss_actor=gradient.loss_actor._replace(**changed))
