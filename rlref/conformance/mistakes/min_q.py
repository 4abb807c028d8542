"""Known mistakes in taking the smallest of several critics' values."""

from __future__ import annotations

import numpy as np

from rlref.bootstraps import NextStateValue
from rlref.conformance.mistakes import gradient_mistake, mistake
from rlref.conformance.mistakes.bootstraps import (  # noqa: F401  (found by looking)
    first_two_critics,
    gradient_shared_by_critics,
    gradient_to_first_critic,
    later,
    max_over_critics,
    mean_over_critics,
    min_of_magnitudes,
    minimum_starts_at_zero,
    sac_twin_q_unused,
)


@mistake("one minimum for the whole batch: the reduction takes every axis", "folklore")
def min_over_everything(right, x):
    values = x["next_state_action_value"]
    return NextStateValue(np.full(values.shape[:-1], values.min()))


@mistake("the critic that is smallest on average is asked for every sample", "folklore")
def one_critic_for_the_batch(right, x):
    values = x["next_state_action_value"]
    return NextStateValue(values[..., np.argmin(values.reshape(-1, values.shape[-1]).mean(axis=0))].copy())


@mistake("the index of the smallest in the place of its value", "folklore")
def argmin_for_min(right, x):
    return NextStateValue(np.argmin(x["next_state_action_value"], axis=-1).astype(np.float64))


@mistake("a soft minimum of the critics, -log mean exp(-Q), which is above the smallest", "folklore")
def soft_minimum(right, x):
    smallest = right(**x).next_state_value
    weight = np.mean(np.exp(smallest[..., None] - x["next_state_action_value"]), axis=-1)
    return NextStateValue(smallest - np.log(weight))


@mistake("read one row late: the value of the state after the next", "folklore")
def next_state_read_one_step_late(right, x):
    return right(**x | {name: later(values) for name, values in x.items()})


@gradient_mistake("a convention: values that tie share the derivative evenly, as with jnp.min", "folklore")
def ties_share_the_gradient(right, cotangent, x):
    tied = x["next_state_action_value"] == x["next_state_action_value"].min(axis=-1, keepdims=True)
    by = right(cotangent, **x).next_state_action_value.sum(axis=-1, keepdims=True)
    shared = np.where(tied, by / tied.sum(axis=-1, keepdims=True), 0.0)
    return right(cotangent, **x)._replace(next_state_action_value=shared)
