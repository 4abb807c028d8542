"""Known mistakes in SAC's bootstrap."""

from __future__ import annotations

from rlref.conformance.mistakes.bootstraps import (  # noqa: F401  (found by looking)
    alpha_left_out,
    alpha_squared,
    entropy_gradient_sign,
    entropy_held_still,
    entropy_left_out,
    entropy_per_critic,
    entropy_sign,
    first_two_critics,
    gradient_shared_by_critics,
    gradient_to_first_critic,
    log_alpha_for_alpha,
    max_over_critics,
    mean_over_critics,
    min_of_magnitudes,
    minimum_starts_at_zero,
    prob_for_log_prob,
    sac_target_logp_of_current_step,
    sac_twin_q_unused,
)
