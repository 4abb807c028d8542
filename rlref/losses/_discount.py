"""The weights of an imagined trajectory's steps: w_t = gamma_0 gamma_1 ... gamma_{t-1}, so that w_0 = 1."""

import numpy as np


def weights(gamma, shape: tuple[int, ...], discount_loss: bool) -> np.ndarray:
    """The product of the discounts before each step; 1 without discount_loss. It broadcasts to ``shape``."""
    if not discount_loss:
        return np.ones((1,) * len(shape))
    each = np.shape(gamma)[1:] or (1,) * (len(shape) - 1)  # as many columns as gamma has
    weight = np.ones((shape[0], *each))
    np.cumprod(np.broadcast_to(gamma, weight.shape)[:-1], axis=0, out=weight[1:])
    return weight
