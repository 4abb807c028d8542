"""Discrete actions as torchrl encodes them: which values an action takes, and among which it was chosen.

    categorical     an index: one choice among all values
    one-hot         the same, as a row of 0 with a single 1
    mult-one-hot    several choices side by side, each one-hot, among as many values as ``var_nums`` says
    binary          a row of 0 and 1: of each value, whether it is taken

The value of an action is the sum of those that it takes. In the names, _ may stand for -, and multi for mult.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SPACES = ("categorical", "one-hot", "mult-one-hot", "binary")
VarNums = int | Sequence[int] | None  # for each choice, or for all of them alike


def check_space(action_space: str) -> str:
    """The usual name of an action space."""
    name = str(action_space).replace("_", "-").replace("multi-", "mult-")
    if name not in SPACES:
        raise ValueError(f"action_space: expected one of {', '.join(SPACES)}, got {action_space!r}")
    return name


def indices(action_space: str, action: np.ndarray, values: tuple[int, ...]) -> np.ndarray:
    """The index [*B] of an ``action`` that is a single choice; ``values`` is the shape [*B, A]."""
    name = check_space(action_space)
    if name == "one-hot":
        return taken(name, action, values).argmax(axis=-1)
    if name != "categorical":
        raise ValueError(f"action_space: expected categorical or one-hot for a single choice, got {action_space!r}")
    index = action[..., 0] if action.ndim == len(values) and action.shape[-1] == 1 else action
    if index.shape != values[:-1]:
        raise ValueError(f"action: expected shape {values[:-1]} for a categorical action, got {action.shape}")
    if index.dtype.kind not in "iu":
        raise ValueError(f"action: expected integers for a categorical action, got {action.dtype}")
    if index.size and not 0 <= index.min() <= index.max() < values[-1]:
        raise ValueError(f"action: expected indices in [0, {values[-1]}), got {index.min()} to {index.max()}")
    return index.astype(np.int64)


def taken(action_space: str, action: np.ndarray, values: tuple[int, ...], var_nums: VarNums = None) -> np.ndarray:
    """Which values an ``action`` takes: bool, of the shape ``values``, [*B, A]."""
    name = check_space(action_space)
    if name == "categorical":
        return np.arange(values[-1]) == indices(name, action, values)[..., None]
    found = action == 1
    if action.shape != values or not np.all(found | (action == 0)):
        raise ValueError(f"action: expected 0 and 1 of shape {values} for {name}, "
                         f"got shape {action.shape} with {np.unique(action)[:3].tolist()}")
    if name != "binary":
        sizes = _sizes(name, values[-1], var_nums)
        ones = np.add.reduceat(found, np.cumsum([0, *sizes[:-1]]), axis=-1, dtype=int)
        if np.any(ones != 1):
            raise ValueError(f"action: expected a single 1 in each choice of {sizes} for {name}, "
                             f"got {ones[ones != 1][0]}")
    return found


def choices(action_space: str, values: np.ndarray, var_nums: VarNums = None) -> np.ndarray:
    """[*B, G, M]: of ``values`` [*B, A], those among which each of G choices is made; minus infinity if there are less.

    A binary choice is between 0 and a value.
    """
    name = check_space(action_space)
    if name == "binary":
        return np.stack([np.zeros_like(values), values], axis=-1)
    sizes = _sizes(name, values.shape[-1], var_nums)
    found = np.full((*values.shape[:-1], len(sizes), max(sizes)), -np.inf, values.dtype)
    for choice, among in enumerate(np.split(values, np.cumsum(sizes)[:-1], axis=-1)):
        found[..., choice, :among.shape[-1]] = among
    return found


def _sizes(name: str, values: int, var_nums: VarNums) -> list[int]:
    """Among how many values each choice is made."""
    if name != "mult-one-hot":
        return [values]
    if var_nums is None:
        raise ValueError(f"var_nums: expected the number of values of each choice for {name}, got None")
    sizes = [var_nums] * (values // max(var_nums, 1)) if isinstance(var_nums, int) else list(var_nums)
    if sum(sizes) != values or min(sizes, default=0) < 1:
        raise ValueError(f"var_nums: expected numbers that add up to {values} values, got {var_nums}")
    return sizes
