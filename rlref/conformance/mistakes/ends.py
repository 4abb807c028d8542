"""Mistakes about how trajectories end, and about V(s'_t), that every bootstrapping estimator can make."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import mistake


@mistake("the bootstrap is cut by done, so a truncation counts as a termination",
         "https://github.com/Toni-SM/skrl/issues/449")
def truncation_treated_as_termination(right, x):
    return right(**x | {"terminated": x["done"]})


@mistake("V(s'_t) is read from the next row, which after a truncation is the first state of another trajectory",
         "https://github.com/pytorch/rl/commit/b28e4a46238bc93e48364bf31e9b5b58d1e9a3fb")
def next_value_is_post_reset(right, x):
    following = np.concatenate([x["state_value"][1:], x["next_state_value"][-1:]])
    return right(**x | {"next_state_value": np.where(x["terminated"], 0.0, following)})
