"""Mistakes that any policy-gradient loss can make: in what the advantage is, in the entropy's term, in the critic's."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import gradient_mistake, mistake
from rlref.conformance.mistakes.distances import distances


def objective(result):
    """The name of the term that trains the policy: REINFORCE has another."""
    return "loss_actor" if "loss_actor" in result._fields else "loss_objective"


def replaced(right, x, value):
    """``right`` with another objective."""
    result = right(**x)
    return result._replace(**{objective(result): value})


def of(right, x, **changed):
    """The objective for other inputs, in place of the right one."""
    result = right(**x | changed)
    return replaced(right, x, getattr(result, objective(result)))


# The objective


@mistake("the policy goes down the objective: the sign is missing", "folklore")
def policy_gradient_ascends(right, x):
    return of(right, x, advantage=-x["advantage"])


@mistake("the return for the advantage: no baseline", "folklore")
def return_for_advantage(right, x):
    return of(right, x, advantage=x["value_target"])


@mistake("the baseline is subtracted from what is an advantage already", "folklore")
def baseline_subtracted_twice(right, x):
    return of(right, x, advantage=x["advantage"] - x["state_value"])


@mistake("the advantage is made anew as target less value, whatever estimator gave it", "folklore")
def advantage_recomputed(right, x):
    return of(right, x, advantage=x["value_target"] - x["state_value"])


@mistake("advantages [B] meet log-probabilities [B, 1]: averaged over all pairs, every sample has the mean advantage",
         "folklore")
def advantage_bb_broadcast(right, x):
    return of(right, x, advantage=np.full_like(x["advantage"], x["advantage"].mean()))


@mistake("a convention: the loss standardizes the advantages itself", "folklore")
def advantages_standardized_inside(right, x):
    centered = x["advantage"] - x["advantage"].mean()
    return of(right, x, advantage=centered / (np.sqrt(np.mean(centered**2)) + 1e-8))


@mistake("the probability for its logarithm: -pi A", "folklore")
@np.errstate(over="ignore")
def probability_for_log_prob(right, x):
    return replaced(right, x, -np.exp(np.minimum(x["log_prob"], 700.0)) * x["advantage"])


@gradient_mistake("the policy gets nothing: the log-probability is the stored one, not that of the network", "folklore")
def policy_gradient_stopped(right, cotangent, x):
    gradient = right(cotangent, **x)
    term = objective(gradient)
    nothing = getattr(gradient, term)._replace(log_prob=np.zeros_like(x["log_prob"]))
    return gradient._replace(**{term: nothing})


# The entropy


@mistake("the entropy is added to the loss, and so made small", "https://github.com/PKU-Alignment/omnisafe/pull/133")
def entropy_sign_flipped(right, x):
    result = right(**x)
    return result._replace(loss_entropy=-result.loss_entropy)


@mistake("without a closed form, log pi for the entropy: the sign of a sample's entropy is wrong",
         "https://github.com/DLR-RM/stable-baselines3/issues/127")
def entropy_fallback_sign(right, x):
    return right(**x)._replace(loss_entropy=right(**x | {"entropy": _finite(x["log_prob"])}).loss_entropy)


@mistake("-log pi of the action taken for the entropy of the policy",
         "https://github.com/pytorch/rl/commit/3633cb2a7ff2aac0dab9dfd7fe829367455c9d7d")
def entropy_from_taken_action(right, x):
    return right(**x)._replace(loss_entropy=right(**x | {"entropy": -_finite(x["log_prob"])}).loss_entropy)


@mistake("the entropy has no weight", "folklore")
def entropy_coeff_ignored(right, x):
    return right(**x | {"entropy_coeff": 1.0})


@mistake("the weights of entropy and critic are in each other's place", "folklore")
def coefficients_swapped(right, x):
    return right(**x | {"entropy_coeff": x["critic_coeff"], "critic_coeff": x["entropy_coeff"]})


# The critic


@mistake("the critic has no weight", "folklore")
def critic_coeff_ignored(right, x):
    return right(**x | {"critic_coeff": 1.0})


@mistake("the critic is weighted twice: by the loss, and where the terms are added", "folklore")
def critic_coeff_applied_twice(right, x):
    return right(**x | {"critic_coeff": x["critic_coeff"] ** 2})


@mistake("a convention: half of the critic's loss, whatever the distance",
         "https://github.com/verl-project/verl/commit/6e15bbe2583135dfd8a6172da6872e5781ebae7e")
def value_loss_half_missing(right, x):
    result = right(**x)
    return result._replace(**{name: getattr(result, name) / 2 for name in distances(result)})


@mistake("the critic is trained on advantages, which are not values", "folklore")
def critic_trained_on_advantages(right, x):
    return _critic(right, x, value_target=x["advantage"])


@mistake("values [B, 1] meet targets [B]: every value is compared with every target, and the losses are averaged",
         "https://github.com/automl/Mighty/pull/126")
def critic_returns_bb_broadcast(right, x):
    targets = x["value_target"].ravel()
    results = [right(**x | {"value_target": np.roll(targets, i).reshape(x["value_target"].shape)})
               for i in range(targets.size)]
    return right(**x)._replace(**{name: np.mean([getattr(result, name) for result in results], axis=0)
                                  for name in distances(results[0])})


def _critic(right, x, **changed):
    result = right(**x | changed)
    return right(**x)._replace(**{name: getattr(result, name) for name in distances(result)})


def _finite(log_prob):
    return np.maximum(log_prob, -1e300)
