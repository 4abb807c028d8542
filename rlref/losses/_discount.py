"""The weights of an imagined trajectory's steps: w_t = gamma_0 gamma_1 ... gamma_{t-1}, so that w_0 = 1."""

import numpy as np


def weights(gamma, shape: tuple[int, ...], discount_loss: bool) -> np.ndarray:
    """The product of the discounts before each step; without discount_loss, 1."""
    weight = np.ones(shape)
    if discount_loss:
        np.cumprod(np.broadcast_to(gamma, shape)[:-1], axis=0, out=weight[1:])
    return weight
