"""Known mistakes, and conventions taken for one another, in the losses of Dreamer's world model."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import gradient_mistake, mistake
from rlref.conformance.mistakes.ends import ahead

DISTRIBUTIONS = ("prior_mean", "prior_std", "posterior_mean", "posterior_std")


def divergence(right, x, **other):
    """loss_model_kl of other distributions or settings, beside the right other terms."""
    return right(**x)._replace(loss_model_kl=right(**x | other).loss_model_kl)


def of_each(right, x):
    """loss_model_kl of every latent feature as if it were a sample, [T, *B, D]."""
    latents = x["prior_std"].shape[-1]
    apart = {name: x[name][..., None] for name in DISTRIBUTIONS}
    apart |= {name: np.stack([x[name]] * latents, axis=x["reward"].ndim)
              for name in ("observation", "reco_observation", "reward", "reco_reward")}
    return right(**x | apart).loss_model_kl


# The divergence


@mistake("the prior and the posterior are in each other's place", "https://github.com/danijar/dreamerv2/issues/4")
def kl_argument_reversed_dreamer(right, x):
    swapped = dict(zip(DISTRIBUTIONS, (x[name] for name in (*DISTRIBUTIONS[2:], *DISTRIBUTIONS[:2])), strict=True))
    return divergence(right, x, **swapped)


@mistake("the divergence is averaged over the latent features, not summed",
         "https://github.com/mkusner/grammarVAE/issues/2")
def kl_averaged_over_features(right, x):
    count = 1 if x["global_average"] else x["prior_std"].shape[-1]
    return divergence(right, x, lambda_kl=x["lambda_kl"] / count, free_nats=x["free_nats"] * count)


@mistake("the constant -1/2 is missing, so that equal distributions have a divergence",
         "https://github.com/paruby/FactorVAE/issues/1")
def kl_constant_missing(right, x):
    # One more 1/2 a feature: what the mean of the posterior adds where it is one deviation further away, squared.
    shift = (x["posterior_mean"] - x["prior_mean"]) / x["prior_std"]
    return divergence(right, x, posterior_mean=x["prior_mean"] + x["prior_std"] * np.sqrt(shift**2 + 1))


@mistake("one term is not halved: the squared distance of the means counts twice",
         "https://github.com/google-deepmind/torch-distributions/pull/34")
def kl_distance_not_halved(right, x):
    shift = x["posterior_mean"] - x["prior_mean"]
    return divergence(right, x, posterior_mean=x["prior_mean"] + np.sqrt(2) * shift)


@mistake("the -1 of every feature is taken off once for all of them",
         "https://github.com/google-deepmind/rlax/commit/8cd6aa60be8bec549cd0db58aed0555089fc05ca")
def kl_to_standard_normal_minus_one(right, x):
    latents = x["prior_std"].shape[-1]
    if x["global_average"]:
        return right(**x)
    shift = (x["posterior_mean"] - x["prior_mean"]) / x["prior_std"]
    missing = np.sqrt(shift**2 + (latents - 1) / latents)
    return divergence(right, x, posterior_mean=x["prior_mean"] + x["prior_std"] * missing)


@mistake("what is a deviation is taken for a variance: sigma in the place of sigma^2",
         "https://github.com/hill-a/stable-baselines/issues/1058")
def gaussian_logp_std_not_variance(right, x):
    return divergence(right, x, prior_std=np.sqrt(x["prior_std"]), posterior_std=np.sqrt(x["posterior_std"]))


@mistake("what is a deviation is taken for its logarithm", "https://github.com/hill-a/stable-baselines/issues/1058")
def std_exponentiated_twice(right, x):
    return divergence(right, x, **{name: np.exp(np.minimum(x[name], 50.0)) for name in ("prior_std", "posterior_std")})


# Free nats


@mistake("a convention: the mean is clamped, where every divergence should be, or the reverse",
         "https://github.com/danijar/dreamer/issues/44")
def free_nats_per_element_vs_mean(right, x):
    return divergence(right, x, delayed_clamp=not x["delayed_clamp"])


@mistake("every latent feature has its own free nats, and what is left of each is summed",
         "https://github.com/pytorch/rl/pull/4073")
def free_nats_per_categorical(right, x):
    if x["global_average"]:
        return right(**x)
    return right(**x)._replace(loss_model_kl=of_each(right, x).sum(axis=-1))


@mistake("a convention: max(kl - free_nats, 0), which has the same derivative",
         "https://github.com/danijar/dreamer/issues/45")
def free_nats_offset(right, x):
    result = right(**x)
    return result._replace(loss_model_kl=result.loss_model_kl - x["lambda_kl"] * x["free_nats"])


@mistake("there are no free nats", "folklore")
def free_nats_ignored(right, x):
    return divergence(right, x, free_nats=0.0)


@mistake("the free nats are a ceiling, not a floor", "folklore")
def free_nats_are_ceiling(right, x):
    result, free = right(**x), right(**x | {"free_nats": 0.0}).loss_model_kl
    return result._replace(loss_model_kl=np.minimum(free, x["lambda_kl"] * x["free_nats"]))


@mistake("the free nats are taken of the weighed divergence: max(lambda_kl kl, free_nats)", "folklore")
def free_nats_after_weight(right, x):
    weight = x["lambda_kl"] or 1.0
    result = divergence(right, x, free_nats=x["free_nats"] / weight)
    return result if x["lambda_kl"] else result._replace(loss_model_kl=np.full_like(result.loss_model_kl,
                                                                                   x["free_nats"]))


# Reconstruction and reward


@mistake("the squares are averaged over the observation's features, not summed, where only samples should be averaged",
         "https://github.com/rail-berkeley/rlkit/issues/119")
def reconstruction_averaged_over_features(right, x):
    return right(**x)._replace(loss_model_reco=right(**x | {"global_average": True}).loss_model_reco)


@mistake("the squares are summed over samples too: an axis of features is taken for three", "folklore")
def reconstruction_summed_over_samples(right, x):
    result = right(**x)
    summed = np.full_like(result.loss_model_reco, result.loss_model_reco.sum())
    return result if x["global_average"] else result._replace(loss_model_reco=summed)


@mistake("a convention: squares are halved, the log-likelihood at variance 1", "folklore")
def likelihood_of_variance_one(right, x):
    result = right(**x)
    return result._replace(loss_model_reco=result.loss_model_reco / 2, loss_model_reward=result.loss_model_reward / 2)


@mistake("the predicted reward is compared with that of the next step",
         "https://github.com/danijar/dreamerv2/issues/27")
def reward_time_alignment(right, x):
    return right(**x | {"reward": ahead(x["reward"], x["reward"][-1])})


# Gradients


@gradient_mistake("the prior is held still: only the posterior is moved", "folklore")
def prior_gradient_stopped(right, cotangent, x):
    gradient = right(cotangent, **x)
    stopped = {name: np.zeros_like(x[name]) for name in DISTRIBUTIONS[:2]}
    return gradient._replace(loss_model_kl=gradient.loss_model_kl._replace(**stopped))


@gradient_mistake("the posterior is held still: only the prior is moved", "folklore")
def posterior_gradient_stopped(right, cotangent, x):
    gradient = right(cotangent, **x)
    stopped = {name: np.zeros_like(x[name]) for name in DISTRIBUTIONS[2:]}
    return gradient._replace(loss_model_kl=gradient.loss_model_kl._replace(**stopped))


@gradient_mistake("the derivative passes below the free nats, as if they only changed the value", "folklore")
def free_nats_straight_through(right, cotangent, x):
    return right(cotangent, **x | {"free_nats": 0.0})
