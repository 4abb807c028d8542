"""Known mistakes, and conventions taken for one another, in standardizing advantages."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import mistake
from rlref.returns.standardize import Standardized


@mistake("each time step is standardized by itself, over its batch entries alone",
         "https://github.com/tensorflow/agents/commit/c957dea0d736c11891999344dd2c0d9926f89ff3")
def advnorm_time_separately(right, x):
    centered, std = _moments(x, axis=tuple(range(1, x["advantage"].ndim)))
    return Standardized(centered / np.maximum(std, x["std_min"]))


@mistake("each trajectory is standardized by itself, over its time steps alone",
         "https://github.com/thomfoster/minRLHF/issues/5")
def advnorm_trajectories_separately(right, x):
    centered, std = _moments(x, axis=0)
    return Standardized(centered / np.maximum(std, x["std_min"]))


@mistake("a convention: the other of the two deviations, population (ddof 0) for sample (ddof 1) or the reverse",
         "https://github.com/NVlabs/GDPO/issues/3")
def advnorm_ddof(right, x):
    centered, std = _moments(x | {"ddof": 1 - x["ddof"]})
    return Standardized(centered / np.maximum(std, x["std_min"]))


@mistake("a single element gives NaN, the sample deviation of one number, where ddof 0 was asked for",
         "https://github.com/DLR-RM/stable-baselines3/issues/265")
def advnorm_singleton_nan(right, x):
    return Standardized(right(**x).advantage if x["advantage"].size > 1 else np.full(x["advantage"].shape, np.nan))


@mistake("a convention: sigma + epsilon divides, in place of max(sigma, epsilon)",
         "https://github.com/anthonytorlucci/rlevo/issues/471")
def advnorm_eps_added(right, x):
    centered, std = _moments(x)
    return Standardized(centered / (std + x["std_min"]))


@mistake("a convention: sqrt(sigma^2 + epsilon) divides, in place of max(sigma, epsilon)",
         "https://github.com/anthonytorlucci/rlevo/issues/471")
def advnorm_eps_under_root(right, x):
    centered, std = _moments(x)
    return Standardized(centered / np.sqrt(std**2 + x["std_min"]))


@mistake("the floor is put under the variance: sqrt(max(sigma^2, epsilon)) divides", "folklore")
def advnorm_floor_under_variance(right, x):
    centered, std = _moments(x)
    return Standardized(centered / np.sqrt(np.maximum(std**2, x["std_min"])))


@mistake("there is no floor: a constant batch gives 0 / 0",
         "https://github.com/dongminlee94/meta-learning-for-everyone/issues/62")
def advnorm_no_floor(right, x):
    centered, std = _moments(x)
    with np.errstate(invalid="ignore"):
        return Standardized(centered / std)


@mistake("the variance divides, not its root", "https://github.com/joshday/OnlineStats.jl/issues/15")
def advnorm_divides_by_variance(right, x):
    centered, std = _moments(x)
    return Standardized(centered / np.maximum(std**2, x["std_min"]))


@mistake("the mean is not subtracted", "https://github.com/YunzhuLi/InfoGAIL/issues/5")
def advnorm_mean_not_subtracted(right, x):
    return Standardized(x["advantage"] / np.maximum(_moments(x)[1], x["std_min"]))


@mistake("the advantages are returned as they came", "folklore")
def advnorm_skipped(right, x):
    return Standardized(x["advantage"].copy())


def _moments(x, axis=None):
    """A minus its mean, and its standard deviation, over the axes given; NaN where there are too few elements."""
    centered = x["advantage"] - x["advantage"].mean(axis=axis, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        count = centered.size // np.sum(centered, axis=axis, keepdims=True).size
        return centered, np.sqrt(np.sum(centered**2, axis=axis, keepdims=True) / np.float64(count - x["ddof"]))
