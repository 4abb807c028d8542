"""Distributional DQN (C51): cross-entropy between the projected target and the prediction.

    L = -sum over i of m_i log p_i(s, a)                                         (1)

Source    Bellemare et al. 2017, arXiv:1707.06887, the last line of Algorithm 1, no equation number; in section 4.2
          it is the cross-entropy term of the divergence KL(m, p).
Masks     An atom with m_i = 0 is not read: 0 log 0 = 0.  m_i > 0 and p_i = 0 is an infinite loss.
Trains    L trains action_log_probs, of the action taken. The target is m = bootstraps.categorical_projection.
Limits    m a point mass: L = -log p of that atom.  p = m: L = the entropy of m, its least value.
TorchRL   DistributionalDQNLoss, which also writes L as the priority for replay.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract


class DistributionalDQN(NamedTuple):
    """The loss of each sample, [T, *B]."""

    loss: np.ndarray


class Gradient(NamedTuple):
    """The derivative by the input that is trained, [T, *B, A, K]."""

    action_log_probs: np.ndarray


@contract.per_sample
def loop(action_log_probs, action, target_probs) -> DistributionalDQN:
    """(1), one atom at a time."""
    loss = 0
    for log_p, m in zip(action_log_probs[action], target_probs, strict=True):
        if m > 0:
            loss -= m * log_p                                                    # (1)
    return DistributionalDQN(loss)


@contract.vectorized
def vectorized(action_log_probs, action, target_probs) -> DistributionalDQN:
    """(1) for all samples at once."""
    log_p = np.take_along_axis(action_log_probs, action[..., None, None], axis=-2)[..., 0, :]
    return DistributionalDQN(np.sum(np.where(target_probs > 0, log_p, 0.0) * -target_probs, axis=-1))  # (1)


@contract.vectorized
def vjp(cotangent: DistributionalDQN, action_log_probs, action, target_probs) -> Gradient:
    """-m in the row of the action taken."""
    gradient = np.zeros_like(action_log_probs)
    by_log_p = -target_probs * cotangent.loss[..., None]
    np.put_along_axis(gradient, action[..., None, None], by_log_p[..., None, :], axis=-2)
    return Gradient(gradient)
