"""Advantage actor-critic, A2C: policy gradient, entropy bonus and critic.

    loss_objective = -log pi(a|s) A                                              (1)
    loss_entropy   = -c_2 H(pi(.|s))                                             (2)
    loss_critic    = c_1 d(V(s) - G)                                             (3)

Source    Mnih et al. 2016, arXiv:1602.01783v2, section 4, "Asynchronous advantage actor-critic": the gradients of (1)
          and (2), beta for c_2, without an equation number; algorithm S3 for (3), where d is the square and c_1 is 1.
Masks     None: one loss a sample; reduction selects and averages.
Trains    loss_objective: log_prob. loss_entropy: entropy. loss_critic: state_value. A and G are constants here.
Limits    c_1 = 1: loss_objective and loss_critic are REINFORCE's. PPO at r = 1 has the same derivatives.
TorchRL   A2CLoss: c_2 = 0.01, c_1 = 1, d = smooth_l1 by default. Its clip_value is losses/clipped_value. It does not
          normalize advantages: returns/standardize does, before.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract
from rlref.losses import _policy
from rlref.scalars import distance


class A2C(NamedTuple):  # three terms, [T, *B]
    loss_objective: np.ndarray
    loss_entropy: np.ndarray
    loss_critic: np.ndarray


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


@contract.per_sample
def loop(log_prob, advantage, entropy, state_value, value_target, *,
         entropy_coeff, critic_coeff, loss_function) -> A2C:
    """(1)-(3), for one sample."""
    loss_objective = -(log_prob * advantage)                                     # (1)
    loss_entropy = -entropy_coeff * entropy                                      # (2)
    loss_critic = 0
    if critic_coeff != 0:
        loss_critic = critic_coeff * distance(state_value - value_target, loss_function)  # (3)
    return A2C(loss_objective, loss_entropy, loss_critic)


@contract.vectorized
@np.errstate(over="ignore")
def vectorized(log_prob, advantage, entropy, state_value, value_target, *,
               entropy_coeff, critic_coeff, loss_function) -> A2C:
    """(1)-(3) for the whole batch."""
    loss_critic = _policy.critic(state_value, value_target, critic_coeff, loss_function)
    return A2C(-(log_prob * advantage), -entropy_coeff * entropy, loss_critic)


@contract.vectorized
@np.errstate(over="ignore")
def vjp(cotangent: A2C, log_prob, advantage, entropy, state_value, value_target, *,
        entropy_coeff, critic_coeff, loss_function) -> Gradient:
    """-A by log pi, -c_2 by the entropy, and c_1 times the slope of the distance by V."""
    slope = _policy.critic_slope(state_value, value_target, critic_coeff, loss_function)
    return Gradient(LossObjective(-(cotangent.loss_objective * advantage)),
                    LossEntropy(-entropy_coeff * cotangent.loss_entropy),
                    LossCritic(cotangent.loss_critic * slope))
