"""Known mistakes in taking the value of the best next action."""

from __future__ import annotations

import numpy as np

from rlref.bootstraps import NextStateValue
from rlref.conformance.mistakes import gradient_mistake, mistake
from rlref.conformance.mistakes.bootstraps import later, taken


@mistake("illegal actions are not masked: what their value happens to be, here 0, can win",
         "https://github.com/thu-ml/tianshou/commit/ec23c7efe9a013dde69e7fd4a11538651574c8a7")
def invalid_next_action_in_max(right, x):
    return right(**x | {name: np.where(np.isfinite(values), values, 0.0) for name, values in x.items()})


@mistake("the mask is applied as Q - inf * illegal, which is NaN for every legal action",
         "https://github.com/thu-ml/tianshou/commit/f134bc20b521476532f25f5c7ef62fd07ccecb37")
def inf_times_zero_mask(right, x):
    masked = np.isinf(x["next_action_value"]).any(axis=-1)
    return NextStateValue(np.where(masked, np.nan, right(**x).next_state_value))


@mistake("an illegal action gets a low number that is not low enough, here -3", "folklore")
def mask_not_low_enough(right, x):
    return right(**x | {"next_action_value": np.where(np.isinf(x["next_action_value"]), -3.0, x["next_action_value"])})


@mistake("a running maximum that starts from 0: below it nothing counts", "folklore")
def maximum_starts_at_zero(right, x):
    return right(**x | {"next_action_value": np.maximum(x["next_action_value"], 0.0)})


@mistake("a one-hot of all actions that attain the maximum, times the values: what ties is added up",
         "https://github.com/pytorch/rl/pull/593")
def tied_maxima_added(right, x):
    value = right(**x).next_state_value
    return NextStateValue(value * np.sum(x["next_action_value"] == value[..., None], axis=-1))


@mistake("the value that is largest in magnitude, whatever its sign", "folklore")
def max_of_magnitudes(right, x):
    size = np.where(np.isfinite(x["next_action_value"]), np.abs(x["next_action_value"]), -1.0)
    return NextStateValue(taken(x["next_action_value"], np.argmax(size, axis=-1)))


@mistake("the smallest of the legal values: the sign of a cost", "folklore")
def min_for_max(right, x):
    return NextStateValue(np.min(x["next_action_value"], axis=-1, where=np.isfinite(x["next_action_value"]),
                                 initial=np.inf))


@mistake("the mean over the legal actions: expected SARSA of a uniform policy", "folklore")
def mean_over_actions(right, x):
    return NextStateValue(np.mean(x["next_action_value"], axis=-1, where=np.isfinite(x["next_action_value"])))


@mistake("the soft maximum, log sum exp, of soft Q-learning", "folklore")
def log_sum_exp(right, x):
    best = right(**x).next_state_value
    return NextStateValue(best + np.log(np.sum(np.exp(x["next_action_value"] - best[..., None]), axis=-1)))


@mistake("the value of the first action, whichever is the best", "folklore")
def first_action(right, x):
    return NextStateValue(np.where(np.isfinite(x["next_action_value"]), x["next_action_value"], 0.0)[..., 0])


@mistake("the index of the best action in the place of its value", "folklore")
def argmax_for_max(right, x):
    return NextStateValue(np.argmax(x["next_action_value"], axis=-1).astype(np.float64))


@mistake("read one row late: the maximum in the state after the next", "folklore")
def next_state_read_one_step_late(right, x):
    return right(**x | {name: later(values) for name, values in x.items()})


@gradient_mistake("every legal action has the derivative, whichever is the best", "folklore")
def gradient_to_every_action(right, cotangent, x):
    by = right(cotangent, **x).next_action_value.sum(axis=-1, keepdims=True)
    return right(cotangent, **x)._replace(next_action_value=np.where(np.isfinite(x["next_action_value"]), by, 0.0))


@gradient_mistake("a convention: values that tie share the derivative evenly, as with jnp.max", "folklore")
def ties_share_the_gradient(right, cotangent, x):
    tied = x["next_action_value"] == x["next_action_value"].max(axis=-1, keepdims=True)
    by = right(cotangent, **x).next_action_value.sum(axis=-1, keepdims=True)
    return right(cotangent, **x)._replace(next_action_value=np.where(tied, by / tied.sum(axis=-1, keepdims=True), 0.0))
