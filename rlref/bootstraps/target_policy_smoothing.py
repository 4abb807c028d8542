"""TD3's target policy smoothing: clipped noise on the next action, which stays legal.

    e_d  = clip(sigma epsilon_d, -c, c)                                          (1)
    a~_d = clip(a'_d + e_d, low_d, high_d)                                       (2)

Source    Fujimoto et al. 2018, arXiv:1802.09477v3, eq. 14, without the bounds in (2): those are in the authors' code.
Units     sigma and c are in units of the action. The paper has 0.2 and 0.5; the authors' code multiplies both by the
          largest action, TorchRL does not.
Masks     None. Every dimension has its own noise, and may have its own bounds.
Ties      At a bound the derivative is that of the unclipped action.
Limits    sigma = 0 or c = 0: the action, clipped.  No bounds: within c of the action.
TorchRL   TD3Loss: policy_noise, noise_clip, and bounds or action_spec.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract


class SmoothedAction(NamedTuple):
    """The next action with noise, [T, *B, D]."""

    next_action: np.ndarray


class Gradient(NamedTuple):
    """The derivative by each differentiable input, [T, *B, D]."""

    next_action: np.ndarray


@contract.per_sample
def loop(next_action, noise, *, policy_noise, noise_clip, action_low, action_high) -> SmoothedAction:
    """(1)-(2), for one step, one dimension of the action at a time."""
    smoothed = []
    for action, epsilon, low, high in zip(next_action, noise, action_low, action_high, strict=True):
        jitter = max(min(policy_noise * epsilon, noise_clip), -noise_clip)       # (1)
        smoothed.append(max(min(action + jitter, high), low))                    # (2)
    return SmoothedAction(smoothed)


@contract.vectorized
def vectorized(next_action, noise, *, policy_noise, noise_clip, action_low, action_high) -> SmoothedAction:
    """(1)-(2), for all steps at once."""
    return SmoothedAction(np.clip(_jittered(next_action, noise, policy_noise, noise_clip), action_low, action_high))


@contract.vectorized
def vjp(cotangent: SmoothedAction, next_action, noise, *,
        policy_noise, noise_clip, action_low, action_high) -> Gradient:
    """Through (2), where it does not clip."""
    action = _jittered(next_action, noise, policy_noise, noise_clip)
    return Gradient(np.where((action_low <= action) & (action <= action_high), cotangent.next_action, 0.0))


@np.errstate(over="ignore")  # what is infinite is clipped
def _jittered(next_action, noise, policy_noise, noise_clip):
    return next_action + np.clip(policy_noise * noise, -noise_clip, noise_clip)  # (1)
