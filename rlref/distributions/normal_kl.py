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
from rlref.distributions import _normal_kl
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
def vectorized(loc, scale, other_loc, other_scale) -> KL:
    """(1), for all samples at once."""
    return KL(_normal_kl.value(other_loc, other_scale, loc, scale, summed=True)[..., 0])  # (1)


@contract.vectorized
def vjp(cotangent: KL, loc, scale, other_loc, other_scale) -> Gradient:
    """By the shift and by the ratio of the deviations."""
    by_other_loc, by_other_scale, by_loc, by_scale = _normal_kl.pull(
        cotangent.kl[..., None], other_loc, other_scale, loc, scale)
    return Gradient(by_loc, by_scale, by_other_loc, by_other_scale)
