"""What an estimator reads of a batch: its keys, its time axis, and V(s) and V(s') by a value network."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from rlref.networks.trees import Tree
from rlref.objectives.data import Data, Key, get, has, put
from rlref.objectives.modules import Module
from rlref.objectives.value.slots import Slots, slots
from rlref.objectives.value.values import (
    Back,
    Read,
    Values,
    in_one_call,
    in_two_calls,
    whole_or_in_chunks,
    without_nan,
)


class Reader:
    """How an estimator comes by its values; the arguments are those of ``ValueEstimatorBase``."""

    default_keys: ClassVar[dict[str, Key]] = {
        "advantage": "advantage", "value_target": "value_target", "value": "state_value", "reward": "reward",
        "done": "done", "terminated": "terminated", "steps_to_next_obs": "steps_to_next_obs",
        "sample_log_prob": "action_log_prob"}

    def __init__(self, *, value_network: Module | None, shifted: bool = False, skip_existing: bool | None = None,
                 time_dim: int | None = None, value_chunk_size: int | None = None, num_chunks: int | None = None,
                 value_chunk_dim: int = 0, shifted_budget: int = 1) -> None:
        if value_chunk_size is not None and num_chunks is not None:
            raise ValueError(f"num_chunks: expected None beside value_chunk_size, got {num_chunks}")
        for name, count in (("value_chunk_size", value_chunk_size), ("num_chunks", num_chunks),
                            ("shifted_budget", shifted_budget)):
            if count is not None and count < 1:
                raise ValueError(f"{name}: expected 1 or more, got {count}")
        self.value_network, self.skip_existing, self.time_dim = value_network, skip_existing, time_dim
        self.shifted, self.shifted_budget = shifted, shifted_budget
        self.value_chunk_size, self.num_chunks, self.value_chunk_dim = value_chunk_size, num_chunks, value_chunk_dim
        self.tensor_keys = dict(self.default_keys)

    # keys

    def set_keys(self, **keys: Key) -> None:
        """Other names for the entries of a batch."""
        for name, key in keys.items():
            if name not in self.default_keys:
                raise KeyError(f"{name}: expected keys among {', '.join(self.default_keys)}, got {name}")
            if not isinstance(key, (str, tuple)):
                raise ValueError(f"{name}: expected a string or a tuple of strings, got {key!r}")
            if name == "value" and self.value_network is not None and key not in self.value_network.out_keys:
                raise KeyError(f"value: expected a key among the network's out_keys {self.value_network.out_keys}, "
                               f"got {key!r}")
            self.tensor_keys[name] = key

    @property
    def in_keys(self) -> list[Key]:
        """The entries of a batch that it reads."""
        read = [] if self.value_network is None else self.value_network.in_keys
        return [*read, *(("next", self.tensor_keys[name]) for name in ("reward", "done", "terminated")),
                *(("next", key) for key in read)]

    @property
    def out_keys(self) -> list[Key]:
        """What a call with keyword arguments returns, in this order."""
        return [self.tensor_keys["advantage"], self.tensor_keys["value_target"]]

    # the batch

    def _axis(self, data: Data, time_dim: int | None) -> int:
        """The axis of time."""
        dims = get(data, ("next", self.tensor_keys["reward"])).ndim - 1
        time_dim = self.time_dim if time_dim is None else time_dim
        if time_dim is None:
            return dims - 1
        if not -dims <= time_dim < dims:
            raise ValueError(f"time_dim: expected one of the {dims} axes of the batch, got {time_dim}")
        return time_dim % dims

    def _ends(self, data: Data) -> tuple[np.ndarray, np.ndarray]:
        done = get(data, ("next", self.tensor_keys["done"]))
        key = ("next", self.tensor_keys["terminated"])
        return done, get(data, key) if has(data, key) else done

    def _values(self, data: Data, params: Tree | None, target_params: Tree | None, axis: int
                ) -> tuple[Values, Slots | None]:
        """V(s) and V(s'), and the slots that they had in a single call."""
        read, following = self._reader(data), self._following(data)
        if not self.shifted or self.value_network is None:
            target_params = params if target_params is None else target_params
            return in_two_calls(read, data, following, params, target_params), None
        if target_params is not None and target_params is not params:
            raise ValueError("target_params: expected None, or the same as params, for the single call of "
                             "shifted=True, got others")
        done, terminated = (np.moveaxis(np.any(x, axis=-1), axis, 0) for x in self._ends(data))
        where = slots(done, terminated, self.shifted_budget)
        keys, value = self.value_network.in_keys, self.tensor_keys["value"]
        if self.skip_existing and has(data, value) and has(following, value):
            keys = [value]
        for key in keys:  # what stays as it is, a goal say, need not be there twice
            following = following if has(following, key) else put(following, key, get(data, key))
        return in_one_call(read, keys, data, following, params, where, axis), where

    def _following(self, data: Data) -> Data:
        keys = [] if self.value_network is None else self.value_network.in_keys
        return without_nan(keys, data, data.get("next", {}))

    def _reader(self, data: Data) -> Read:
        """What gives a value of each step of a part of ``data``: the network, or what is there."""
        key, network = self.tensor_keys["value"], self.value_network
        dims, dim = get(data, ("next", self.tensor_keys["reward"])).ndim - 1, self.value_chunk_dim
        in_chunks = self.value_chunk_size is not None or self.num_chunks is not None
        if in_chunks and not -dims <= dim < dims:
            raise ValueError(f"value_chunk_dim: expected one of the {dims} axes of the batch, got {dim}")

        def read(part: Data, params: Tree | None) -> tuple[np.ndarray, Back]:
            if network is None or (self.skip_existing and has(part, key)):
                return get(part, key), lambda by: ({}, {key: by})
            axis = dim % dims if in_chunks else 0
            bounds = self._bounds(get(part, network.in_keys[0]).shape[axis]) if in_chunks else []
            return whole_or_in_chunks(network, key, part, params, bounds, axis)

        return read

    def _bounds(self, size: int) -> list[int]:
        """Where the chunks of so many elements meet."""
        if self.num_chunks is not None:
            return [int(chunk[0]) for chunk in np.array_split(np.arange(size), min(self.num_chunks, size))[1:]]
        return list(range(self.value_chunk_size or size, size, self.value_chunk_size or size))
