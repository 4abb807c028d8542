"""PPO with a penalty on the divergence from the old policy, and its weight adapted.

    log r          = log pi(a|s) - log pi_old(a|s)                               (1)
    loss_objective = -r A + beta KL(pi_old(.|s), pi(.|s))                        (2)
    loss_entropy   = -c_2 H(pi(.|s))                                             (3)
    loss_critic    = c_1 d(V(s) - G)                                             (4)
    kl_approx      = -log r                                                      (5)
    next_beta      = increment beta, if the mean KL of the batch is above 1.5 d_targ;
                     decrement beta, if it is below d_targ / 1.5; else beta      (6)

Source    Schulman et al. 2017, arXiv:1707.06347v2, eq. 8 for (2); eq. 9 for (3) and (4), where d is the square;
          section 4 for (6), with the factors 2 and 1/2, once per policy update. (5): see losses/ppo.
Masks     None: one loss a sample; reduction selects and averages. Pass the samples that count: (6) averages over all.
Ties      At 1.5 d_targ and at d_targ / 1.5 beta stays. At A = 0 r A and its derivative are 0, whatever r is.
Trains    loss_objective: log_prob and kl. loss_entropy: entropy. loss_critic: state_value. Value and gradient have the
          beta that was passed in; next_beta is for the next update.
Limits    beta = 0: losses/ppo, and beta stays 0. What float64 cannot hold, such as r A, is inf.
TorchRL   KLPENPPOLoss. Every forward replaces its beta, padding included, and the backward after it has the new one.
          normalize_advantage is returns/standardize, upstream of A; clip_value is losses/clipped_value.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract
from rlref.losses import _policy
from rlref.scalars import distance, exp, log


class KLPenaltyPPO(NamedTuple):  # three terms and kl_approx, [T, *B]; next_beta of the batch
    loss_objective: np.ndarray
    loss_entropy: np.ndarray
    loss_critic: np.ndarray
    kl_approx: np.ndarray
    next_beta: np.ndarray


class LossObjective(NamedTuple):  # what loss_objective trains
    log_prob: np.ndarray
    kl: np.ndarray


class LossEntropy(NamedTuple):  # what loss_entropy trains
    entropy: np.ndarray


class LossCritic(NamedTuple):  # what loss_critic trains
    state_value: np.ndarray


class Gradient(NamedTuple):  # the derivative of each term by what it trains
    loss_objective: LossObjective
    loss_entropy: LossEntropy
    loss_critic: LossCritic


@contract.per_batch
def loop(log_prob, sample_log_prob, advantage, entropy, state_value, value_target, kl, *,
         beta, dtarg, increment, decrement, entropy_coeff, critic_coeff, loss_function) -> KLPenaltyPPO:
    """(1)-(6), each for all samples in turn."""
    log_r = [new - old for new, old in zip(log_prob, sample_log_prob, strict=True)]  # (1)
    loss_objective, loss_critic = [], []
    for x, a, k, v, g in zip(log_r, advantage, kl, state_value, value_target, strict=True):
        root = exp(x / 2) if x > log(0) else 0                                   # r may overflow where r A does not
        loss_objective.append(beta * k - (root * a * root if a != 0 else 0))     # (2)
        loss_critic.append(critic_coeff * distance(v - g, loss_function) if critic_coeff != 0 else 0)  # (4)
    mean = sum(kl) / len(kl)
    factor = increment if mean > 1.5 * dtarg else decrement if mean < dtarg / 1.5 else 1  # (6)
    return KLPenaltyPPO(loss_objective, [-entropy_coeff * h for h in entropy], loss_critic,  # (3)
                        [-x for x in log_r], factor * beta)                      # (5)


@contract.vectorized
@np.errstate(over="ignore")
def vectorized(log_prob, sample_log_prob, advantage, entropy, state_value, value_target, kl, *,
               beta, dtarg, increment, decrement, entropy_coeff, critic_coeff, loss_function) -> KLPenaltyPPO:
    """(1)-(6) for the whole batch."""
    log_r = log_prob - sample_log_prob                                           # (1)
    loss_critic = _policy.critic(state_value, value_target, critic_coeff, loss_function)  # (4)
    mean = kl.mean()
    factor = increment if mean > 1.5 * dtarg else decrement if mean < dtarg / 1.5 else 1.0  # (6)
    return KLPenaltyPPO(beta * kl - _policy.weighted(log_r, advantage), -entropy_coeff * entropy, loss_critic, -log_r,
                        np.array(factor * beta))


@contract.vectorized
@np.errstate(over="ignore")
def vjp(cotangent: KLPenaltyPPO, log_prob, sample_log_prob, advantage, entropy, state_value, value_target, kl, *,
        beta, dtarg, increment, decrement, entropy_coeff, critic_coeff, loss_function) -> Gradient:
    """-r A by log pi, and by the divergence the beta that was passed in; the rest as in losses/ppo."""
    by_log_prob = -_policy.weighted(log_prob - sample_log_prob, advantage, cotangent.loss_objective)
    slope = _policy.critic_slope(state_value, value_target, critic_coeff, loss_function)
    return Gradient(LossObjective(by_log_prob, beta * cotangent.loss_objective),
                    LossEntropy(-entropy_coeff * cotangent.loss_entropy), LossCritic(cotangent.loss_critic * slope))
