"""Q_tot from the values of the agents, and its derivatives: for losses/qmix and for networks/mixers."""

import numpy as np


def monotonic(local_value, hidden_weight, hidden_bias, output_weight, output_bias):
    """(1)-(3) of losses/qmix for all samples; and the pullback from the derivative by Q_tot to those by each argument.

    sign() is the derivative of the absolute values, 0 at 0.
    """
    weight, output = np.abs(hidden_weight), np.abs(output_weight)
    x = hidden_bias + np.einsum("...g,...gh->...h", local_value, weight)         # (1)
    below = np.minimum(x, 0.0)
    hidden = np.where(x > 0, x, np.expm1(below))                                 # (2)

    def pullback(by_global):
        by_x = by_global[..., None] * output * np.exp(below)
        by_hidden_weight = np.sign(hidden_weight)
        by_hidden_weight *= local_value[..., None]
        by_hidden_weight *= by_x[..., None, :]
        return (np.einsum("...gh,...h->...g", weight, by_x), by_hidden_weight, by_x,
                by_global[..., None] * np.sign(output_weight) * hidden, by_global)

    return output_bias + np.einsum("...h,...h->...", output, hidden), pullback   # (3)
