"""Known mistakes in double DQN's bootstrap."""

from __future__ import annotations

import numpy as np

from rlref.bootstraps import NextStateValue
from rlref.conformance.mistakes import gradient_mistake, mistake
from rlref.conformance.mistakes.bootstraps import earlier, later, taken
from rlref.conformance.mistakes.max_q import invalid_next_action_in_max, next_state_read_one_step_late  # noqa: F401


@mistake("the roles are swapped: the target network selects, the online network evaluates",
         "https://github.com/higgsfield/RL-Adventure/pull/5")
def double_dqn_evaluates_online(right, x):
    return right(**x | {"next_action_value": x["online_next_action_value"],
                        "online_next_action_value": x["next_action_value"]})


@mistake("the online network selects in s_t: its values are read one row early",
         "https://github.com/YangRui2015/2048_env/issues/1")
def double_dqn_argmax_at_current_state(right, x):
    return _selected_by(x, earlier(x["online_next_action_value"]))


@mistake("the action is selected in the state after the next: an index one row late", "folklore")
def argmax_one_step_late(right, x):
    return _selected_by(x, later(x["online_next_action_value"]))


@mistake("the target network selects as well: plain DQN",
         "https://github.com/MaximeVandegar/Papers-in-100-Lines-of-Code/issues/21")
def target_network_selects(right, x):
    return right(**x | {"online_next_action_value": x["next_action_value"]})


@mistake("the online network evaluates as well: there is no target network",
         "https://github.com/facebookresearch/ReAgent/issues/88")
def online_network_evaluates(right, x):
    return right(**x | {"next_action_value": x["online_next_action_value"]})


@mistake("the smaller of what the two networks say of the action: clipped double Q-learning", "folklore")
def smaller_of_two_networks(right, x):
    both = np.minimum(x["next_action_value"], x["online_next_action_value"])
    return right(**x | {"next_action_value": both})


@mistake("the mean of what the two networks say of the action", "folklore")
def mean_of_two_networks(right, x):
    return right(**x | {"next_action_value": (x["next_action_value"] + x["online_next_action_value"]) / 2})


@mistake("the action is selected by the sum of both networks", "folklore")
def selected_by_both(right, x):
    return right(**x | {"online_next_action_value": x["next_action_value"] + x["online_next_action_value"]})


@mistake("a one-hot of all actions that attain the online maximum, times the values: what ties is added up",
         "https://github.com/pytorch/rl/pull/593")
def tied_maxima_added(right, x):
    online = x["online_next_action_value"]
    best = online == np.max(online, axis=-1, keepdims=True)
    return NextStateValue(np.sum(x["next_action_value"], axis=-1, where=best))


@mistake("of equal online values the last action is taken, not the first", "folklore")
def last_of_tied(right, x):
    return right(**x | {name: values[..., ::-1] for name, values in x.items()})


@mistake("the online network's smallest legal value selects: argmin for argmax", "folklore")
def argmin_for_argmax(right, x):
    online = x["online_next_action_value"]
    return right(**x | {"online_next_action_value": np.where(np.isfinite(online), -online, -np.inf)})


@mistake("the first action, whichever is selected", "folklore")
def first_legal_action(right, x):
    return _selected_by(x, np.isfinite(x["next_action_value"]))


@gradient_mistake("the derivative goes to the action that is best by the target network", "folklore")
def gradient_to_target_s_best(right, cotangent, x):
    return right(cotangent, **x | {"online_next_action_value": x["next_action_value"]})


@gradient_mistake("every legal action has the derivative, whichever is selected", "folklore")
def gradient_to_every_action(right, cotangent, x):
    by = right(cotangent, **x).next_action_value.sum(axis=-1, keepdims=True)
    return right(cotangent, **x)._replace(next_action_value=np.where(np.isfinite(x["next_action_value"]), by, 0.0))


def _selected_by(x, preference):
    return NextStateValue(taken(x["next_action_value"], np.argmax(preference, axis=-1)))
