"""Known mistakes in PPO without a clip."""

from __future__ import annotations

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
    policy_gradient_ascends,
    policy_gradient_stopped,
    return_for_advantage,
    value_loss_half_missing,
)
from rlref.conformance.mistakes.ratios import (  # noqa: F401
    approx_kl_is_minus_ratio,
    approx_kl_never_negative,
    approx_kl_of_clamped_ratio,
    approx_kl_reversed,
    approx_kl_squared,
    ess_by_column,
    ess_not_divided,
    ess_not_normalized,
    importance_ratio_applied_twice,
    log_prob_for_ratio,
    log_ratio_clamped,
    log_ratio_not_exponentiated,
    ratio_always_one,
    ratio_from_mean_logprob,
    ratio_inverted,
)
