"""Known mistakes in implicit Q-learning."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import gradient_mistake, mistake
from rlref.conformance.mistakes.distances import (  # noqa: F401  (found by looking)
    averaged_too_early,
    gradient_clipped,
    huber_missing_half,
    square_halved,
)
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

# Which critics


@mistake("the target critics are averaged where their minimum should be taken",
         "https://github.com/takuseno/d3rlpy/commit/eb9cf0ed5b0b046ee15f5b02126308c038d3848e")
def iql_mean_of_target_critics(right, x):
    return right(**_critics_say(x, x["target_state_action_value"].mean(axis=-1)))


@mistake("the largest of the target critics is taken", "folklore")
def iql_max_of_target_critics(right, x):
    return right(**_critics_say(x, x["target_state_action_value"].max(axis=-1)))


@mistake("the second target critic is the second online critic, which is being trained",
         "https://github.com/ray-project/ray/issues/64931")
def iql_twin_target_is_online(right, x):
    target = x["target_state_action_value"].copy()
    target[..., 1:2] = x["state_action_value"][..., 1:2]
    return right(**x | {"target_state_action_value": target})


@mistake("advantage and expectile are those of the online critics; there are no target critics", "folklore")
def iql_online_critics(right, x):
    return right(**x | {"target_state_action_value": x["state_action_value"]})


@mistake("the first target critic alone is asked", "folklore")
def iql_first_target_critic_alone(right, x):
    return right(**_critics_say(x, x["target_state_action_value"][..., 0]))


# The expectile


@mistake("tau and 1 - tau are in each other's place: a high tau pulls V down", "folklore")
def expectile_flipped(right, x):
    return right(**x)._replace(loss_value=right(**x | {"expectile": 1.0 - x["expectile"]}).loss_value)


@mistake("a quantile in place of an expectile: |u|, not u^2, is weighted", "folklore")
def expectile_of_absolute_value(right, x):
    u = _advantage(x)
    return right(**x)._replace(loss_value=np.where(u < 0, 1.0 - x["expectile"], x["expectile"]) * np.abs(u))


@mistake("there is no expectile: V is regressed on Q with squares", "folklore")
def expectile_ignored(right, x):
    return right(**x)._replace(loss_value=_advantage(x) ** 2)


@mistake("V is regressed on the target of the critics, G_t, not on the critics", "folklore")
def expectile_of_td_target(right, x):
    return right(**x)._replace(loss_value=right(**_critics_say(x, x["value_target"])).loss_value)


@gradient_mistake("the derivative of the expectile by V is +u: no weight, no 2, and the wrong sign",
                  "https://github.com/ooples/AiDotNet/pull/481")
def expectile_gradient_unweighted(right, cotangent, x):
    gradient = right(cotangent, **x)
    return gradient._replace(loss_value=type(gradient.loss_value)(cotangent.loss_value * _advantage(x)))


# The weight


@mistake("the advantage is cut off at 100 before exp, not the weight after it", "folklore")
def iql_weight_clipped_before_exp(right, x):
    return _weighted(right, x, np.exp(np.minimum(x["temperature"] * _advantage(x), 100.0)))


@mistake("the weight has no ceiling", "folklore")
def iql_weight_not_clipped(right, x):
    return _weighted(right, x, np.exp(np.minimum(x["temperature"] * _advantage(x), 600.0)))


@mistake("the ceiling is 1: no action counts more than in behavioural cloning", "folklore")
def iql_weight_clipped_at_one(right, x):
    return _weighted(right, x, np.exp(np.minimum(x["temperature"] * _advantage(x), 0.0)))


@mistake("the inverse temperature divides the advantage", "folklore")
def iql_temperature_divides(right, x):
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = np.nan_to_num(_advantage(x) / x["temperature"])
    return _weighted(right, x, np.minimum(np.exp(np.minimum(scaled, 5.0)), 100.0))


@mistake("the inverse temperature is not used", "folklore")
def iql_temperature_ignored(right, x):
    return right(**x | {"temperature": 1.0})


@mistake("the weight is exp(beta (V - Q)): the worse the action, the more it is cloned", "folklore")
def iql_advantage_reversed(right, x):
    reversed_ = np.minimum(-x["temperature"] * _advantage(x), 5.0)
    return _weighted(right, x, np.minimum(np.exp(reversed_), 100.0))


@mistake("the advantage is G_t - V, from the critics' target in place of the critics", "folklore")
def iql_advantage_of_td_target(right, x):
    return right(**x)._replace(loss_actor=right(**_critics_say(x, x["value_target"])).loss_actor)


@mistake("weights (B, 1) times log-probabilities (B,): each of these is weighted by the mean weight", "folklore")
def iql_weights_bb_broadcast(right, x):
    return _weighted(right, x, _weight(x).mean())


@mistake("the actor's loss has the sign of the paper's eq. 7, which is to be maximized", "folklore")
def iql_sign_as_printed(right, x):
    result = right(**x)
    return result._replace(loss_actor=-result.loss_actor)


@mistake("behavioural cloning: the weight is left out", "folklore")
def iql_weight_ignored(right, x):
    return _weighted(right, x, 1.0)


@gradient_mistake("the weight is not held still: the actor's loss moves V through it",
                  "https://github.com/takuseno/d3rlpy/commit/f473d19773b7c30aa45a2db363288cf1180c12c6")
def iql_weight_attached(right, cotangent, x):
    gradient, weight = right(cotangent, **x), _weight(x)
    slope = np.where(weight < 100.0, x["temperature"] * weight, 0.0)  # of -weight, by V
    by = gradient.loss_value.state_value + cotangent.loss_actor * slope * x["log_prob"]
    return gradient._replace(loss_value=type(gradient.loss_value)(by))


@gradient_mistake("the actor's gradient is taken without the weight", "folklore")
def iql_gradient_unweighted(right, cotangent, x):
    gradient = right(cotangent, **x)
    return gradient._replace(loss_actor=type(gradient.loss_actor)(-cotangent.loss_actor))


def _advantage(x):
    return x["target_state_action_value"].min(axis=-1) - x["state_value"]


def _critics_say(x, value):
    """``x`` with this for every target critic."""
    shape = x["target_state_action_value"].shape
    return x | {"target_state_action_value": np.broadcast_to(value[..., None], shape).copy()}


def _weight(x):
    return np.minimum(np.exp(np.minimum(x["temperature"] * _advantage(x), 5.0)), 100.0)


def _weighted(right, x, weight):
    return right(**x)._replace(loss_actor=-weight * x["log_prob"])
