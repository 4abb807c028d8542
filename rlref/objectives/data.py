"""Batches are nested dicts of arrays with torchrl's keys: {"observation": ..., "next": {"reward": ...}}."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

Key = str | tuple[Any, ...]  # of strings, or of such tuples
Data = dict[str, Any]


def path(key: Key) -> tuple[str, ...]:
    """A key as a flat tuple: "reward" is ("reward",), ("next", ("agents", "reward")) has three parts."""
    return (key,) if isinstance(key, str) else tuple(part for each in key for part in path(each))


def has(data: Data, key: Key) -> bool:
    """Whether there is an entry under ``key``."""
    for part in path(key):
        if not isinstance(data, dict) or part not in data:
            return False
        data = data[part]
    return True


def get(data: Data, key: Key) -> np.ndarray:
    """The entry under ``key``, or a KeyError that says what there is."""
    found: Any = data
    for part in path(key):
        if not isinstance(found, dict) or part not in found:
            there = ", ".join(map(repr, found)) if isinstance(found, dict) else "an array"
            raise KeyError(f"data: expected an entry {key!r}, got {there}")
        found = found[part]
    return np.asarray(found)


def after(data: Data) -> Data:
    """What each step led to: the entries under "next"."""
    if not isinstance(data.get("next"), dict):
        raise KeyError(f"data: expected a dict under 'next', got {', '.join(map(repr, data)) or 'nothing'}")
    return data["next"]


def put(data: Data, key: Key, value: Any) -> Data:
    """``data`` with ``value`` under ``key``; the original stays as it is."""
    first, *rest = path(key)
    return {**data, first: put(data.get(first, {}), tuple(rest), value) if rest else value}


def put_all(data: Data, entries: Mapping[Key, Any]) -> Data:
    """``data`` with each of ``entries`` under its key; the original stays as it is."""
    for key, value in entries.items():
        data = put(data, key, value)
    return data


def nested(arguments: dict[str, Any], keys: list[Key]) -> Data:
    """Keyword arguments, next_reward=..., as a batch; ``keys`` are those that there may be."""
    names = {"_".join(path(key)): key for key in keys}
    data: Data = {}
    for name, value in arguments.items():
        if name not in names:
            raise TypeError(f"{name}: expected arguments among {', '.join(names)}, got {name}")
        data = put(data, names[name], value)
    return data


def without(data: Data, ended: np.ndarray, keys: Iterable[Key]) -> Data:
    """``data`` with zeros in those of ``keys`` where ``ended`` [*B] is True: what stands there is not read.

    In a mask it is True, as there is a legal action in every state.
    """
    for key in keys:
        x = get(data, key)
        here = ended.reshape(ended.shape + (1,) * (x.ndim - ended.ndim))
        data = put(data, key, np.where(here, x.dtype == bool, x))
    return data


def per_sample(key: Key, x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """An entry with a number a sample, of ``shape``, with or without last axes of 1."""
    squeezed = x
    while squeezed.ndim > len(shape) and squeezed.shape[-1] == 1:
        squeezed = squeezed[..., 0]
    if squeezed.shape != shape:
        raise ValueError(f"{key}: expected shape {shape} or {(*shape, 1)}, got {x.shape}")
    return squeezed


def last(key: Key, x: np.ndarray) -> np.ndarray:
    """An entry [..., 1] without its last axis, and with a step axis if nothing else is left."""
    if x.shape[-1:] != (1,):
        raise ValueError(f"{key}: expected a last axis of 1, as torchrl's values and rewards have, got shape {x.shape}")
    return x[..., 0] if x.ndim > 1 else x
