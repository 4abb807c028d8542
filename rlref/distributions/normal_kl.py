"""The divergence of one set of independent normal distributions from another, KL(p || q).

    KL = sum_d ((sigma_d / sigma'_d)^2 + ((mu_d - mu'_d) / sigma'_d)^2 - 1) / 2 + log sigma'_d - log sigma_d   (1)

p has mean mu and deviation sigma, q has mu' and sigma'.

Source    Bishop 2006, Pattern Recognition and Machine Learning, eq. 1.113, an integral, which (1) solves for two
          normal distributions.
Masks     None.
Limits    p = q: 0, and so are all derivatives.  One dimension far off: only that one counts.
TorchRL   kl_divergence of torch.distributions, for two IndependentNormal, or two TanhNormal with the same bounds:
          what maps both alike changes no divergence.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract
from rlref.distributions._outputs import KL
from rlref.scalars import log


class Gradient(NamedTuple):
    """The derivative by each differentiable input, [T, *B, D]."""

    loc: np.ndarray
    scale: np.ndarray
    other_loc: np.ndarray
    other_scale: np.ndarray


@contract.per_sample
def loop(loc, scale, other_loc, other_scale) -> KL:
    """(1), for one sample, one dimension at a time."""
    kl = 0
    for mu, sigma, nu, tau in zip(loc, scale, other_loc, other_scale, strict=True):
        ratio, shift = sigma / tau, (mu - nu) / tau
        kl = kl + (ratio * ratio + shift * shift - 1) / 2 + log(tau) - log(sigma)  # (1)
    return KL(kl)


@contract.vectorized
@np.errstate(over="ignore")
def vectorized(loc, scale, other_loc, other_scale) -> KL:
    """(1), for all samples at once."""
    ratio, shift = scale / other_scale, (loc - other_loc) / other_scale
    return KL(np.sum((ratio * ratio + shift * shift - 1) / 2 + np.log(other_scale) - np.log(scale), axis=-1))  # (1)


@contract.vectorized
@np.errstate(over="ignore")
def vjp(cotangent: KL, loc, scale, other_loc, other_scale) -> Gradient:
    """By the shift and by the ratio; ratio^2 - 1 in factors, so that nothing is lost near a ratio of 1."""
    largest = np.finfo(float).max  # so that 0 times a ratio or a shift is 0
    ratio, shift = np.minimum(scale / other_scale, largest), np.clip((loc - other_loc) / other_scale, -largest, largest)
    by_loc = cotangent.kl[..., None] / other_scale * shift
    by_ratio = cotangent.kl[..., None] * (ratio - 1.0)
    by_other_scale = -(by_ratio / other_scale * (ratio + 1.0) + by_loc * shift)
    return Gradient(by_loc, by_ratio / scale * (ratio + 1.0), -by_loc, by_other_scale)
