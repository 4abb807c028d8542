"""Mistakes that several bootstraps share: which critics are asked, and what becomes of the entropy."""

from __future__ import annotations

import numpy as np

from rlref.bootstraps import NextStateValue
from rlref.conformance.mistakes import gradient_mistake, mistake


def critics(x):
    """The name of the argument whose last axis is the critics."""
    return "next_state_action_value" if "next_state_action_value" in x else "next_action_value"


def changed(right, x, change):
    """``right`` with every critic's value the same: what ``change`` makes of [.., N] is [..]."""
    values = x[critics(x)]
    return right(**x | {critics(x): np.broadcast_to(change(values)[..., None], values.shape)})


def taken(values, index):
    """The value at ``index`` along the last axis."""
    return np.take_along_axis(values, index[..., None], axis=-1)[..., 0]


def earlier(values):
    """What the step before has; the first step its own."""
    return np.concatenate([values[:1], values[:-1]])


def later(values):
    """What the step after has; the last step its own."""
    return np.concatenate([values[1:], values[-1:]])


# Critics


@mistake("one critic is asked, and its twins are not: no minimum", "https://github.com/ray-project/ray/pull/7354")
def sac_twin_q_unused(right, x):
    return changed(right, x, lambda values: values[..., 0])


@mistake("the mean over critics, not the minimum", "folklore")
def mean_over_critics(right, x):
    return changed(right, x, lambda values: np.mean(values, axis=-1))


@mistake("the maximum over critics, not the minimum", "folklore")
def max_over_critics(right, x):
    return changed(right, x, lambda values: np.max(values, axis=-1))


@mistake("the value that is smallest in magnitude, whatever its sign", "folklore")
def min_of_magnitudes(right, x):
    return changed(right, x, lambda values: taken(values, np.argmin(np.abs(values), axis=-1)))


@mistake("a running minimum that starts from 0: above it nothing counts", "folklore")
def minimum_starts_at_zero(right, x):
    return changed(right, x, lambda values: np.minimum(np.min(values, axis=-1), 0.0))


@mistake("the first two critics, however many there are", "folklore")
def first_two_critics(right, x):
    return changed(right, x, lambda values: np.min(values[..., :2], axis=-1))


# Entropy


@mistake("the entropy of the next action is left out: a hard value", "https://github.com/rail-berkeley/rlkit/issues/43")
def entropy_left_out(right, x):
    return right(**x | {"alpha": 0.0})


@mistake("the entropy has the wrong sign: + alpha log pi", "folklore")
def entropy_sign(right, x):
    hard, soft = right(**x | {"alpha": 0.0}).next_state_value, right(**x).next_state_value
    return NextStateValue(2 * hard - soft)


@mistake("the temperature is not applied: alpha is 1", "folklore")
def alpha_left_out(right, x):
    return right(**x | {"alpha": 1.0})


@mistake("log alpha, which is what is trained, in the place of alpha", "folklore")
def log_alpha_for_alpha(right, x):
    hard, one = (right(**x | {"alpha": alpha}).next_state_value for alpha in (0.0, 1.0))
    return NextStateValue(hard + np.log(np.maximum(x["alpha"], 1e-9)) * (one - hard))


@mistake("alpha squared: the temperature was in the log-probability already", "folklore")
def alpha_squared(right, x):
    return right(**x | {"alpha": np.square(x["alpha"])})


@mistake("the entropy is counted once for each critic: a sum over critics that reaches too far", "folklore")
def entropy_per_critic(right, x):
    return right(**x | {"alpha": np.multiply(x["alpha"], x[critics(x)].shape[-1])})


@mistake("the probability in the place of its logarithm",
         "https://github.com/pytorch/rl/commit/0e02132e4212bccfc4c3adfe81c5a0dc78527390")
def prob_for_log_prob(right, x):
    return right(**x | {"next_log_prob": np.exp(np.minimum(x["next_log_prob"], 20.0))})


@mistake("the log-probability is that of the action in s_t, not of a' in s'_t: it is read one row early",
         "https://github.com/ray-project/ray/pull/6295")
def sac_target_logp_of_current_step(right, x):
    return right(**x | {"next_log_prob": earlier(x["next_log_prob"])})


# Gradients


@gradient_mistake("the derivative is shared among all critics, as that of a mean", "folklore")
def gradient_shared_by_critics(right, cotangent, x):
    by = getattr(right(cotangent, **x), critics(x))
    return right(cotangent, **x)._replace(**{critics(x): np.repeat(by.mean(-1, keepdims=True), by.shape[-1], axis=-1)})


@gradient_mistake("the derivative goes to the first critic, whichever is the smallest", "folklore")
def gradient_to_first_critic(right, cotangent, x):
    by = getattr(right(cotangent, **x), critics(x))
    first = np.zeros_like(by)
    first[..., 0] = by.sum(axis=-1)
    return right(cotangent, **x)._replace(**{critics(x): first})


@gradient_mistake("the log-probability is held still: no derivative by it", "folklore")
def entropy_held_still(right, cotangent, x):
    return right(cotangent, **x)._replace(next_log_prob=np.zeros_like(x["next_log_prob"]))


@gradient_mistake("the derivative by the log-probability has the wrong sign", "folklore")
def entropy_gradient_sign(right, cotangent, x):
    gradient = right(cotangent, **x)
    return gradient._replace(next_log_prob=-gradient.next_log_prob)
