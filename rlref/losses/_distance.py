"""The three distances and their derivatives, for the losses that compare a prediction with a target."""

import numpy as np


def value(difference, loss_function):
    """l1: |u|.  l2: u^2.  smooth_l1: u^2 / 2 where |u| < 1, else |u| - 1/2."""
    if loss_function == "l1":
        return np.abs(difference)
    if loss_function == "l2":
        with np.errstate(over="ignore"):  # what is beyond float64 is inf
            return difference * difference
    near = np.clip(difference, -1.0, 1.0)
    far = -0.5 * near
    far += difference
    far *= near
    return far


def slope(difference, loss_function):
    """Their derivatives: sign(u), which is 0 at 0; 2 u; u cut off at -1 and 1."""
    if loss_function == "l1":
        return np.sign(difference)
    return 2.0 * difference if loss_function == "l2" else np.clip(difference, -1.0, 1.0)
