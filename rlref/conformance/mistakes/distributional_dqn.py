"""Known mistakes in the cross-entropy of distributional deep Q-learning (C51)."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import gradient_mistake, mistake
from rlref.conformance.mistakes.distances import averaged_too_early  # noqa: F401  (found by looking)
from rlref.losses.distributional_dqn import DistributionalDQN


@mistake("the wrong way round: the cross-entropy -sum p log m of the prediction with the target", "folklore")
def c51_kl_direction(right, x):
    p = np.exp(_taken(x))
    with np.errstate(divide="ignore"):
        return DistributionalDQN(-np.sum(np.where(p > 0, np.log(x["target_probs"]), 0.0) * p, axis=-1))


@mistake("a convention: the divergence KL(m, p), L less the entropy of m; its gradient is the same", "folklore")
def c51_divergence_for_cross_entropy(right, x):
    m = x["target_probs"]
    return DistributionalDQN(right(**x).loss + np.sum(m * np.log(np.where(m > 0, m, 1.0)), axis=-1))


@mistake("the mean over the atoms in place of the sum", "folklore")
def c51_mean_over_atoms(right, x):
    return DistributionalDQN(right(**x).loss / x["target_probs"].shape[-1])


@mistake("the logarithm is of p + 1e-8", "https://github.com/thu-ml/tianshou/pull/386")
def c51_log_of_p_plus_epsilon(right, x):
    return DistributionalDQN(-np.sum(x["target_probs"] * np.log(np.exp(_taken(x)) + 1e-8), axis=-1))


@mistake("the probabilities are clipped to [1e-5, 1 - 1e-5] before the logarithm",
         "https://github.com/vwxyzjn/cleanrl/issues/105")
def c51_probabilities_clamped(right, x):
    return DistributionalDQN(-np.sum(x["target_probs"] * np.log(np.clip(np.exp(_taken(x)), 1e-5, 1 - 1e-5)), axis=-1))


@mistake("0 log 0 is NaN where neither the target nor the prediction has any mass", "folklore")
def c51_zero_times_minus_infinity(right, x):
    with np.errstate(invalid="ignore"):
        return DistributionalDQN(-np.sum(x["target_probs"] * _taken(x), axis=-1))


@mistake("the action that most likely reaches the last atom is trained, not the one that was taken", "folklore")
def c51_greedy_action_trained(right, x):
    return right(**x | {"action": x["action_log_probs"][..., -1].argmax(axis=-1)})


@mistake("actions are counted from 1: the prediction for the action before is trained", "folklore")
def action_index_off_by_one(right, x):
    return right(**x | {"action": (x["action"] - 1) % x["action_log_probs"].shape[-2]})


@mistake("the predictions for all actions are compared with the target, and the losses added up", "folklore")
def c51_every_action_compared(right, x):
    actions = x["action_log_probs"].shape[-2]
    each = [right(**x | {"action": np.full_like(x["action"], a)}).loss for a in range(actions)]
    return DistributionalDQN(np.sum(each, axis=0))


@gradient_mistake("every action's prediction is moved", "folklore")
def c51_all_actions_trained(right, cotangent, x):
    by = right(cotangent, **x).action_log_probs
    return type(right(cotangent, **x))(np.broadcast_to(by.sum(axis=-2, keepdims=True), by.shape).copy())


@gradient_mistake("the derivative by the logits, p - m, is given as that by the log-probabilities", "folklore")
def c51_gradient_by_logits(right, cotangent, x):
    gradient = right(cotangent, **x)
    by = np.take_along_axis(gradient.action_log_probs, x["action"][..., None, None], axis=-2)
    by = by + (np.exp(_taken(x)) * cotangent.loss[..., None])[..., None, :]
    np.put_along_axis(gradient.action_log_probs, x["action"][..., None, None], by, axis=-2)
    return gradient


def _taken(x):
    """log p of the action taken, [T, *B, K]."""
    return np.take_along_axis(x["action_log_probs"], x["action"][..., None, None], axis=-2)[..., 0, :]
