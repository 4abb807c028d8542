"""A sample of independent normal distributions, as a differentiable function of their parameters.

    x_d = mu_d + sigma_d epsilon_d                                               (1)

Source    Kingma & Welling 2014, arXiv:1312.6114, eq. 10 (there z = mu + sigma epsilon).
Masks     None. Every dimension has its own noise.
Trains    The mean and the deviation. The noise is drawn, not trained.
Limits    sigma to 0: the mean.  mu = 0, sigma = 1: the noise.
TorchRL   IndependentNormal.rsample, which is that of Independent(Normal(loc, scale), 1) of torch.distributions.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract


class Sample(NamedTuple):
    """What is sampled, [T, *B, D]."""

    sample: np.ndarray


class Gradient(NamedTuple):
    """The derivative by mean and deviation, [T, *B, D]."""

    loc: np.ndarray
    scale: np.ndarray


@contract.per_sample
def loop(noise, loc, scale) -> Sample:
    """(1), for one sample, one dimension at a time."""
    return Sample([mu + sigma * epsilon for epsilon, mu, sigma in zip(noise, loc, scale, strict=True)])  # (1)


@contract.vectorized
def vectorized(noise, loc, scale) -> Sample:
    """(1), for all samples at once."""
    return Sample(loc + scale * noise)                                           # (1)


@contract.vectorized
def vjp(cotangent: Sample, noise, loc, scale) -> Gradient:
    """1 by the mean, epsilon by the deviation."""
    return Gradient(cotangent.sample.copy(), cotangent.sample * noise)
