"""Known mistakes in V-trace targets and their policy-gradient advantage."""

from __future__ import annotations

import sys

import numpy as np

from rlref.conformance.mistakes import mistake
from rlref.conformance.mistakes.discounts import (  # noqa: F401  (found by looking)
    discount_weights_start_at_gamma,
    discounts_over_batch_axis,
    gamma_ignored,
    gamma_read_one_step_late,
    one_step_only,
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
    read,
    retrace_uses_current_value,
    reward_masked_too,
    timeout_bootstraps_current_state,
    trace_not_cut_at_truncation,
    truncation_treated_as_termination,
    value_of_preterminal_state_zeroed,
)
from rlref.conformance.mistakes.outputs import value_not_added_back  # noqa: F401
from rlref.returns import ValueEstimate

NO_LIMIT = sys.float_info.max


# Weights


@mistake("the weight is mu / pi: log_pi and log_mu are in each other's place", "folklore")
def ratio_inverted(right, x):
    return right(**x | {"log_pi": x["log_mu"], "log_mu": np.maximum(x["log_pi"], -1e300)})


@mistake("the importance weights are left out: everything is as if pi = mu", "folklore")
def importance_weights_ignored(right, x):
    return right(**x | {"log_pi": x["log_mu"]})


@mistake("the weight is exp(log_pi) / (exp(log_mu) + 1e-8): a ratio of probabilities, not a difference of logarithms",
         "https://github.com/opendilab/DI-engine/commit/f5c839826fa1e26adb1e85f76ec438a2c6189d9c")
def acer_prob_vs_logprob(right, x):
    return right(**x | {"log_mu": np.logaddexp(x["log_mu"], np.log(1e-8))})


@mistake("the logarithm of the weight is clipped and used as the weight, without exp", "folklore")
def vtrace_log_rhos_not_exponentiated(right, x):
    log_w = x["log_pi"] - x["log_mu"]
    rho, c = np.minimum(x["rho_thresh"], log_w), np.minimum(x["c_thresh"], log_w)
    return _vtrace(x, rho, c, rho)


@mistake("rho is not clipped: plain importance sampling of the TD error", "folklore")
@np.errstate(over="ignore", invalid="ignore")
def rho_not_clipped(right, x):
    return right(**x | {"rho_thresh": NO_LIMIT})


@mistake("c is not clipped: the trace grows with the weights", "folklore")
@np.errstate(over="ignore", invalid="ignore")
def c_not_clipped(right, x):
    return right(**x | {"c_thresh": NO_LIMIT})


@mistake("c is clipped at rho_bar in place of c_bar", "folklore")
def vtrace_c_clipped_at_rho_bar(right, x):
    return right(**x | {"c_thresh": x["rho_thresh"]})


@mistake("rho_bar and c_bar are in each other's place", "folklore")
def thresholds_swapped(right, x):
    return right(**x | {"rho_thresh": x["c_thresh"], "c_thresh": x["rho_thresh"]})


@mistake("the TD error is not scaled by rho, as in Retrace", "folklore")
def delta_not_scaled_by_rho(right, x):
    rho, c = _weights(x)
    return _vtrace(x, np.ones_like(rho), c, rho)


@mistake("rho multiplies the reward alone, not the whole TD error: parentheses are missing",
         "https://github.com/PufferAI/PufferLib/pull/598")
def rho_times_reward_alone(right, x):
    rho, c = _weights(x)
    return _vtrace(x | {"reward": rho * x["reward"]}, np.ones_like(rho), c, np.ones_like(rho))


@mistake("the trace into step t uses c_{t+1}, as in Retrace, where V-trace has c_t", "folklore")
def trace_uses_next_c(right, x):
    rho, c = _weights(x)
    return _vtrace(x, rho, ahead(c, c[-1]), rho)


# The recursion


@mistake("gamma is missing where later steps are carried back: the trace decays by c alone",
         "https://github.com/chainer/chainerrl/pull/126")
def gamma_missing_in_trace(right, x):
    reward = x["reward"] - (1 - x["gamma"]) * bootstrap(x)
    v = right(**x | {"gamma": 1.0, "reward": reward}).value_target
    return ValueEstimate(_advantage(right, x, _next(x, v)), v)


@mistake("the additive carry starts at V(s_T), which delta_{T-1} already contains",
         "https://github.com/simonsays1980/rl-triton/pull/4")
def gae_carry_seeded_with_bootstrap(right, x):
    rho, c = _weights(x)
    return _vtrace(x, rho, c, rho, carry=bootstrap(x)[-1])


@mistake("the last row of the chunk bootstraps from its own V(s_t), the last value stored, in place of V(s'_t)",
         "https://github.com/micdoh/XLRON/pull/50")
def bootstrap_own_value_per_chunk(right, x):
    following = x["next_state_value"].copy()
    following[-1] = x["state_value"][-1]
    return right(**x | {"next_state_value": following})


# The advantage


@mistake("the advantage of a truncated step looks ahead to v of the next row, which is another trajectory",
         "https://github.com/pytorch/rl/issues/4209")
def vtrace_adv_uses_next_trajectory(right, x):
    result = right(**x)
    return result._replace(advantage=_advantage(right, x, ahead(result.value_target, x["next_state_value"][-1])))


@mistake("the advantage looks ahead to v_t in place of v_{t+1}", "folklore")
def vtrace_pg_uses_vs_t(right, x):
    result = right(**x)
    return result._replace(advantage=_advantage(right, x, result.value_target))


@mistake("the advantage bootstraps from V(s'_t) in place of v_{t+1}: it is rho times the TD error", "folklore")
def vtrace_pg_bootstraps_value(right, x):
    return right(**x)._replace(advantage=_advantage(right, x, x["next_state_value"]))


@mistake("the advantage is v_t - V(s_t), as it would be for GAE", "folklore")
def vtrace_adv_is_target_minus_value(right, x):
    result = right(**x)
    return result._replace(advantage=result.value_target - x["state_value"])


@mistake("the advantage lacks rho", "folklore")
def vtrace_pg_without_rho(right, x):
    result = right(**x)
    on_policy = x | {"log_pi": x["log_mu"], "rho_thresh": 1.0}
    return result._replace(advantage=_advantage(right, on_policy, _next(x, result.value_target)))


@mistake("the advantage carries rho twice: once from V-trace, once more from the surrogate that it is used in",
         "https://github.com/PufferAI/PufferLib/issues/306")
def importance_ratio_applied_twice(right, x):
    result = right(**x)
    return result._replace(advantage=_weights(x)[0] * result.advantage)


@mistake("the advantage is the one from before the weights were known: recomputed, then overwritten by the old",
         "https://github.com/PufferAI/PufferLib/issues/306")
def recomputed_advantage_discarded(right, x):
    return right(**x)._replace(advantage=right(**x | {"log_pi": x["log_mu"]}).advantage)


def _weights(x):
    """rho and c of the page's (1)."""
    with np.errstate(over="ignore"):
        w = np.exp(x["log_pi"] - x["log_mu"])
    return np.minimum(x["rho_thresh"], w), np.minimum(x["c_thresh"], w)


@np.errstate(over="ignore", invalid="ignore")
def _vtrace(x, rho, c, pg_rho, carry=0.0):
    """(2)-(5) of the page with any weights, one time step at a time."""
    discount = x["gamma"] * ~x["terminated"]
    trace = np.broadcast_to(x["gamma"] * c, rho.shape)
    delta = rho * (x["reward"] + discount * bootstrap(x) - x["state_value"])
    v = x["state_value"].copy()
    for t in reversed(range(len(v))):
        carry = delta[t] + np.where(x["done"][t], 0.0, trace[t] * carry)
        v[t] += carry
    target = np.where(x["terminated"], 0.0, _next(x, v))
    return ValueEstimate(pg_rho * (x["reward"] + discount * target - x["state_value"]), v)


def _next(x, v):
    """next_t of the page's (4)."""
    return np.where(x["done"], x["next_state_value"], ahead(v, x["next_state_value"][-1]))


def _advantage(right, x, target):
    """The page's (5) with another value to look ahead to: where every step is done, that is V(s'_t)."""
    return read(right, x, done=np.ones_like(x["done"]), next_state_value=target).advantage
