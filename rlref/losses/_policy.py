"""What the pages of policy-gradient losses share: the critic's term, and importance ratios that do not overflow."""

import math

import numpy as np

from rlref.losses import _distance

LARGEST = 2839.0  # its quarter has an exponential in float64; itself has none, whatever float multiplies it


def critic(state_value, value_target, critic_coeff, loss_function):
    """c_1 d(V - G). Without a weight there is no term, however far apart they are."""
    if critic_coeff == 0:
        return np.zeros_like(state_value)
    return critic_coeff * _distance.value(state_value - value_target, loss_function)


def critic_slope(state_value, value_target, critic_coeff, loss_function):
    """Its derivative by V."""
    if critic_coeff == 0:
        return np.zeros_like(state_value)
    return critic_coeff * _distance.slope(state_value - value_target, loss_function)


def weighted(log_r, x, y=1.0):
    """r x y, from the fourth root of r: beyond float64 only where the product is, and 0 wherever x or y is."""
    root = np.minimum(log_r, LARGEST)
    root /= 4
    np.exp(root, out=root)
    product = x * y
    for _ in range(4):
        product *= root
    return product


def clipped(log_r, advantage, clip_epsilon):
    """Where r is outside its bounds, where the objective is flat for it, and the bound that is nearer there."""
    low, high = clip_epsilon.tolist()
    above = log_r > math.log(1 + high)
    below = log_r < (math.log(1 - low) if low < 1 else -math.inf)
    flat = (above & (advantage > 0)) | (below & (advantage < 0))
    return above | below, flat, np.where(above, 1 + high, 1 - low)


def ess(log_r):
    """(sum r)^2 / (n sum r^2), with r relative to the largest, which cancels; 1 where all are equal, be it to 0."""
    largest = log_r.max()
    with np.errstate(invalid="ignore"):  # inf - inf, where it is not used
        r = np.where(log_r == largest, 1.0, np.exp(log_r - largest))
    return np.array(r.sum() ** 2 / (r.size * np.sum(r * r)))
