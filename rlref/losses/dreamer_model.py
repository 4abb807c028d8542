"""Dreamer's world model: a divergence with free nats, and two squared errors.

    kl_d        = ((sigma_q/sigma_p)^2 + ((mu_q - mu_p)/sigma_p)^2 - 1)/2 + log sigma_p - log sigma_q   (1)
    x           = kl_1, ..., kl_D if global_average, else sum_d kl_d; if delayed_clamp, the mean of all (2)
    loss_kl     = lambda_kl mean(max(x, free_nats))                                                     (3)
    loss_reco   = lambda_reco sum_o (o^_o - o_o)^2; if global_average, the mean over o                  (4)
    loss_reward = lambda_reward (r^ - r)^2                                                              (5)

Source    Hafner et al. 2020, arXiv:1912.01603, section 4, the equation of J_REC: lambda_kl is its beta; (4) and (5) are
          minus its log-likelihoods, less a constant, at variance 1/2; at 1, as in danijar/dreamer, they are half of it.
          Appendix A, in words: the free nats, not whether delayed. The authors had it both ways (danijar/dreamer#53).
Masks     None: pass the samples that count. Delayed, (2) is over all of them. The means over them are TorchRL's losses.
Trains    loss_model_kl prior and posterior alike; loss_model_reco and loss_model_reward what they predict.
Ties      At free_nats the derivative is that of the divergence. Free nats of 0 clamp nothing.
Limits    posterior = prior: x = 0.  free_nats = 0: delayed_clamp does not change the mean over samples.
TorchRL   DreamerModelLoss, reco_loss = reward_loss = "l2". Its (4) sums over three axes: right for images only.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract
from rlref.distributions import _normal_kl
from rlref.losses import _last_axis
from rlref.scalars import log


class DreamerModel(NamedTuple):  # three terms, [T, *B]
    loss_model_kl: np.ndarray
    loss_model_reco: np.ndarray
    loss_model_reward: np.ndarray


class LossModelKl(NamedTuple):  # what loss_model_kl trains
    prior_mean: np.ndarray
    prior_std: np.ndarray
    posterior_mean: np.ndarray
    posterior_std: np.ndarray


class LossModelReco(NamedTuple):  # what loss_model_reco trains
    reco_observation: np.ndarray


class LossModelReward(NamedTuple):  # what loss_model_reward trains
    reco_reward: np.ndarray


class Gradient(NamedTuple):  # the derivative of each term by what it trains
    loss_model_kl: LossModelKl
    loss_model_reco: LossModelReco
    loss_model_reward: LossModelReward


@contract.per_batch
def loop(prior_mean, prior_std, posterior_mean, posterior_std, observation, reco_observation, reward, reco_reward, *,
         lambda_kl, lambda_reco, lambda_reward, free_nats, delayed_clamp, global_average) -> DreamerModel:
    """(1)-(5), each for all samples in turn."""
    kl = [[(u / s * (u / s) + (n - m) / s * ((n - m) / s) - 1) / 2 + (log(s) - log(u))
           for m, s, n, u in zip(*sample, strict=True)]                                        # (1)
          for sample in zip(prior_mean, prior_std, posterior_mean, posterior_std, strict=True)]
    x = kl if global_average else [[sum(numbers)] for numbers in kl]
    x = [[sum(map(sum, x)) / (len(x) * len(x[0]))]] * len(x) if delayed_clamp else x           # (2)
    clamped = [[free_nats if free_nats > 0 and one < free_nats else one for one in numbers] for numbers in x]
    loss_kl = [lambda_kl * sum(numbers) / len(numbers) if lambda_kl > 0 else 0 for numbers in clamped]  # (3)
    squares = [[lambda_reco * (y - o) * (y - o) for o, y in zip(*sample, strict=True)]
               for sample in zip(observation, reco_observation, strict=True)]
    loss_reco = [sum(numbers) / len(numbers) if global_average else sum(numbers) for numbers in squares]  # (4)
    loss_reward = [lambda_reward * (y - r) * (y - r) for r, y in zip(reward, reco_reward, strict=True)]  # (5)
    return DreamerModel(loss_kl, loss_reco, loss_reward)


@contract.vectorized
@np.errstate(over="ignore")
def vectorized(prior_mean, prior_std, posterior_mean, posterior_std, observation, reco_observation, reward, reco_reward,
               *, lambda_kl, lambda_reco, lambda_reward, free_nats, delayed_clamp, global_average) -> DreamerModel:
    """(1)-(5) for the whole batch."""
    x = _normal_kl.value(prior_mean, prior_std, posterior_mean, posterior_std, summed=not global_average)  # (1)
    x = np.full_like(x, x.mean()) if delayed_clamp else x                                      # (2)
    clamped = _last_axis.total(np.maximum(x, free_nats or -np.inf)) / x.shape[-1]
    error, features = reco_observation - observation, observation.shape[-1] if global_average else 1
    return DreamerModel(lambda_kl * clamped if lambda_kl > 0 else np.zeros_like(reward),       # (3)
                        _last_axis.total(lambda_reco * error * error) / features,              # (4)
                        lambda_reward * (reco_reward - reward) * (reco_reward - reward))       # (5)


@contract.vectorized
def vjp(cotangent: DreamerModel, prior_mean, prior_std, posterior_mean, posterior_std, observation, reco_observation,
        reward, reco_reward, *, lambda_kl, lambda_reco, lambda_reward, free_nats, delayed_clamp,
        global_average) -> Gradient:
    """To the divergences that are not below the free nats, to all alike if the clamp is delayed; and to the errors."""
    x = _normal_kl.value(prior_mean, prior_std, posterior_mean, posterior_std, summed=not global_average)
    by_x = lambda_kl * cotangent.loss_model_kl[..., None] / x.shape[-1]
    x, by_x = (x.mean(), by_x.mean()) if delayed_clamp else (x, by_x)
    by_kl = np.where(x >= (free_nats or -np.inf), by_x, 0.0)
    by_square = lambda_reco * cotangent.loss_model_reco[..., None] / (observation.shape[-1] if global_average else 1)
    return Gradient(LossModelKl(*_normal_kl.pull(by_kl, prior_mean, prior_std, posterior_mean, posterior_std)),
                    LossModelReco(2 * _normal_kl.spread(by_square, observation) * (reco_observation - observation)),
                    LossModelReward(2 * lambda_reward * cotangent.loss_model_reward * (reco_reward - reward)))
