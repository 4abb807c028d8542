"""Mistakes in what is made of a right return: the advantage, the target, and their order."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import mistake


@mistake("the advantage is the return itself: V(s_t) is not subtracted", "folklore")
def baseline_not_subtracted(right, x):
    result = right(**x)
    return result._replace(advantage=result.value_target)


@mistake("the advantage has the wrong sign: V(s_t) minus the return", "folklore")
def advantage_sign_flipped(right, x):
    result = right(**x)
    return result._replace(advantage=-result.advantage)


@mistake("the advantage is r_t - V(s_t): the reward of one step in place of the return",
         "https://github.com/natolambert/rlhf-book/pull/216")
def reward_minus_value(right, x):
    return right(**x)._replace(advantage=x["reward"] - x["state_value"])


@mistake("the value target lacks V(s_t): it is what should be added to it", "folklore")
def value_not_added_back(right, x):
    result = right(**x)
    return result._replace(value_target=result.value_target - x["state_value"])


@mistake("returns are collected last step first and never put back in order", "folklore")
def returns_not_reversed(right, x):
    result = right(**x)
    value_target = result.value_target[::-1]
    return result._replace(advantage=value_target - x["state_value"], value_target=value_target)


def at_start(out, done):
    """``out`` of the first step of each step's trajectory."""
    steps = np.arange(len(out)).reshape(-1, *(1 for _ in out.shape[1:]))
    starts = np.concatenate([np.ones_like(done[:1]), done[:-1]])
    return np.take_along_axis(out, np.maximum.accumulate(np.where(starts, steps, 0)), axis=0)
