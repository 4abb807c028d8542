"""Known mistakes in REINFORCE."""

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
    critic_returns_bb_broadcast,
    critic_trained_on_advantages,
    policy_gradient_ascends,
    policy_gradient_stopped,
    probability_for_log_prob,
    return_for_advantage,
    value_loss_half_missing,
)
