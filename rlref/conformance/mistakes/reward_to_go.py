"""Known mistakes in the discounted reward-to-go."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import mistake
from rlref.conformance.mistakes.discounts import (  # noqa: F401  (found by looking)
    discount_weights_start_at_gamma,
    discounts_over_batch_axis,
    gamma_ignored,
    gamma_read_one_step_late,
    reward_read_one_step_early,
    time_reversed,
)
from rlref.conformance.mistakes.ends import (  # noqa: F401
    done_ignored,
    done_read_one_step_early,
    done_read_one_step_late,
    mask_inverted,
    reward_masked_too,
)
from rlref.conformance.mistakes.outputs import at_start
from rlref.returns.reward_to_go import RewardToGo


@mistake("every step gets the return of its trajectory's first step",
         "https://github.com/udacity/deep-reinforcement-learning/issues/42")
def whole_episode_return_for_every_step(right, x):
    return RewardToGo(at_start(right(**x).reward_to_go, x["done"]))


@mistake("the sum starts after r_t: the total minus the running sum, which has r_t in it",
         "https://github.com/takuseno/d3rlpy/commit/2425717c65b16074073e8fd38af4a74add5fe2c6")
def dt_rtg_excludes_current_reward(right, x):
    return RewardToGo(right(**x).reward_to_go - x["reward"])


@mistake("rewards are discounted from the start of the trajectory and not summed: gamma^t r_t",
         "https://github.com/hunkim/ReinforcementZeroToAll/issues/1")
def discounted_but_not_summed(right, x):
    return RewardToGo(_discount_since_start(x) * x["reward"])


@mistake("returns are discounted once more, from the start of the trajectory: gamma^t G_t (a convention if intended: "
         "the gradient of the discounted objective has this factor)", "https://github.com/mimoralea/gdrl/issues/9")
def discounted_twice(right, x):
    return RewardToGo(_discount_since_start(x) * right(**x).reward_to_go)


@mistake("time is moved last for the sum, and the result is reshaped, not moved back: steps and batch entries mix",
         "https://github.com/pytorch/rl/pull/2087")
def reward2go_scrambles_nd(right, x):
    out = right(**x).reward_to_go
    return RewardToGo(np.moveaxis(out, 0, -1).reshape(out.shape))


@mistake("returns are collected last step first and never put back in order", "folklore")
def returns_not_reversed(right, x):
    return RewardToGo(right(**x).reward_to_go[::-1])


def _discount_since_start(x):
    gamma, discount = np.broadcast_to(x["gamma"], x["reward"].shape), np.ones(x["reward"].shape)
    for t in range(1, len(discount)):
        discount[t] = np.where(x["done"][t - 1], 1.0, gamma[t - 1] * discount[t - 1])
    return discount
