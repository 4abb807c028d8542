"""Distributions of actions: ``from rlref.distributions import tanh_normal; tanh_normal.sample(rng, loc, scale)``.

The mathematics are pages, one for each quantity (``normal_log_prob``, ``tanh_normal_rsample``, ...), each with its
loop, its vectorized form and its derivative. Beside them stand five modules that compose pages, with the same names:

    normal, tanh_normal, categorical, one_hot_categorical, delta

    log_prob(sample, *parameters)            [T, *B]
    entropy(*parameters), kl(*parameters, *those of the other)
    sample(rng, *parameters), mode(*parameters)
    rsample(rng, *parameters)                Draw(sample, log_prob, noise)

What can be differentiated has a derivative called like it, f and ``f_vjp``, as on pages and in backends: given the
derivative of a final scalar by what f gives, and the arguments of f, ``f_vjp`` gives that by each of these, by name.
For what is random, ``rsample_vjp((by_sample, by_log_prob), noise, *parameters)`` is given the noise in place of rng;
so is ``entropy_vjp`` of tanh_normal, whose ``entropy(rng, *parameters, samples=1)`` is an Estimate(entropy, noise).

    draw = tanh_normal.rsample(rng, loc, scale)
    by = tanh_normal.rsample_vjp((by_action, by_log_prob), draw.noise, loc, scale)     # by.loc, by.scale

``rng`` is a numpy.random.Generator. Arrays are [T, *B, ...], float64; errors name the argument, as those of pages do.
"""

from rlref.distributions import (
    categorical,
    categorical_entropy,
    categorical_kl,
    categorical_log_prob,
    delta,
    normal,
    normal_entropy,
    normal_kl,
    normal_log_prob,
    normal_rsample,
    one_hot_categorical,
    tanh_loc,
    tanh_normal,
    tanh_normal_log_prob,
    tanh_normal_rsample,
)

__all__ = [
    "categorical",
    "categorical_entropy",
    "categorical_kl",
    "categorical_log_prob",
    "delta",
    "normal",
    "normal_entropy",
    "normal_kl",
    "normal_log_prob",
    "normal_rsample",
    "one_hot_categorical",
    "tanh_loc",
    "tanh_normal",
    "tanh_normal_log_prob",
    "tanh_normal_rsample",
]
