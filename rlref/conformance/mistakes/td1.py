"""Known mistakes in the Monte-Carlo return with a bootstrap at its end, which is also the n-step return."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import mistake
from rlref.conformance.mistakes.discounts import (  # noqa: F401  (found by looking)
    discount_weights_start_at_gamma,
    discounts_over_batch_axis,
    gamma_ignored,
    gamma_missing_on_bootstrap,
    gamma_never_rolls,
    gamma_read_one_step_late,
    one_step_only,
    reward_read_one_step_early,
    rolling_gamma_ignored,
)
from rlref.conformance.mistakes.ends import (  # noqa: F401
    done_ignored,
    done_read_one_step_early,
    done_read_one_step_late,
    last_step_not_bootstrapped,
    mask_times_nan,
    next_value_is_post_reset,
    no_termination_mask,
    read,
    retrace_uses_current_value,
    reward_masked_too,
    stale_last_value,
    terminal_flag_summed_over_time,
    timeout_bootstraps_current_state,
    trace_not_cut_at_truncation,
    truncation_treated_as_termination,
)
from rlref.conformance.mistakes.outputs import (  # noqa: F401
    advantage_sign_flipped,
    at_start,
    baseline_not_subtracted,
    returns_not_reversed,
    reward_minus_value,
)
from rlref.returns import ValueEstimate


@mistake("only the last step's masks count: rewards after an end inside the window are summed as well",
         "https://github.com/astooke/rlpyt/pull/182")
def nstep_ignores_inner_done(right, x):
    last = np.arange(len(x["done"])) == len(x["done"]) - 1
    last = last.reshape(-1, *(1 for _ in x["done"].shape[1:]))
    return read(right, x, done=x["done"] & last, terminated=x["terminated"] & last)


@mistake("the bootstrap after n steps is discounted by gamma in place of gamma^n",
         "https://github.com/younggyoseo/FastTD3/issues/6")
def nstep_bootstrap_gamma_not_powered(right, x):
    return _joined(x, _rewards(right, x), x["gamma"] * _bootstraps(right, x | {"gamma": 1.0}))


@mistake("the bootstrap is discounted by gamma^T, the whole window, however few steps were really taken",
         "https://github.com/Curt-Park/rainbow-is-all-you-need/issues/10")
def nstep_gamma_power_ignores_short_tail(right, x):
    return _joined(x, _rewards(right, x), x["gamma"] ** len(x["reward"]) * _bootstraps(right, x | {"gamma": 1.0}))


@mistake("rewards are summed with the buffer's default gamma of 0.99; only the bootstrap uses the gamma asked for",
         "https://github.com/Curt-Park/rainbow-is-all-you-need/pull/66")
def nstep_gamma_default_in_buffer(right, x):
    return _joined(x, _rewards(right, x | {"gamma": 0.99}), _bootstraps(right, x))


@mistake("every step gets the return of its trajectory's first step",
         "https://github.com/udacity/deep-reinforcement-learning/issues/42")
def whole_episode_return_for_every_step(right, x):
    return _joined(x, at_start(right(**x).value_target, x["done"]), 0.0)


def _rewards(right, x):
    return right(**x | {"next_state_value": np.zeros_like(x["next_state_value"])}).value_target


def _bootstraps(right, x):
    return right(**x | {"reward": np.zeros_like(x["reward"])}).value_target


def _joined(x, rewards, bootstraps):
    value_target = rewards + bootstraps
    return ValueEstimate(value_target - x["state_value"], value_target)
