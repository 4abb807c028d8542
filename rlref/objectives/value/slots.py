"""Root and next entries of a batch in one sequence, so that a value network is called once: torchrl's ``shifted``.

Inside a trajectory the next entry of step t is the root entry of t + 1, which is there anyway. Only behind a
truncation, and behind the last step, does a next entry need a slot of its own; the steps after it move up by one. The
sequence has T + budget slots. Steps for which that is too few are dropped: ``valid`` is False for them, and the last
step that is kept ends the trajectory. Time is the first axis here.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Slots(NamedTuple):
    """Where the entries go."""

    source: np.ndarray  # [L, *B] of a slot: t for root entry t, T + t for next entry t, 2 T for nothing
    root: np.ndarray  # [T, *B] the slot of root entry t
    following: np.ndarray  # [T, *B] the slot of what came next
    valid: np.ndarray  # bool [T, *B]
    last: np.ndarray  # bool [T, *B] the last step that is kept, where others are dropped


def slots(done: np.ndarray, terminated: np.ndarray, budget: int) -> Slots:
    """The slots of a batch with these ends, [T, *B]."""
    steps = len(done)
    length = steps + budget
    step = np.arange(steps).reshape(-1, *[1] * (done.ndim - 1))
    truncated = done & ~terminated
    root = step + np.cumsum(truncated, axis=0) - truncated
    valid = root + 1 < length
    last = valid & ~np.concatenate([valid[1:], np.ones_like(valid[:1])])
    source = np.full((length + 1, *done.shape[1:]), 2 * steps)  # what has no slot goes to the one too many
    np.put_along_axis(source, np.minimum(root, length), np.broadcast_to(step, done.shape), axis=0)
    inserted = valid & (truncated | last | (step == steps - 1))
    np.put_along_axis(source, np.where(inserted, root + 1, length), np.broadcast_to(steps + step, done.shape), axis=0)
    return Slots(source[:-1], np.minimum(root, length - 1), np.minimum(root + 1, length - 1), valid, last)


def gather(x: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Of each column of ``x`` [n, *B, ...] the entries at ``index`` [m, *B]."""
    return x[_columns(index)]


def gather_transposed(by: np.ndarray, index: np.ndarray, size: int) -> np.ndarray:
    """The derivative by x [size, *B, ...], from that by what ``gather`` gave."""
    found = np.zeros((size, *by.shape[1:]))
    np.add.at(found, _columns(index), by)
    return found


def _columns(index: np.ndarray) -> tuple[np.ndarray, ...]:
    return index, *np.ix_(*(np.arange(n) for n in index.shape[1:]))
