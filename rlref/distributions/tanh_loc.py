"""Location scaling: a mean that stays near 0, so that what squashes the sample does not saturate.

    mu'_d = c tanh(mu_d / c)                                                     (1)

Source    Bou et al. 2023, arXiv:2306.00577, is the library; (1) is in the documentation of its TanhNormal, no equation
          there has a number.
Masks     None.
Limits    c to infinity: mu.  |mu| far above c: c with the sign of mu.  At mu = 0 the derivative is 1.
TorchRL   tanh_loc=True, upscale=c of TanhNormal. With bounds other than -1 and 1 it adds the middle of the bounds to
          mu', before the tanh that they belong behind; with IndependentNormal the constructor leaves (1) out.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract
from rlref.distributions import _tanh
from rlref.scalars import tanh


class ScaledLocation(NamedTuple):
    """The mean near 0, [T, *B, D]."""

    loc: np.ndarray


class Gradient(NamedTuple):
    """The derivative by the mean as it was, [T, *B, D]."""

    loc: np.ndarray


@contract.per_sample
def loop(loc, *, upscale) -> ScaledLocation:
    """(1), for one sample, one dimension at a time."""
    return ScaledLocation([upscale * tanh(mu / upscale) for mu in loc])          # (1)


@contract.vectorized
def vectorized(loc, *, upscale) -> ScaledLocation:
    """(1), for all samples at once."""
    return ScaledLocation(upscale * np.tanh(loc / upscale))                      # (1)


@contract.vectorized
def vjp(cotangent: ScaledLocation, loc, *, upscale) -> Gradient:
    """1 - tanh(mu / c)^2."""
    return Gradient(cotangent.loc * _tanh.slope(loc / upscale))
