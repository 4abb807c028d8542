"""Mistakes in importance ratios, shared by the PPO pages: in the ratio itself, and in what is reported of it."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import mistake
from rlref.conformance.mistakes.policy import of, replaced

# Of the objective; where there is a penalty, it stays.


@np.errstate(all="ignore")
def surrogate(right, x, gain):
    """``right`` with another expression for r A."""
    return replaced(right, x, x["beta"] * x["kl"] - gain if "kl" in x else -gain)


@mistake("the ratio is upside down: old over new", "folklore")
def ratio_inverted(right, x):
    return of(right, x, log_prob=x["sample_log_prob"], sample_log_prob=np.maximum(x["log_prob"], -1e300))


@mistake("the old log-probabilities are those of the policy as it is now: every ratio is 1", "folklore")
def ratio_always_one(right, x):
    return of(right, x, log_prob=x["sample_log_prob"])


@mistake("the objective of A2C, log pi A, in place of the ratio's", "folklore")
@np.errstate(over="ignore")
def log_prob_for_ratio(right, x):
    return surrogate(right, x, np.maximum(x["log_prob"], -1e300) * x["advantage"])


@mistake("the log-ratio is not exponentiated", "folklore")
@np.errstate(over="ignore")
def log_ratio_not_exponentiated(right, x):
    return surrogate(right, x, np.maximum(log_ratio(x), -1e300) * x["advantage"])


@mistake("r A weighted by r once more", "https://github.com/PufferAI/PufferLib/issues/306")
def importance_ratio_applied_twice(right, x):
    return of(right, x, advantage=_ratio(x) * x["advantage"])


@mistake("the log-probabilities of the action's two dimensions are averaged, not added: the root of the ratio",
         "https://github.com/jannerm/ddpo/issues/10")
def ratio_from_mean_logprob(right, x):
    return of(right, x, log_prob=x["log_prob"] / 2, sample_log_prob=x["sample_log_prob"] / 2)


@mistake("the log-ratio is cut off at -20 and 20 before it is exponentiated", "https://github.com/THUDM/slime/pull/2198")
def log_ratio_clamped(right, x):
    return of(right, x, log_prob=x["sample_log_prob"] + np.clip(log_ratio(x), -20, 20))


# Of what is reported


@mistake("kl_approx is minus the ratio, not minus its logarithm",
         "https://github.com/OpenRLHF/OpenRLHF/commit/feeb028383a52dc766f6357421af669ca5383529")
def approx_kl_is_minus_ratio(right, x):
    return right(**x)._replace(kl_approx=-_ratio(x))


@mistake("kl_approx of a log-ratio that is cut off at -20 and 20",
         "https://github.com/OpenRLHF/OpenRLHF/commit/3a9815c51aa7e985983eacd06504aaf6db0bbe6b")
def approx_kl_of_clamped_ratio(right, x):
    return right(**x)._replace(kl_approx=-np.clip(log_ratio(x), -20, 20))


@mistake("kl_approx has the wrong sign: log pi - log pi_old", "folklore")
def approx_kl_reversed(right, x):
    return right(**x)._replace(kl_approx=log_ratio(x))


@mistake("a convention: kl_approx is half of the squared log-ratio", "folklore")
def approx_kl_squared(right, x):
    return right(**x)._replace(kl_approx=log_ratio(x) ** 2 / 2)


@mistake("a convention: kl_approx is r - 1 - log r, which is never negative", "folklore")
def approx_kl_never_negative(right, x):
    return right(**x)._replace(kl_approx=_ratio(x) - 1 - log_ratio(x))


@mistake("ESS is a number of samples, not a fraction of them", "folklore")
def ess_not_divided(right, x):
    result = right(**x)
    return result._replace(ESS=result.ESS * x["log_prob"].size)


@mistake("ESS is one over the sum of squares of weights that do not add up to one", "folklore")
@np.errstate(all="ignore")
def ess_not_normalized(right, x):
    return right(**x)._replace(ESS=np.asarray(1 / np.sum(_ratio(x) ** 2)))


@mistake("ESS of ratios that are not relative to the largest: 0 / 0 where all of them vanish", "folklore")
@np.errstate(all="ignore")
def ess_of_vanishing_ratios(right, x):
    r = _ratio(x)
    return right(**x)._replace(ESS=np.asarray(np.sum(r) ** 2 / (r.size * np.sum(r**2))))


@mistake("ESS of each column of the first axis, averaged", "folklore")
@np.errstate(all="ignore")
def ess_by_column(right, x):
    r = np.exp(np.nan_to_num(log_ratio(x) - log_ratio(x).max(axis=0), nan=0.0))
    return right(**x)._replace(ESS=np.asarray(np.mean(r.sum(axis=0) ** 2 / (len(r) * np.sum(r**2, axis=0)))))


def log_ratio(x):
    """log r of the pages' (1)."""
    return x["log_prob"] - x["sample_log_prob"]


def _ratio(x):
    """r, or what float64 has nearest to it."""
    return np.exp(np.clip(log_ratio(x), -np.inf, 700.0))
