"""Value clipping: the critic's loss, pessimistic about how far the value may move in one update.

    V_clip = V_old + clip(V - V_old, -epsilon_V, epsilon_V)                      (1)
    L      = max(d(V - G), d(V_clip - G))                                        (2)
    f      = 1 where |V - V_old| > epsilon_V, else 0                             (3)

with d the distance of losses.distance: |u|, u^2 or smooth_l1.

Source    Engstrom et al. 2020, arXiv:2005.12729, section 3, item 1, an equation without a number, d = u^2: printed with
          min where the code that it describes, OpenAI Baselines' ppo2/model.py, has max.
Masks     None: every sample is compared.
Ties      V - V_old = +-epsilon_V is not clipped.  Where both terms of (2) are equal, V - G has the gradient.
Trains    L trains state_value; V_old and G are data.
Limits    |V - V_old| <= epsilon_V: L = d(V - G).  L >= d(V - G) everywhere.
TorchRL   clip_value of PPOLoss, A2CLoss and ReinforceLoss; their clip_fraction is the mean of f, and a clip_value of 0
          turns it off.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract
from rlref.losses import _distance
from rlref.scalars import distance


class ClippedValue(NamedTuple):
    """The loss of each sample, and whether it was clipped, both [T, *B]."""

    loss: np.ndarray
    clip_fraction: np.ndarray


class Gradient(NamedTuple):
    """The derivative by the input that is trained, [T, *B]."""

    state_value: np.ndarray


@contract.per_sample
def loop(state_value, old_state_value, value_target, *, clip_value, loss_function) -> ClippedValue:
    """(1)-(3), one value at a time."""
    loss, clipped = distance(state_value - value_target, loss_function), 0
    moved = state_value - old_state_value
    if abs(moved) > clip_value:                                                  # (3)
        bound = old_state_value + (clip_value if moved > 0 else -clip_value)     # (1)
        loss = max(loss, distance(bound - value_target, loss_function))          # (2)
        clipped = 1
    return ClippedValue(loss, clipped)


@contract.vectorized
def vectorized(state_value, old_state_value, value_target, *, clip_value, loss_function) -> ClippedValue:
    """(1)-(3) for all values at once."""
    plain, pessimistic, clipped = _both(state_value, old_state_value, value_target, clip_value, loss_function)
    return ClippedValue(np.where(clipped, np.maximum(plain, pessimistic), plain), clipped.astype(float))


@contract.vectorized
def vjp(cotangent: ClippedValue, state_value, old_state_value, value_target, *,
        clip_value, loss_function) -> Gradient:
    """The slope of d(V - G), but 0 where the constant V_clip is worse."""
    plain, pessimistic, clipped = _both(state_value, old_state_value, value_target, clip_value, loss_function)
    with np.errstate(over="ignore"):
        by = cotangent.loss * _distance.slope(state_value - value_target, loss_function)
    return Gradient(np.where(clipped & (pessimistic > plain), 0.0, by))


def _both(state_value, old_state_value, value_target, clip_value, loss_function):
    """The two terms of (2), and where (3) clips."""
    with np.errstate(over="ignore"):  # what is beyond float64 is inf
        moved = state_value - old_state_value
        bound = old_state_value + np.copysign(clip_value, moved)                 # (1)
        plain, pessimistic = (_distance.value(v - value_target, loss_function) for v in (state_value, bound))
    return plain, pessimistic, np.abs(moved) > clip_value
