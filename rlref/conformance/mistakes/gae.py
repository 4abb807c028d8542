"""Known mistakes in generalized advantage estimation."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import mistake
from rlref.conformance.mistakes.discounts import (  # noqa: F401  (found by looking)
    discount_weights_start_at_gamma,
    discounts_over_batch_axis,
    gamma_and_lambda_swapped,
    gamma_ignored,
    gamma_missing_in_trace,
    gamma_read_one_step_late,
    lambda_ignored,
    one_step_only,
    reward_read_one_step_early,
    time_reversed,
)
from rlref.conformance.mistakes.ends import (  # noqa: F401
    ahead,
    bootstrap,
    delta_zeroed_at_truncation,
    done_ignored,
    done_read_one_step_early,
    done_read_one_step_late,
    last_advantage_zero,
    last_step_not_bootstrapped,
    mask_times_nan,
    next_value_is_post_reset,
    no_termination_mask,
    retrace_uses_current_value,
    reward_masked_too,
    stale_last_value,
    timeout_bootstraps_current_state,
    trace_not_cut_at_truncation,
    truncation_treated_as_termination,
    value_of_preterminal_state_zeroed,
)
from rlref.conformance.mistakes.outputs import reward_minus_value, value_not_added_back  # noqa: F401


@mistake("the additive carry starts at V(s_T), which delta_{T-1} already contains",
         "https://github.com/simonsays1980/rl-triton/pull/4")
def gae_carry_seeded_with_bootstrap(right, x):
    last = np.where(x["done"][-1], 0.0, x["next_state_value"][-1])
    reward = x["reward"].copy()
    reward[-1] += np.broadcast_to(x["gamma"] * x["lmbda"], reward.shape)[-1] * last
    return right(**x | {"reward": reward})


@mistake("the carry is cut nowhere: done is heeded in delta and forgotten in the recursion",
         "https://github.com/vietnh1009/Super-mario-bros-PPO-pytorch/issues/21")
def trace_never_cut(right, x):
    nowhere = np.zeros_like(x["done"])
    return right(**x | {"done": nowhere, "terminated": nowhere, "next_state_value": bootstrap(x)})


@mistake("the carry is cut on both sides of an end: A_{t-1} loses A_t where step t is done",
         "https://github.com/alessiodm/drl-zh/issues/13")
def carry_cut_twice(right, x):
    return right(**x | {"done": x["done"] | ahead(x["done"], False)})


@mistake("delta lacks gamma: r_t + V(s'_t) - V(s_t)", "https://github.com/callummcdougall/ARENA_3.0/pull/249")
def gae_missing_gamma(right, x):
    return right(**x | {"reward": x["reward"] + (1 - x["gamma"]) * bootstrap(x)})


@mistake("lambda is applied to V(s'_t) in delta as well, where it only belongs to the carry", "folklore")
def gae_lambda_times_value(right, x):
    return right(**x | {"next_state_value": x["lmbda"] * bootstrap(x)})


@mistake("lambda is not passed on: the function's default of 0.95 is used",
         "https://github.com/medipixel/rl_algorithms/issues/179")
def lambda_not_passed_on(right, x):
    return right(**x | {"lmbda": 0.95})


@mistake("value targets are made of the buffer's previous advantages, here still zeros, so they are V(s_t)",
         "https://github.com/vwxyzjn/cleanrl/commit/95fcdd750205fc755f5d677b324f0e1331e35593")
def returns_from_stale_advantages(right, x):
    return right(**x)._replace(value_target=x["state_value"].copy())


@mistake("advantages are standardized (sample deviation + 1e-8) before V(s_t) is added to make the targets", "folklore")
def advantage_normalised_before_return(right, x):
    advantage = right(**x).advantage
    centered = advantage - advantage.mean()
    with np.errstate(invalid="ignore"):
        advantage = centered / (np.sqrt(np.sum(centered**2) / np.float64(centered.size - 1)) + 1e-8)
    return right(**x)._replace(advantage=advantage, value_target=advantage + x["state_value"])


@mistake("advantages are collected last step first and never put back in order", "folklore")
def advantages_not_reversed(right, x):
    advantage = right(**x).advantage[::-1]
    return right(**x)._replace(advantage=advantage, value_target=advantage + x["state_value"])
