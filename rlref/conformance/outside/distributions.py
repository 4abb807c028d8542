"""Distributions as SciPy, rlax and distrax give them, and worked by hand from log 2, log 3 and log 2 pi."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rlref.conformance.outside import HAND, RLAX, Outside, array

SCIPY, DISTRAX = "SciPy 1.17.1: ", "distrax 0.1.9, float64: "
NORMALIZER = 0.91893853320467274178  # log(2 pi) / 2
LOG_2, LOG_3 = 0.69314718055994530942, 1.09861228866810969140
X, MU, SIGMA = array([0.5, -1], [2, 0.25]), array([0, 1], [-1, 0.25]), array([1, 2], [0.5, 4])
NU, TAU = array([1, -1], [0, 0.25]), array([2, 1], [0.5, 8])
LOGITS, OTHERS = array([1, 2, 0.5], [0, 0, 3]), array([0.5, 0, 1], [2, 1, 0])
NORMAL = {"loc": MU, "scale": SIGMA}
OPPOSITE = {"logits": array([0, LOG_2, math.nan], [LOG_3, 0, 0]), "action_mask": array([1, 1, 0], [1, 1, 1]) > 0}


def _legal(**inputs: Any) -> dict[str, Any]:
    """With every action legal."""
    return inputs | {"action_mask": np.ones(inputs["logits"].shape, bool)}


DENSITIES = (
    Outside("distributions.normal_log_prob", "rlax-gaussian", "two actions of two dimensions",
            RLAX + "gaussian_diagonal().logprob(sample, loc, scale)", 1e-14, {"sample": X, **NORMAL},
            {"log_prob": [-3.1560242469692907, -20.53102424696929]}),
    Outside("distributions.normal_log_prob", "scipy-norm", "one dimension", SCIPY + "stats.norm.logpdf(x, loc, scale)",
            1e-14, {"sample": array([1.5], [-3]), "loc": array([1], [2]), "scale": array([0.25], [2.5])},
            {"log_prob": [-1.532644172084782, -3.8352292650788278]}),
    Outside("distributions.normal_log_prob", "hand", "at the mean, one deviation away, two", HAND
            + "-log(2 pi) / 2, less 1/2, less 2; + log 2 for sigma 1/2; log(2 pi) / 2 = 0.91893853320467274178", 1e-15,
            {"sample": array([0], [1.5], [-1]), "loc": array([0], [1], [0]), "scale": array([1], [0.5], [0.5])},
            {"log_prob": [-NORMALIZER, LOG_2 - NORMALIZER - 0.5, LOG_2 - NORMALIZER - 2]}),
    Outside("distributions.normal_entropy", "rlax-gaussian", "product of deviations 2 in both",
            RLAX + "gaussian_diagonal().entropy(loc, scale)", 1e-14, {"scale": SIGMA},
            {"entropy": [3.5310242469692907, 3.5310242469692907]}),
    Outside("distributions.normal_entropy", "scipy-norm", "one dimension", SCIPY + "stats.norm.entropy(0, scale)",
            1e-14, {"scale": array([0.25], [2.5], [10])},
            {"entropy": [0.0326441720847821, 2.3352292650788278, 3.7215236261987186]}),
    Outside("distributions.normal_entropy", "hand", "deviations of 1, of 2 and 1/2, of 4",
            HAND + "(log(2 pi) + 1) / 2 a dimension, + 2 log 2 for 4", 1e-15,
            {"scale": array([1, 1], [2, 0.5], [4, 1])},
            {"entropy": [2 * NORMALIZER + 1, 2 * NORMALIZER + 1, 2 * NORMALIZER + 1 + 2 * LOG_2]}),
    Outside("distributions.normal_kl", "rlax-gaussian", "means and deviations that differ",
            RLAX + "gaussian_diagonal().kl(loc, scale, other_loc, other_scale)", 1e-14,
            NORMAL | {"other_loc": NU, "other_scale": TAU}, {"kl": [3.25, 2.318147180559945]}),
    Outside("distributions.normal_kl", "hand-standard", "from the standard normal distribution",
            HAND + "(mu^2 + sigma^2 - 1) / 2 - log sigma: 2 + 0, 3/2 - log 2, -3/8 + log 2", 1e-15,
            {"loc": array([2], [0], [0]), "scale": array([1], [2], [0.5]), "other_loc": np.zeros((3, 1)),
             "other_scale": np.ones((3, 1))}, {"kl": [2, 1.5 - LOG_2, LOG_2 - 0.375]}),
    Outside("distributions.normal_kl", "hand-shift", "equal deviations: half the square of the distance in deviations",
            HAND + "((3 - 1) / 2)^2 / 2 + ((0 - 4) / 2)^2 / 2", 0.0,
            {"loc": array([3, 0]), "scale": array([2, 2]), "other_loc": array([1, 4]), "other_scale": array([2, 2])},
            {"kl": [2.5]}),
)
SAMPLES = (
    Outside("distributions.normal_rsample", "hand", "mean plus deviation times noise",
            HAND + "0 + 1 (1/2), 1 + 2 (-1); -1 + 1/2 1, 1/4 + 4 0", 0.0,
            NORMAL | {"noise": array([0.5, -1], [1, 0])}, {"sample": [[0.5, -1], [-0.5, 0.25]]}),
    Outside("distributions.normal_rsample", "hand-no-noise", "without noise the mean", HAND + "mu", 0.0,
            NORMAL | {"noise": np.zeros((2, 2))}, {"sample": MU}),
    Outside("distributions.normal_rsample", "hand-standard", "of the standard distribution the noise", HAND + "epsilon",
            0.0, {"noise": X, "loc": np.zeros((2, 2)), "scale": np.ones((2, 2))}, {"sample": X}),
    Outside("distributions.tanh_loc", "hand-one", "tanh of 1 and 1/2",
            HAND + "tanh 1 = 0.76159415595576488812, tanh 1/2 = 0.46211715726000975850", 1e-15,
            {"loc": array([1, 0.5], [-1, 0]), "upscale": 1.0},
            {"loc": [[0.76159415595576488812, 0.46211715726000975850], [-0.76159415595576488812, 0]]}),
    Outside("distributions.tanh_loc", "numpy-five", "with torchrl's bound of 5", "NumPy 2: 5 * tanh(loc / 5)", 1e-14,
            {"loc": array([0.5, 2, -10]), "upscale": 5.0},
            {"loc": [[0.49833997312477907, 1.8997448112761246, -4.820137900379084]]}),
    Outside("distributions.tanh_loc", "hand-saturated", "far beyond the bound: the bound",
            HAND + "tanh 200 = 1 - 4e-174", 0.0, {"loc": array([100, -100]), "upscale": 0.5}, {"loc": [[0.5, -0.5]]}),
)
SQUASHED = (
    Outside("distributions.tanh_normal_log_prob", "distrax-tanh", "bounds of -1 and 1",
            DISTRAX + "Transformed(MultivariateNormalDiag(loc, scale), Block(Tanh(), 1)).log_prob(sample)", 1e-14,
            NORMAL | {"sample": array([0.5, -0.25], [-0.75, 0]), "low": -1.0, "high": 1.0},
            {"log_prob": [-2.5266799395115074, -1.7077616547724324]}),
    Outside("distributions.tanh_normal_log_prob", "distrax-scaled", "bounds of -2 and 4",
            DISTRAX + "the same, with rlax's chain of affine maps behind the tanh", 1e-14,
            NORMAL | {"sample": array([1, 3.5], [-0.5, 2]), "low": -2.0, "high": 4.0},
            {"log_prob": [-3.5475726789013744, -4.729325071090528]}),
    Outside("distributions.tanh_normal_log_prob", "hand-middle", "in the middle of its bounds u is 0",
            HAND + "-log(2 pi) / 2 - log sigma - log h, for sigma 1, 1/2 and h 1, 4", 1e-15,
            {"sample": array([0, 1]), "loc": array([0, 0]), "scale": array([1, 0.5]),
             "low": np.array([-1.0, -3.0]), "high": np.array([1.0, 5.0])},
            {"log_prob": [-2 * NORMALIZER + LOG_2 - 2 * LOG_2]}),
    Outside("distributions.tanh_normal_log_prob", "hand-three-fifths", "tanh(log 2) = 3/5, 1 - 9/25 = 16/25",
            HAND + "-(log 2)^2 / 2 - log(2 pi) / 2 + log 25 - 4 log 2; log 5 = 1.60943791243410037460", 1e-15,
            {"sample": array([0.6]), "loc": array([0]), "scale": array([1]), "low": -1.0, "high": 1.0},
            {"log_prob": [-LOG_2**2 / 2 - NORMALIZER + 2 * 1.60943791243410037460 - 4 * LOG_2]}),
    Outside("distributions.tanh_normal_rsample", "distrax-scaled", "bounds of -2 and 4", DISTRAX
            + "bijector.forward(u), distribution.log_prob(u) - bijector.forward_log_det_jacobian(u)", 1e-14,
            NORMAL | {"noise": array([0.5, -1], [1, 0]), "low": -2.0, "high": 4.0},
            {"sample": [[2.3863514717800296, -1.2847824678672946], [-0.3863514717800294, 1.7347559872111278]],
             "log_prob": [-4.245458149422901, -4.9261602031486325]}),
    Outside("distributions.tanh_normal_rsample", "hand-saturated", "u = 20 and -20: tanh is 1 to the last digit",
            HAND + "-log(2 pi) / 2 a dimension + 2 20 - 2 log 2 + 2 e^-40, of which the last is 8e-18", 2e-14,
            {"noise": array([0, 0]), "loc": array([20, -20]), "scale": array([1, 1]), "low": -1.0, "high": 1.0},
            {"sample": [[1, -1]], "log_prob": [-2 * NORMALIZER + 80 - 4 * LOG_2]}),
    Outside("distributions.tanh_normal_rsample", "hand-middle", "u = 0: the middle of the bounds, and da/du = h",
            HAND + "-log(2 pi) / 2 - log 2, less log h = log 4", 1e-15,
            {"noise": array([-0.5]), "loc": array([1]), "scale": array([2]), "low": -3.0, "high": 5.0},
            {"sample": [[1]], "log_prob": [-NORMALIZER - 0.125 - 3 * LOG_2]}),
)
DISCRETE = (
    Outside("distributions.categorical_log_prob", "rlax-softmax", "three actions",
            RLAX + "softmax().logprob(action, logits)", 1e-14, _legal(action=np.array([1, 2]), logits=LOGITS),
            {"log_prob": [-0.4643687841079449, -0.09492295642096091]}),
    Outside("distributions.categorical_log_prob", "scipy-log-softmax", "each of three actions",
            SCIPY + "special.log_softmax([0, -2, 1.5])", 1e-14,
            _legal(action=np.arange(3), logits=array([0, -2, 1.5], [0, -2, 1.5], [0, -2, 1.5])),
            {"log_prob": [-1.7258020492315993, -3.7258020492315995, -0.22580204923159933]}),
    Outside("distributions.categorical_log_prob", "hand-masked", "1/3 of two legal actions; 3/5 of three",
            HAND + "-log 3; log 3 - log 5 = 1.09861228866810969140 - 1.60943791243410037460", 1e-15,
            OPPOSITE | {"action": np.array([0, 0])}, {"log_prob": [-LOG_3, LOG_3 - 1.60943791243410037460]}),
    Outside("distributions.categorical_entropy", "rlax-softmax", "three actions", RLAX + "softmax().entropy(logits)",
            1e-14, _legal(logits=LOGITS), {"entropy": [0.9059592564792267, 0.36659396088273527]}),
    Outside("distributions.categorical_entropy", "scipy-entropy", "three actions",
            SCIPY + "stats.entropy(special.softmax([0, -2, 1.5]))", 1e-14, _legal(logits=array([0, -2, 1.5])),
            {"entropy": [0.5771755464948073]}),
    Outside("distributions.categorical_entropy", "hand-masked", "1/3 and 2/3; 3/5, 1/5 and 1/5",
            HAND + "log 3 - 2/3 log 2; log 5 - 3/5 log 3", 1e-15, OPPOSITE,
            {"entropy": [LOG_3 - 2 * LOG_2 / 3, 1.60943791243410037460 - 0.6 * LOG_3]}),
    Outside("distributions.categorical_kl", "rlax-softmax", "three actions",
            RLAX + "softmax().kl(logits, other_logits)", 1e-14, _legal(logits=LOGITS, other_logits=OTHERS),
            {"kl": [0.5184540821853449, 1.9051765013307578]}),
    Outside("distributions.categorical_kl", "scipy-entropy", "three actions",
            SCIPY + "stats.entropy(softmax([0, -2, 1.5]), softmax([1, 1, -1]))", 1e-14,
            _legal(logits=array([0, -2, 1.5]), other_logits=array([1, 1, -1])), {"kl": [1.7772001815986913]}),
    Outside("distributions.categorical_kl", "hand-masked", "from the uniform distribution of the legal actions",
            HAND + "log 2 - (log 3 - 2/3 log 2); log 3 - (log 5 - 3/5 log 3)", 1e-15,
            OPPOSITE | {"other_logits": array([7, 7, math.nan], [7, 7, 7])},
            {"kl": [5 * LOG_2 / 3 - LOG_3, 1.6 * LOG_3 - 1.60943791243410037460]}),
)
OUTSIDE: tuple[Outside, ...] = DENSITIES + SAMPLES + SQUASHED + DISCRETE
