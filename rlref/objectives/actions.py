"""Discrete actions as torchrl encodes them, to the index that a page takes."""

from __future__ import annotations

import numpy as np

SPACES = ("categorical", "one-hot", "mult-one-hot", "binary")


def check_space(action_space: str) -> None:
    """Refuse what is no action space."""
    if action_space not in SPACES:
        raise ValueError(f"action_space: expected one of {', '.join(SPACES)}, got {action_space!r}")


def indices(action_space: str, action: np.ndarray, values: tuple[int, ...]) -> np.ndarray:
    """The index [*B] of the action taken, of an ``action`` in ``action_space``; ``values`` is the shape [*B, A]."""
    if action_space == "categorical":
        action = action[..., 0] if action.ndim == len(values) and action.shape[-1] == 1 else action
        if action.shape != values[:-1]:
            raise ValueError(f"action: expected shape {values[:-1]} for a categorical action, got {action.shape}")
        return action.astype(np.int64)
    if action_space in ("one-hot", "one_hot"):
        if action.shape != values or not np.array_equal(action.sum(axis=-1), np.ones(values[:-1])):
            raise ValueError(f"action: expected one 1 in each row of shape {values}, got shape {action.shape}")
        return action.argmax(axis=-1)
    raise NotImplementedError(f"action_space: {action_space} is not an index")
