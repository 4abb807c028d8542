"""The divergence KL(q || p) of two normal distributions from their means and deviations, element by element."""

import numpy as np


def value(prior_mean, prior_std, posterior_mean, posterior_std) -> np.ndarray:
    """((sigma_q/sigma_p)^2 + ((mu_q - mu_p)/sigma_p)^2 - 1)/2 + log sigma_p - log sigma_q."""
    with np.errstate(over="ignore"):
        ratio, shift = posterior_std / prior_std, (posterior_mean - prior_mean) / prior_std
        return (ratio * ratio + shift * shift - 1) / 2 + (np.log(prior_std) - np.log(posterior_std))


def pull(cotangent, prior_mean, prior_std, posterior_mean, posterior_std) -> tuple[np.ndarray, ...]:
    """The cotangent times the derivative by each argument, in their order.

    ratio^2 - 1 is taken apart: nothing is lost where the deviations are nearly equal. The cotangent comes first in each
    product, so that what is not asked for is 0 however large the rest.
    """
    with np.errstate(over="ignore"):
        less_one, shift = (posterior_std - prior_std) / prior_std, (posterior_mean - prior_mean) / prior_std
        by_mean = cotangent / prior_std * shift
        by_prior_std = -(cotangent * less_one / prior_std * (less_one + 2) + by_mean * shift)
        by_posterior_std = cotangent * less_one / posterior_std * (less_one + 2)
        return -by_mean, by_prior_std, by_mean, by_posterior_std
