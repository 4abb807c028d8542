"""Known mistakes in the loss of deep Q-learning."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import gradient_mistake, mistake
from rlref.conformance.mistakes.distances import (  # noqa: F401  (found by looking)
    averaged_too_early,
    gradient_clipped,
    huber_missing_half,
    square_halved,
)


@mistake("a convention: td_error is delta^2, so that replay's exponent is doubled",
         "https://github.com/pytorch/rl/commit/8b9e53769870f9b846f7eff20ec4c10a8d14954e")
def per_priority_squared(right, x):
    result = right(**x)
    return result._replace(td_error=result.td_error**2)


@mistake("td_error is the loss: what the distance makes of delta", "https://github.com/higgsfield/RL-Adventure/issues/13")
def per_priority_from_loss(right, x):
    result = right(**x)
    return result._replace(td_error=result.loss.copy())


@mistake("td_error keeps its sign", "folklore")
def td_error_signed(right, x):
    taken = np.take_along_axis(x["action_value"], x["action"][..., None], axis=-1)[..., 0]
    return right(**x)._replace(td_error=taken - x["value_target"])


@mistake("the greedy action's value is trained, not that of the action taken", "folklore")
def greedy_action_trained(right, x):
    return right(**x | {"action": x["action_value"].argmax(axis=-1)})


@mistake("actions are counted from 1: the value of the action before is trained", "folklore")
def action_index_off_by_one(right, x):
    return right(**x | {"action": (x["action"] - 1) % x["action_value"].shape[-1]})


@mistake("the values of all actions are compared with the target, and the losses averaged over the actions",
         "https://github.com/archsyscall/DistRL-TensorFlow2/issues/1")
def keras_huber_reduces_last_axis(right, x):
    actions = x["action_value"].shape[-1]
    each = [right(**x | {"action": np.full_like(x["action"], a)}).loss for a in range(actions)]
    return right(**x)._replace(loss=np.mean(each, axis=0))


@gradient_mistake("every action's value is moved by the error of the one taken", "folklore")
def all_actions_trained(right, cotangent, x):
    by = right(cotangent, **x).action_value
    return right(cotangent, **x)._replace(action_value=np.broadcast_to(by.sum(-1, keepdims=True), by.shape).copy())


@gradient_mistake("the derivative goes to the greedy action", "folklore")
def gradient_to_greedy_action(right, cotangent, x):
    gradient, greedy = np.zeros_like(x["action_value"]), x["action_value"].argmax(axis=-1)[..., None]
    by = right(cotangent, **x).action_value.sum(axis=-1, keepdims=True)
    np.put_along_axis(gradient, greedy, by, axis=-1)
    return right(cotangent, **x)._replace(action_value=gradient)
