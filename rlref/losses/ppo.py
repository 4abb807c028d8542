"""PPO without a clip: the importance-weighted objective, entropy bonus and critic.

    log r          = log pi(a|s) - log pi_old(a|s)                               (1)
    loss_objective = -r A                                                        (2)
    loss_entropy   = -c_2 H(pi(.|s))                                             (3)
    loss_critic    = c_1 d(V(s) - G)                                             (4)
    kl_approx      = -log r                                                      (5)
    ESS            = (sum r)^2 / (n sum r^2), over all n samples of the batch    (6)

Source    Schulman et al. 2017, arXiv:1707.06347v2, eq. 6 for (2); eq. 9 for (3) and (4), where d is the square;
          Schulman 2020, joschu.net/blog/kl-approx.html, k1, for (5); Elvira et al. 2018, arXiv:1809.04129, for n x (6).
Masks     None: one loss a sample; reduction selects and averages.
Ties      At A = 0 the objective and its derivative are 0, even where r is beyond float64.
Trains    loss_objective: log_prob. loss_entropy: entropy. loss_critic: state_value. A and G are constants here.
Limits    r = 1: loss_objective = -A, its gradient is A2C's, kl_approx = 0, ESS = 1. One r above all others: ESS = 1/n.
          log pi = -inf: r = 0. All r equal, be it to 0: ESS = 1. What float64 cannot hold, such as r A, is inf.
TorchRL   PPOLoss: c_2 = 0.01, c_1 = 1, d = smooth_l1 by default. It gives the mean of kl_approx; ESS is ClipPPOLoss's.
          normalize_advantage is returns/standardize, upstream of A; clip_value is losses/clipped_value.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract
from rlref.losses import _policy
from rlref.scalars import distance, exp, log


class PPO(NamedTuple):  # three terms and kl_approx, [T, *B]; ESS of the batch
    loss_objective: np.ndarray
    loss_entropy: np.ndarray
    loss_critic: np.ndarray
    kl_approx: np.ndarray
    ESS: np.ndarray


class LossObjective(NamedTuple):  # what loss_objective trains
    log_prob: np.ndarray


class LossEntropy(NamedTuple):  # what loss_entropy trains
    entropy: np.ndarray


class LossCritic(NamedTuple):  # what loss_critic trains
    state_value: np.ndarray


class Gradient(NamedTuple):  # the derivative of each term by what it trains
    loss_objective: LossObjective
    loss_entropy: LossEntropy
    loss_critic: LossCritic


@contract.per_batch
def loop(log_prob, sample_log_prob, advantage, entropy, state_value, value_target, *,
         entropy_coeff, critic_coeff, loss_function) -> PPO:
    """(1)-(6), each for all samples in turn."""
    log_r = [new - old for new, old in zip(log_prob, sample_log_prob, strict=True)]  # (1)
    loss_objective, loss_critic = [], []
    for x, a, v, g in zip(log_r, advantage, state_value, value_target, strict=True):
        root = exp(x / 2) if x > log(0) else 0                                   # r may overflow where r A does not
        loss_objective.append(-(root * a * root) if a != 0 else 0)               # (2)
        loss_critic.append(critic_coeff * distance(v - g, loss_function) if critic_coeff != 0 else 0)  # (4)
    largest = max(log_r)
    w = [exp(x - largest) if x < largest else 1 for x in log_r]                  # r, relative to the largest
    return PPO(loss_objective, [-entropy_coeff * h for h in entropy], loss_critic, [-x for x in log_r],  # (3), (5)
               sum(w) * sum(w) / (len(w) * sum(y * y for y in w)))               # (6)


@contract.vectorized
@np.errstate(over="ignore")
def vectorized(log_prob, sample_log_prob, advantage, entropy, state_value, value_target, *,
               entropy_coeff, critic_coeff, loss_function) -> PPO:
    """(1)-(6) for the whole batch."""
    log_r = log_prob - sample_log_prob                                           # (1)
    loss_critic = _policy.critic(state_value, value_target, critic_coeff, loss_function)  # (4)
    return PPO(-_policy.weighted(log_r, advantage), -entropy_coeff * entropy, loss_critic, -log_r, _policy.ess(log_r))


@contract.vectorized
@np.errstate(over="ignore")
def vjp(cotangent: PPO, log_prob, sample_log_prob, advantage, entropy, state_value, value_target, *,
        entropy_coeff, critic_coeff, loss_function) -> Gradient:
    """-r A by log pi, as dr / d log pi = r; -c_2 by the entropy; c_1 times the slope of the distance by V."""
    by_log_prob = -_policy.weighted(log_prob - sample_log_prob, advantage, cotangent.loss_objective)
    slope = _policy.critic_slope(state_value, value_target, critic_coeff, loss_function)
    return Gradient(LossObjective(by_log_prob), LossEntropy(-entropy_coeff * cotangent.loss_entropy),
                    LossCritic(cotangent.loss_critic * slope))
