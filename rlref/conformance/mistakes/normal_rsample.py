"""Known mistakes in a sample of normal distributions."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import mistake
from rlref.conformance.mistakes.gaussians import (  # noqa: F401  (found by looking)
    deviation_not_trained,
    noise_scaled_by_variance,
    noise_shared_by_dimensions,
    pathwise_gradient_stopped,
    std_exponentiated_twice,
)


@mistake("a sample of the standard normal distribution times sigma, without the mean", "folklore")
def mean_left_out(right, x):
    return right(**x | {"loc": np.zeros_like(x["loc"])})


@mistake("the mean is multiplied by sigma too: (mu + epsilon) sigma", "folklore")
def mean_scaled_too(right, x):
    return right(**x | {"loc": x["loc"] * x["scale"]})
