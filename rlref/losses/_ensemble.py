"""What the losses with several critics, or with every action's value, share, for all samples at once.

Where critics are reduced to one number their axis is put first: NumPy takes up to a hundred times as long over a last
axis as short as theirs.
"""

import numpy as np

from rlref.losses import _distance


def distances(values, target, loss_function):
    """Of every critic's value, [.., N], and one target: the sum of the distances, and the largest |difference|."""
    delta = _critics_first(values) - target
    return _distance.value(delta, loss_function).sum(axis=0), np.abs(delta).max(axis=0)


def slopes(by_sum, values, target, loss_function):
    """The derivative of that sum by every value, times ``by_sum``."""
    return by_sum[..., None] * _distance.slope(values - target[..., None], loss_function)


def by_least(by_minimum, values):
    """The derivative of the least value by every value, times ``by_minimum``: of equal ones the first has it all."""
    values = _critics_first(values)
    here = values == values.min(axis=0)
    here[1:] &= ~np.logical_or.accumulate(here, axis=0)[:-1]
    return np.where(np.moveaxis(here, 0, -1), by_minimum[..., None], 0.0)


def taken(action_value, action):
    """The values of the action taken, [.., N], of those of every action, [.., A, N]."""
    rows = action_value.reshape(-1, *action_value.shape[-2:])
    return rows[np.arange(action.size), action.ravel()].reshape(*action.shape, -1)


def untaken(by_taken, action, action_value):
    """The transpose of ``taken``: a derivative by those values becomes one by all, 0 at the other actions."""
    by_value = np.zeros(action_value.shape)
    rows = by_value.reshape(-1, *action_value.shape[-2:])
    rows[np.arange(action.size), action.ravel()] = by_taken.reshape(action.size, -1)
    return by_value


def policy(log_probs):
    """pi, and log pi or -746, where pi is 0 in float64: so that pi log pi is 0 there, never 0 times minus infinity."""
    return np.exp(log_probs), np.maximum(log_probs, -746.0)


def _critics_first(values):
    return np.ascontiguousarray(np.moveaxis(values, -1, 0))
