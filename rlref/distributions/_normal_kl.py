"""The divergence KL(q || p) of two normal distributions from their means and deviations, and its derivatives.

In place where it can be: for a large batch, finding new memory takes longer than the arithmetic. And without NumPy's
loops over a short last axis, one for each sample: they take four times as long as einsum and ``spread``.
"""

import numpy as np

LARGEST = np.finfo(float).max


def spread(x, like) -> np.ndarray:
    """``x``, whose last axis may have one element, in the shape of ``like``."""
    return np.repeat(x, like.shape[-1], axis=-1) if np.shape(x)[-1:] == (1,) else np.broadcast_to(x, like.shape)


def value(prior_mean, prior_std, posterior_mean, posterior_std, summed: bool) -> np.ndarray:
    """((sigma_q/sigma_p)^2 + ((mu_q - mu_p)/sigma_p)^2 - 1)/2 + log sigma_p - log sigma_q.

    One for each feature; ``summed``: one for all of them, which the last axis is left for.
    """
    with np.errstate(over="ignore"):
        found, shift = posterior_std / prior_std, posterior_mean - prior_mean
        shift /= prior_std
        found *= found
        shift *= shift
        found += shift
        found -= 1
        found /= 2
        logs = np.log(prior_std, out=shift)
        logs -= np.log(posterior_std)
        found += logs
        return np.einsum("...d->...", found)[..., None] if summed else found


def pull(cotangent, prior_mean, prior_std, posterior_mean, posterior_std) -> tuple[np.ndarray, ...]:
    """The cotangent, of each feature or of their sum, times the derivative by each argument, in their order.

    ratio^2 - 1 is (ratio - 1) (ratio + 1): nothing is lost where the deviations are nearly equal. The cotangent comes
    first in each product, and no factor is infinite, so that what is not asked for is 0 however large the rest.
    """
    cotangent = spread(cotangent, prior_std)
    with np.errstate(over="ignore"):
        less, shift = posterior_std - prior_std, posterior_mean - prior_mean
        less /= prior_std  # ratio - 1
        shift /= prior_std
        np.minimum(less, LARGEST, out=less)
        np.clip(shift, -LARGEST, LARGEST, out=shift)
        by_mean = cotangent / prior_std
        by_mean *= shift
        by_prior_std = cotangent * less
        by_posterior_std = by_prior_std / posterior_std
        less += 2  # ratio + 1
        by_posterior_std *= less
        by_prior_std /= prior_std
        by_prior_std *= less
        shift *= by_mean
        by_prior_std += shift
        return -by_mean, -by_prior_std, by_mean, by_posterior_std
