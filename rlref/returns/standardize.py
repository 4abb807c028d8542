"""Standardized advantages: mean zero, standard deviation one.

    m       = sum A / n                                                          (1)
    sigma^2 = sum (A - m)^2 / (n - ddof)                                         (2)
    out     = (A - m) / max(sigma, sigma_min)                                    (3)

Source    Andrychowicz et al. 2020, arXiv:2006.05990v1, appendix B.9, choice C67: in words, no equation. It divides by
          the deviation as it is; ddof and the maximum in (3) are TorchRL's.
Masks     None: pass the steps that count. The n elements are those of the whole batch, all axes together.
Ties      At sigma = sigma_min the derivative is that of the constant sigma_min.
Limits    A constant batch gives 0, up to its rounding over sigma_min. A -> a A + b, a > 0, changes nothing elsewhere.
TorchRL   PPOLoss(normalize_advantage=True) and GAE(average_gae=True): ddof = 1. Elsewhere ddof = 0 is as common, and
          sigma + epsilon in place of the maximum. n must exceed ddof; torch gives NaN for a single element.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract
from rlref.scalars import sqrt


class Standardized(NamedTuple):
    """The standardized advantage, [T, *B]."""

    advantage: np.ndarray


class Gradient(NamedTuple):
    """The derivative by each differentiable input, [T, *B]."""

    advantage: np.ndarray


@contract.per_batch
def loop(advantage, *, ddof, std_min) -> Standardized:
    """(1)-(3), one element at a time."""
    count = len(advantage)
    if count <= ddof:
        raise ValueError(f"advantage: expected more than ddof = {ddof} elements, got {count}")
    mean = sum(advantage) / count                                                # (1)
    variance = sum((a - mean) * (a - mean) for a in advantage) / (count - ddof)  # (2)
    std = sqrt(variance) if variance > std_min * std_min else std_min
    return Standardized([(a - mean) / std for a in advantage])                   # (3)


@contract.vectorized
def vectorized(advantage, *, ddof, std_min) -> Standardized:
    """(1)-(3) for the whole batch."""
    centered, std, _ = _moments(advantage, ddof, std_min)
    return Standardized(centered / std)


@contract.vectorized
def vjp(cotangent: Standardized, advantage, *, ddof, std_min) -> Gradient:
    """Through the numerator of (3), less the mean of that; and through sigma, where it is above its floor."""
    centered, std, above = _moments(advantage, ddof, std_min)
    by_centered = cotangent.advantage / std
    gradient = by_centered - by_centered.mean()
    if above:
        out = centered / std
        gradient -= out * (np.sum(by_centered * out) / (advantage.size - ddof))
    return Gradient(gradient)


def _moments(advantage, ddof, std_min):
    if advantage.size <= ddof:
        raise ValueError(f"advantage: expected more than ddof = {ddof} elements, got {advantage.size}")
    centered = advantage - advantage.mean()                                      # (1)
    variance = np.sum(centered * centered) / (advantage.size - ddof)             # (2)
    above = variance > std_min * std_min
    return centered, np.sqrt(variance) if above else std_min, above
