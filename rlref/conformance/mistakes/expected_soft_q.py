"""Known mistakes in discrete SAC's bootstrap."""

from __future__ import annotations

import numpy as np

from rlref.bootstraps import NextStateValue
from rlref.conformance.mistakes import gradient_mistake, mistake
from rlref.conformance.mistakes.bootstraps import (  # noqa: F401  (found by looking)
    alpha_left_out,
    alpha_squared,
    earlier,
    entropy_left_out,
    entropy_per_critic,
    entropy_sign,
    first_two_critics,
    gradient_shared_by_critics,
    gradient_to_first_critic,
    log_alpha_for_alpha,
    max_over_critics,
    mean_over_critics,
    min_of_magnitudes,
    minimum_starts_at_zero,
    sac_twin_q_unused,
    taken,
)


@mistake("the mean over actions of pi (q - alpha log pi), not the sum: a factor 1 / |A|",
         "https://github.com/p-christ/Deep-Reinforcement-Learning-Algorithms-with-PyTorch/issues/54")
def discrete_sac_mean_not_expectation(right, x):
    return NextStateValue(right(**x).next_state_value / x["next_log_probs"].shape[-1])


@mistake("the probability in the place of its logarithm in the entropy",
         "https://github.com/pytorch/rl/commit/0e02132e4212bccfc4c3adfe81c5a0dc78527390")
def discrete_sac_prob_as_logprob(right, x):
    q, prob, _ = _parts(x)
    return NextStateValue(np.sum(prob * (q - _alpha(x) * prob), axis=-1))


@mistake("an action of probability 0 is not left out: 0 * -inf is NaN", "https://github.com/pytorch/rl/pull/1750")
@np.errstate(invalid="ignore")
def zero_times_log_zero(right, x):
    soft = np.min(x["next_action_value"], axis=-1) - _alpha(x) * x["next_log_probs"]
    return NextStateValue(np.sum(np.exp(x["next_log_probs"]) * soft, axis=-1))


@mistake("log(pi + 0.01), against log 0, for every action: the entropy is another policy's", "folklore")
def log_of_prob_plus_epsilon(right, x):
    q, prob, _ = _parts(x)
    return NextStateValue(np.sum(prob * (q - _alpha(x) * np.log(prob + 0.01)), axis=-1))


@mistake("the minimum over critics is taken of their expectations, not in each action", "folklore")
def min_after_expectation(right, x):
    _, prob, log_prob = _parts(x)
    values = np.where(prob[..., None] > 0, x["next_action_value"], 0.0) - (_alpha(x) * log_prob)[..., None]
    return NextStateValue(np.min(np.sum(prob[..., None] * values, axis=-2), axis=-1))


@mistake("the best action's soft value, not the expectation: the policy is no weight", "folklore")
def greedy_not_expected(right, x):
    q, prob, log_prob = _parts(x)
    return NextStateValue(np.max(q - _alpha(x) * log_prob, axis=-1, where=prob > 0, initial=-1e300))


@mistake("the soft value of the likeliest action alone", "folklore")
def likeliest_action_alone(right, x):
    q, _, log_prob = _parts(x)
    return NextStateValue(taken(q - _alpha(x) * log_prob, np.argmax(x["next_log_probs"], axis=-1)))


@mistake("all possible actions weigh the same, as if the policy were uniform", "folklore")
def policy_taken_for_uniform(right, x):
    q, prob, log_prob = _parts(x)
    return NextStateValue(np.sum(q - _alpha(x) * log_prob, axis=-1, where=prob > 0)
                          / np.maximum(np.sum(prob > 0, axis=-1), 1))


@mistake("the entropy is not weighted by the policy: a sum of alpha log pi over the possible actions", "folklore")
def entropy_not_weighted(right, x):
    q, prob, log_prob = _parts(x)
    return NextStateValue(np.sum(prob * q - _alpha(x) * log_prob, axis=-1))


@mistake("log-probabilities taken for probabilities: they weigh the values as they are", "folklore")
def log_probs_as_weights(right, x):
    q, _, log_prob = _parts(x)
    return NextStateValue(np.sum(log_prob * (q - _alpha(x) * log_prob), axis=-1))


@mistake("the policy is that of s_t: its probabilities are read one row early", "folklore")
def policy_of_current_state(right, x):
    q, prob, log_prob = _parts(x | {"next_log_probs": earlier(x["next_log_probs"])})
    return NextStateValue(np.sum(prob * (q - _alpha(x) * log_prob), axis=-1, where=prob > 0))


@gradient_mistake("the policy is held still: no derivative by its log-probabilities", "folklore")
def policy_held_still(right, cotangent, x):
    return right(cotangent, **x)._replace(next_log_probs=np.zeros_like(x["next_log_probs"]))


@gradient_mistake("only the weights are differentiated: the entropy's own - alpha is missing", "folklore")
def entropy_s_own_slope_left_out(right, cotangent, x):
    by = right(cotangent, **x)
    _, prob, _ = _parts(x)
    return by._replace(next_log_probs=by.next_log_probs + cotangent.next_state_value[..., None] * prob * _alpha(x))


@gradient_mistake("only the entropy is differentiated, not the weights: - alpha pi", "folklore")
def weights_held_still(right, cotangent, x):
    _, prob, _ = _parts(x)
    return right(cotangent, **x)._replace(next_log_probs=-cotangent.next_state_value[..., None] * prob * _alpha(x))


@gradient_mistake("the derivative is by the probabilities, though log-probabilities are given", "folklore")
def gradient_by_probabilities(right, cotangent, x):
    _, prob, _ = _parts(x)
    by = right(cotangent, **x)
    return by._replace(next_log_probs=np.where(prob > 0, by.next_log_probs / np.where(prob > 0, prob, 1.0), 0.0))


def _parts(x):
    """q, pi, and log pi, where q and log pi are 0 where pi is 0."""
    prob = np.exp(x["next_log_probs"])
    q = np.where(prob > 0, np.min(x["next_action_value"], axis=-1), 0.0)
    return q, prob, np.where(prob > 0, x["next_log_probs"], 0.0)


def _alpha(x):
    return np.asarray(x["alpha"])[..., None]
