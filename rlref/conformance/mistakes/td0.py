"""Known mistakes in the one-step temporal-difference estimate."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import mistake
from rlref.conformance.mistakes.discounts import (  # noqa: F401  (found by looking)
    discount_weights_start_at_gamma,
    gamma_ignored,
    gamma_read_one_step_late,
    reward_read_one_step_early,
)
from rlref.conformance.mistakes.ends import (  # noqa: F401
    delta_zeroed_at_truncation,
    done_read_one_step_early,
    done_read_one_step_late,
    last_step_not_bootstrapped,
    mask_inverted,
    mask_times_nan,
    next_value_is_post_reset,
    no_termination_mask,
    read,
    retrace_uses_current_value,
    reward_masked_too,
    stale_last_value,
    timeout_bootstraps_current_state,
    truncation_treated_as_termination,
    value_of_preterminal_state_zeroed,
)
from rlref.conformance.mistakes.outputs import advantage_sign_flipped, baseline_not_subtracted  # noqa: F401


@mistake("the last step's terminated is used for every step", "https://github.com/nicklashansen/tdmpc2/issues/62")
def single_terminated_for_whole_horizon(right, x):
    terminated = np.broadcast_to(x["terminated"][-1], x["terminated"].shape)
    return read(right, x, terminated=terminated, done=x["done"] | terminated)


@mistake("the reward is missing from the target: gamma V(s'_t) alone",
         "https://github.com/PacktPublishing/Tensorflow-2-Reinforcement-Learning-Cookbook/issues/34")
def reward_missing(right, x):
    return right(**x | {"reward": np.zeros_like(x["reward"])})
