"""Known mistakes in generalized advantage estimation."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import mistake
from rlref.conformance.mistakes.ends import (  # noqa: F401  (found by looking)
    next_value_is_post_reset,
    truncation_treated_as_termination,
)


@mistake("the additive carry starts at V(s_T), which delta_{T-1} already contains",
         "https://github.com/simonsays1980/rl-triton/pull/4")
def gae_carry_seeded_with_bootstrap(right, x):
    last = np.where(x["done"][-1], 0.0, x["next_state_value"][-1])
    reward = x["reward"].copy()
    reward[-1] += np.broadcast_to(x["gamma"] * x["lmbda"], reward.shape)[-1] * last
    return right(**x | {"reward": reward})
