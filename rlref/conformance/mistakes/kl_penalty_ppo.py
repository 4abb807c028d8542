"""Known mistakes in PPO with a penalty on the divergence."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import gradient_mistake, mistake
from rlref.conformance.mistakes.distances import (  # noqa: F401  (found by looking)
    averaged_too_early,
    gradient_clipped,
    huber_missing_half,
    square_halved,
)
from rlref.conformance.mistakes.policy import (  # noqa: F401
    advantage_bb_broadcast,
    advantage_recomputed,
    advantages_standardized_inside,
    baseline_subtracted_twice,
    coefficients_swapped,
    critic_coeff_applied_twice,
    critic_coeff_ignored,
    critic_returns_bb_broadcast,
    critic_trained_on_advantages,
    entropy_coeff_ignored,
    entropy_fallback_sign,
    entropy_from_taken_action,
    entropy_sign_flipped,
    of,
    policy_gradient_ascends,
    policy_gradient_stopped,
    replaced,
    return_for_advantage,
    value_loss_half_missing,
)
from rlref.conformance.mistakes.ratios import (  # noqa: F401
    approx_kl_is_minus_ratio,
    approx_kl_never_negative,
    approx_kl_of_clamped_ratio,
    approx_kl_reversed,
    approx_kl_squared,
    importance_ratio_applied_twice,
    log_prob_for_ratio,
    log_ratio,
    log_ratio_clamped,
    log_ratio_not_exponentiated,
    ratio_always_one,
    ratio_from_mean_logprob,
    ratio_inverted,
    surrogate,
)

# The penalty


@mistake("the penalty is subtracted from the loss, and so made large", "folklore")
def penalty_sign_flipped(right, x):
    return replaced(right, x, right(**x).loss_objective - 2 * x["beta"] * x["kl"])


@mistake("there is no penalty", "folklore")
def penalty_left_out(right, x):
    return of(right, x, beta=0.0)


@mistake("every sample is charged the mean divergence of the batch", "folklore")
def penalty_averaged(right, x):
    return of(right, x, kl=np.full_like(x["kl"], x["kl"].mean()))


@mistake("the penalty is weighted by the ratio: r (A - beta KL)", "folklore")
def penalty_weighted_by_ratio(right, x):
    r = np.exp(np.minimum(log_ratio(x), 700.0))
    return surrogate(right, x, r * (x["advantage"] - x["beta"] * x["kl"]) + x["beta"] * x["kl"])


@mistake("kl_approx for the divergence in the penalty", "folklore")
def penalty_of_kl_approx(right, x):
    return of(right, x, kl=-np.maximum(log_ratio(x), -1e300))


@gradient_mistake("the divergence is held still: the penalty trains nothing", "folklore")
def penalty_detached(right, cotangent, x):
    gradient = right(cotangent, **x)
    return gradient._replace(loss_objective=gradient.loss_objective._replace(kl=np.zeros_like(x["kl"])))


# Its weight


@mistake("beta is adapted before the loss is computed with it", "folklore")
def beta_adapted_before_the_loss(right, x):
    return of(right, x, beta=float(right(**x).next_beta))


@mistake("a convention: beta times 3/2 above 2 d_targ and times 1/2 below d_targ / 2",
         "https://github.com/ray-project/ray/issues/15698")
def adaptive_kl_factors(right, x):
    return _adapted(right, x, 2.0, 2.0, 1.5, 0.5)


@mistake("there is no band: beta changes wherever the mean divergence is not d_targ", "folklore")
def beta_band_left_out(right, x):
    return _adapted(right, x, 1.0, 1.0, x["increment"], x["decrement"])


@mistake("beta shrinks where the divergence is too large, and grows where it is too small", "folklore")
def beta_adapted_the_other_way(right, x):
    return _adapted(right, x, 1.5, 1.5, x["decrement"], x["increment"])


@mistake("beta is adapted by the sum of the divergences, not by their mean", "folklore")
def beta_adapted_by_sum(right, x):
    return right(**x)._replace(next_beta=right(**x | {"kl": x["kl"] * x["kl"].size}).next_beta)


@mistake("beta is adapted by the divergences of the first trajectory alone", "folklore")
def beta_adapted_by_first_column(right, x):
    first = x["kl"].reshape(len(x["kl"]), -1)[:, 0]
    return right(**x)._replace(next_beta=right(**x | {"kl": np.full_like(x["kl"], first.mean())}).next_beta)


@mistake("beta is adapted by kl_approx, a noisy estimate of the divergence", "folklore")
def beta_adapted_by_kl_approx(right, x):
    estimate = -np.maximum(log_ratio(x), -1e300)
    return right(**x)._replace(next_beta=right(**x | {"kl": estimate}).next_beta)


@mistake("beta is never adapted", "folklore")
def beta_fixed(right, x):
    return right(**x)._replace(next_beta=np.array(x["beta"]))


@gradient_mistake("beta changes in place between forward and backward: the value has the old, the derivative the new",
                  "folklore")
def beta_changed_before_backward(right, cotangent, x):
    gradient = right(cotangent, **x)
    mean = x["kl"].mean()
    factor = x["increment"] if mean > 1.5 * x["dtarg"] else x["decrement"] if mean < x["dtarg"] / 1.5 else 1.0
    by = factor * x["beta"] * cotangent.loss_objective
    return gradient._replace(loss_objective=gradient.loss_objective._replace(kl=by))


def _adapted(right, x, above, below, increment, decrement):
    mean = x["kl"].mean()
    factor = increment if mean > above * x["dtarg"] else decrement if mean < x["dtarg"] / below else 1.0
    return right(**x)._replace(next_beta=np.array(factor * x["beta"]))
