"""Known mistakes in the lambda-return."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import mistake
from rlref.conformance.mistakes.discounts import (  # noqa: F401  (found by looking)
    discount_weights_start_at_gamma,
    discounts_over_batch_axis,
    gamma_and_lambda_swapped,
    gamma_ignored,
    gamma_missing_in_trace,
    gamma_missing_on_bootstrap,
    gamma_never_rolls,
    gamma_read_one_step_late,
    lambda_ignored,
    one_step_only,
    per_start,
    reward_read_one_step_early,
    rolling_gamma_ignored,
    weight,
)
from rlref.conformance.mistakes.ends import (  # noqa: F401
    ahead,
    bootstrap,
    done_ignored,
    done_read_one_step_early,
    done_read_one_step_late,
    last_step_not_bootstrapped,
    mask_times_nan,
    next_value_is_post_reset,
    no_termination_mask,
    poisoned,
    read,
    retrace_uses_current_value,
    reward_masked_too,
    stale_last_value,
    terminal_flag_summed_over_time,
    timeout_bootstraps_current_state,
    trace_not_cut_at_truncation,
    truncated,
    truncation_treated_as_termination,
    value_of_preterminal_state_zeroed,
)
from rlref.conformance.mistakes.outputs import (  # noqa: F401
    advantage_sign_flipped,
    baseline_not_subtracted,
    returns_not_reversed,
    reward_minus_value,
)


@mistake("at a termination only the (1 - lambda) V(s'_t) branch is masked: lambda G_{t+1} leaks in from what follows",
         "https://github.com/vwxyzjn/cleanrl/commit/1ed80620842b4cdeb1edc07e12825dff18091da9")
def unmasked_lambda_branch(right, x):
    return right(**x | {"done": truncated(x), "terminated": np.zeros_like(x["terminated"]),
                        "next_state_value": bootstrap(x)})


@mistake("at an end the return is V(s'_t), undiscounted and without the reward",
         "https://github.com/bold-lab-ai/JaxMARL/issues/93")
def end_returns_next_value(right, x):
    known = np.isfinite(x["next_state_value"])
    reward = np.where(x["done"] & known, x["next_state_value"], x["reward"])
    return poisoned(right(**x | {"reward": reward, "terminated": x["done"]}), ~known, x)


@mistake("step t bootstraps from V(s'_{t+1}): the value cached is that of the state landed in, one step too far on",
         "https://github.com/keraJLi/rejax/pull/35")
def q_lambda_caches_next_q(right, x):
    following = ahead(x["next_state_value"], x["next_state_value"][-1])
    return read(right, x, next_state_value=np.where(x["done"], x["next_state_value"], following))


@mistake("step T - 2 bootstraps from V(s'_{T-1}), the value meant for the last step",
         "https://github.com/keraJLi/rejax/pull/35")
def second_last_target_reuses_final_bootstrap(right, x):
    following = x["next_state_value"].copy()
    following[-2:-1] = np.where(x["done"][-2:-1], following[-2:-1], following[-1:])
    return read(right, x, next_state_value=following)


@mistake("the last step bootstraps from V(s'_{T-2}), a slice that ends one too early",
         "https://github.com/Eclectic-Sheep/sheeprl/pull/67")
def lambda_bootstrap_second_last(right, x):
    following = x["next_state_value"].copy()
    following[-1] = following[-2:][0]
    return read(right, x, next_state_value=following)


@mistake("V(s'_t) is not weighted by 1 - lambda: V(s'_t) + lambda G_{t+1}", "folklore")
@per_start
def one_minus_lambda_missing(right, x):
    return right(**x | {"reward": x["reward"] + x["gamma"] * (1 - weight(x)) * bootstrap(x)})


@mistake("lambda and 1 - lambda are in each other's place: lambda V(s'_t) + (1 - lambda) G_{t+1}", "folklore")
def lambda_complemented(right, x):
    return right(**x | {"lmbda": 1 - x["lmbda"]})


@mistake("the recursion starts from 0, not from V(s'_t), at the last step and at truncations: lambda V(s'_t) is lost",
         "folklore")
@per_start
def lambda_return_seeded_with_zero(right, x):
    at_end = weight(x) == 1.0
    return right(**x | {"next_state_value": np.where(at_end, (1 - x["lmbda"]) * bootstrap(x), x["next_state_value"])})
