"""Known mistakes in the log-probability of an action."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import gradient_mistake, mistake
from rlref.conformance.mistakes.categoricals import (  # noqa: F401  (found by looking)
    log_probs,
    mask_left_out,
    masked_logit_zero,
    softmax_twice,
)


@mistake("the probability, clamped, is called its logarithm",
         "https://github.com/pytorch/rl/commit/0e02132e4212bccfc4c3adfe81c5a0dc78527390")
def discrete_sac_prob_as_logprob(right, x):
    return right(**x)._replace(log_prob=np.exp(right(**x).log_prob))


@mistake("of a grid of steps the axis of the actions is swapped with the wrong one, and the batch axes with each other",
         "https://github.com/pytorch/rl/commit/5df91da3640d3395945800f6ae54b655a0004696")
def class_axis_moved_wrong(right, x):
    steps = x["action"].shape
    if len(steps) != 3 or steps[1] != steps[2]:
        return right(**x)
    mask = x["action_mask"].swapaxes(1, 2) | (np.arange(x["logits"].shape[-1]) == x["action"][..., None])
    logits = np.clip(np.nan_to_num(x["logits"]), -1e6, 1e6).swapaxes(1, 2).copy()
    return right(**x | {"logits": logits, "action_mask": mask})


@mistake("the logit of the action, not normalized", "folklore")
def logit_as_log_prob(right, x):
    taken = np.take_along_axis(x["logits"], x["action"][..., None], axis=-1)[..., 0]
    return right(**x)._replace(log_prob=taken)


@mistake("log(p + 1e-8): nothing is less probable than that", "folklore")
def log_of_probability_plus_eps(right, x):
    return right(**x)._replace(log_prob=np.log(np.exp(right(**x).log_prob) + 1e-8))


@mistake("the greedy action is scored, not the one taken", "folklore")
def greedy_action_scored(right, x):
    return right(**x | {"action": log_probs(x).argmax(axis=-1)})


@mistake("actions are counted from 1", "folklore")
def action_index_off_by_one(right, x):
    before = (x["action"] - 1) % x["logits"].shape[-1]
    legal = np.take_along_axis(x["action_mask"], before[..., None], axis=-1)[..., 0]
    return right(**x | {"action": np.where(legal, before, x["action"])})


@gradient_mistake("the normalizer is held still: 1 for the action taken, nothing for the others", "folklore")
def normalizer_held_still(right, cotangent, x):
    taken = np.arange(x["logits"].shape[-1]) == x["action"][..., None]
    return right(cotangent, **x)._replace(logits=cotangent.log_prob[..., None] * taken)
