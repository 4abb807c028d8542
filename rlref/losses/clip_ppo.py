"""PPO with a clipped ratio.

    log r          = log pi(a|s) - log pi_old(a|s)                               (1)
    loss_objective = -min(r A, clip(r, 1 - eps_low, 1 + eps_high) A)             (2)
    loss_entropy   = -c_2 H(pi(.|s))                                             (3)
    loss_critic    = c_1 d(V(s) - G)                                             (4)
    kl_approx      = -log r                                                      (5)
    clip_fraction  = 1 where clip(r) is not r, whatever A is; else 0             (6)
    ESS            = (sum r)^2 / (n sum r^2), over all n samples of the batch    (7)

Source    Schulman et al. 2017, arXiv:1707.06347v2, eq. 7 for (2) with one eps; eq. 9 for (3) and (4), where d is the
          square. Yu et al. 2025, arXiv:2503.14476, section 3.1, for two. (5), (7): see losses/ppo.
Masks     None: one loss a sample; reduction selects and averages.
Ties      At r = 1 - eps_low and at r = 1 + eps_high nothing is clipped: derivative -r A. At A = 0: 0, whatever r is.
Trains    loss_objective: log_prob. loss_entropy: entropy. loss_critic: state_value. A and G are constants here.
Limits    Where A > 0, r > 1 + eps_high or A < 0, r < 1 - eps_low it is flat, and finite for any r; else as losses/ppo.
TorchRL   ClipPPOLoss: means of (5) and (6), and (7) by column of the first axis. normalize_advantage is
          returns/standardize, upstream of A; clip_value is losses/clipped_value.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract
from rlref.losses import _policy
from rlref.scalars import distance, exp, log


class ClipPPO(NamedTuple):  # three terms, kl_approx and clip_fraction, [T, *B]; ESS of the batch
    loss_objective: np.ndarray
    loss_entropy: np.ndarray
    loss_critic: np.ndarray
    kl_approx: np.ndarray
    clip_fraction: np.ndarray
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
         clip_epsilon, entropy_coeff, critic_coeff, loss_function) -> ClipPPO:
    """(1)-(7), each for all samples in turn."""
    low, high = clip_epsilon
    log_r = [new - old for new, old in zip(log_prob, sample_log_prob, strict=True)]  # (1)
    loss_objective, loss_critic, clip_fraction = [], [], []
    for x, a, v, g in zip(log_r, advantage, state_value, value_target, strict=True):
        above, below = x > log(1 + high), low < 1 and x < log(1 - low)
        if (above and a > 0) or (below and a < 0):
            loss_objective.append(-(1 + high if above else 1 - low) * a)         # (2)
        else:
            root = exp(x / 2) if x > log(0) else 0                               # r may overflow where r A does not
            loss_objective.append(-(root * a * root) if a != 0 else 0)
        clip_fraction.append(1 if above or below else 0)                         # (6)
        loss_critic.append(critic_coeff * distance(v - g, loss_function) if critic_coeff != 0 else 0)  # (4)
    largest = max(log_r)
    w = [exp(x - largest) if x < largest else 1 for x in log_r]                  # r, relative to the largest
    return ClipPPO(loss_objective, [-entropy_coeff * h for h in entropy], loss_critic, [-x for x in log_r],  # (3), (5)
                   clip_fraction, sum(w) * sum(w) / (len(w) * sum(y * y for y in w)))  # (7)


@contract.vectorized
@np.errstate(over="ignore")
def vectorized(log_prob, sample_log_prob, advantage, entropy, state_value, value_target, *,
               clip_epsilon, entropy_coeff, critic_coeff, loss_function) -> ClipPPO:
    """(1)-(7) for the whole batch."""
    log_r = log_prob - sample_log_prob                                           # (1)
    outside, flat, bound = _policy.clipped(log_r, advantage, clip_epsilon)
    gain = np.where(flat, bound * advantage, _policy.weighted(log_r, advantage))  # (2)
    loss_critic = _policy.critic(state_value, value_target, critic_coeff, loss_function)  # (4)
    return ClipPPO(-gain, -entropy_coeff * entropy, loss_critic, -log_r, outside.astype(float), _policy.ess(log_r))


@contract.vectorized
@np.errstate(over="ignore")
def vjp(cotangent: ClipPPO, log_prob, sample_log_prob, advantage, entropy, state_value, value_target, *,
        clip_epsilon, entropy_coeff, critic_coeff, loss_function) -> Gradient:
    """-r A by log pi, 0 where the objective is flat; the rest as in losses/ppo."""
    log_r = log_prob - sample_log_prob
    _, flat, _ = _policy.clipped(log_r, advantage, clip_epsilon)
    slope = _policy.critic_slope(state_value, value_target, critic_coeff, loss_function)
    return Gradient(LossObjective(np.where(flat, 0.0, -_policy.weighted(log_r, advantage, cotangent.loss_objective))),
                    LossEntropy(-entropy_coeff * cotangent.loss_entropy), LossCritic(cotangent.loss_critic * slope))
