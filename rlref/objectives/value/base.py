"""What the estimator modules share: keys, the values of a value network, and the way to a page and back.

An estimator is a recipe. Its page in rlref.returns has the mathematics, with time first; the modules have torchrl's
interface, with time as the last batch axis or at ``time_dim``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from rlref.networks.trees import Tree
from rlref.objectives.data import Data, Key, get, has, nested, put
from rlref.objectives.modules import Module, Outputs
from rlref.objectives.value.slots import Slots, slots
from rlref.objectives.value.values import (
    Back,
    Pulled,
    Read,
    Values,
    in_one_call,
    in_two_calls,
    whole_or_in_chunks,
    without_nan,
)
from rlref.returns import ValueEstimate

By = np.ndarray


class ValueEstimatorBase:
    """What every estimator takes, as torchrl's of these names.

    gamma               the discount, a number or an array that broadcasts to the rewards
    value_network       writes V under the key "value"; None: V(s) and V(s') are in the batch
    differentiable      whether ``value_and_pullback`` may be called
    skip_existing       take values that are in the batch rather than call the network
    shifted             call the network once for V(s) and V(s'), with ``shifted_budget``: see ``slots``
    time_dim            the batch axis that is time; None: the last
    value_chunk_size, num_chunks    call the network on pieces along the batch axis ``value_chunk_dim``
    """

    page: ModuleType
    hyper: tuple[str, ...] = ("gamma",)  # parameters of the page, and attributes of the same name here
    settings: ClassVar[Mapping[str, Any]] = {}
    target_reads_value = False  # whether V(s) has a part in the value target
    default_keys: ClassVar[dict[str, Key]] = {
        "advantage": "advantage", "value_target": "value_target", "value": "state_value", "reward": "reward",
        "done": "done", "terminated": "terminated", "steps_to_next_obs": "steps_to_next_obs",
        "sample_log_prob": "action_log_prob"}

    def __init__(self, *, gamma: Any, value_network: Module | None, shifted: bool = False,
                 differentiable: bool = False, skip_existing: bool | None = None, time_dim: int | None = None,
                 value_chunk_size: int | None = None, num_chunks: int | None = None, value_chunk_dim: int = 0,
                 shifted_budget: int = 1) -> None:
        if value_chunk_size is not None and num_chunks is not None:
            raise ValueError(f"num_chunks: expected None beside value_chunk_size, got {num_chunks}")
        for name, count in (("value_chunk_size", value_chunk_size), ("num_chunks", num_chunks),
                            ("shifted_budget", shifted_budget)):
            if count is not None and count < 1:
                raise ValueError(f"{name}: expected 1 or more, got {count}")
        self.gamma, self.value_network, self.shifted = gamma, value_network, shifted
        self.differentiable, self.skip_existing, self.time_dim = differentiable, skip_existing, time_dim
        self.value_chunk_size, self.num_chunks, self.value_chunk_dim = value_chunk_size, num_chunks, value_chunk_dim
        self.shifted_budget = shifted_budget
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

    # estimates

    def __call__(self, data: Data | None = None, params: Tree | None = None, target_params: Tree | None = None, *,
                 time_dim: int | None = None, **arguments: Any) -> Any:
        """``data`` and, beside it, the advantage, the value target, V(s) and V(s'); ``data`` stays as it is.

        The network has ``params`` for V(s), its own where None, and ``target_params`` for V(s'), where None the same.
        Given keyword arguments in place of ``data``, next_reward=..., it returns a tuple in the order of ``out_keys``.
        """
        if data is None:
            outputs = self._run(nested(arguments, self.in_keys), params, target_params, time_dim)[0]
            return tuple(get(outputs, key) for key in self.out_keys)
        if arguments:
            raise TypeError(f"{next(iter(arguments))}: expected data or its entries, got both")
        return self._run(data, params, target_params, time_dim)[0]

    def value_and_pullback(self, data: Data, params: Tree | None = None, target_params: Tree | None = None, *,
                           time_dim: int | None = None) -> tuple[Data, Callable[[Outputs], Pulled]]:
        """The same, and the pullback from derivatives by advantage and value target, under their keys."""
        if not self.differentiable:
            raise ValueError("differentiable: expected True to differentiate, got False")
        return self._run(data, params, target_params, time_dim)

    def value_estimate(self, data: Data, target_params: Tree | None = None, next_value: np.ndarray | None = None, *,
                       params: Tree | None = None, time_dim: int | None = None) -> np.ndarray:
        """The value target alone, of ``next_value`` = V(s') if it is given."""
        read = self._reader(data)
        if next_value is None:
            next_value, _ = read(self._following(data), params if target_params is None else target_params)
        value = read(data, params)[0] if self.target_reads_value else np.zeros(np.shape(next_value))
        return self._estimate(data, value, next_value, self._axis(data, time_dim), None)[0].value_target

    # what an estimator may do besides

    def prepare(self, reward: np.ndarray) -> tuple[np.ndarray, Callable[[By], By]]:
        """What the page gets for rewards, and the way back."""
        return reward, lambda by: by

    def finish(self, advantage: np.ndarray, valid: np.ndarray | None) -> tuple[np.ndarray, Callable[[By], By]]:
        """What is made of the page's advantage, and the way back; ``valid`` are the steps that are kept."""
        return advantage, lambda by: by

    def more(self, data: Data, shape: tuple[int, ...]) -> tuple[dict[str, np.ndarray], Callable[..., Outputs]]:
        """Further inputs of the page, one per step, and the way back to entries of the batch."""
        return {}, lambda: {}

    # the way to the page

    def _run(self, data: Data, params: Tree | None, target_params: Tree | None, time_dim: int | None
             ) -> tuple[Data, Callable[[Outputs], Pulled]]:
        axis = self._axis(data, time_dim)
        values, where = self._values(data, params, target_params, axis)
        estimate, back = self._estimate(data, values.value, values.next_value, axis, where)
        keys, dropped = self.tensor_keys, None
        outputs: Outputs = {keys["value"]: values.value, ("next", keys["value"]): values.next_value}
        if where is not None:
            outputs["shifted_valid"] = np.moveaxis(where.valid, 0, axis)
            dropped = ~outputs["shifted_valid"][..., None]

        def kept(x: np.ndarray) -> np.ndarray:
            return x if dropped is None else np.where(dropped, 0.0, x)

        outputs |= {keys[name]: kept(getattr(estimate, name)) for name in ("advantage", "value_target")}
        for key, x in outputs.items():
            data = put(data, key, x)

        def pullback(by: Outputs) -> Pulled:
            for key in by:
                if key not in self.out_keys:
                    raise KeyError(f"by: expected derivatives by {self.out_keys}, got {key!r}")
            by_outputs = ValueEstimate(*(kept(by.get(keys[name], np.zeros(values.value.shape)))
                                         for name in ("advantage", "value_target")))
            by_value, by_next_value, by_entries = back(by_outputs)
            pulled = values.pullback(by_value, by_next_value)
            for key, x in by_entries.items():
                pulled.inputs[key] = pulled.inputs[key] + x if key in pulled.inputs else x
            return pulled

        return data, pullback

    def _estimate(self, data: Data, value: np.ndarray, next_value: np.ndarray, axis: int, where: Slots | None
                  ) -> tuple[ValueEstimate, Callable[[ValueEstimate], tuple[By, By, Outputs]]]:
        """The page of these values, and from derivatives by what it gave to those by values and entries."""
        key = ("next", self.tensor_keys["reward"])
        reward, by_prepared = self.prepare(get(data, key))
        done, terminated = self._ends(data)
        if where is not None:
            done = done | np.moveaxis(where.last, 0, axis)[..., None]
        more, by_more = self.more(data, reward.shape)
        inputs = {name: np.moveaxis(x, axis, 0) for name, x in {
            "reward": reward, "state_value": value, "next_state_value": next_value, "done": done,
            "terminated": terminated, **more}.items()}
        inputs |= {name: self._parameter(name, data, reward.shape, axis) for name in self.hyper}
        found = self.page.vectorized(**inputs, **self.settings)
        advantage, value_target = (np.moveaxis(x, 0, axis) for x in found)
        advantage, by_finished = self.finish(advantage, None if where is None else np.moveaxis(where.valid, 0, axis))

        def back(by: ValueEstimate) -> tuple[By, By, Outputs]:
            by_outputs = ValueEstimate(*(np.moveaxis(x, axis, 0) for x in (by_finished(by.advantage), by.value_target)))
            gradient = self.page.vjp(by_outputs, **inputs, **self.settings)
            by_inputs = {name: np.moveaxis(x, 0, axis) for name, x in gradient._asdict().items()}
            entries = by_more(*(by_inputs[name] for name in more)) | {key: by_prepared(by_inputs["reward"])}
            return by_inputs["state_value"], by_inputs["next_state_value"], entries

        return ValueEstimate(advantage, value_target), back

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

    def _parameter(self, name: str, data: Data, shape: tuple[int, ...], axis: int) -> Any:
        """A hyper-parameter as the page takes it, gamma to the power of the number of steps where there is one."""
        value, steps = getattr(self, name), self.tensor_keys["steps_to_next_obs"]
        if np.ndim(value):
            try:
                value = np.broadcast_to(value, shape)
            except ValueError:
                raise ValueError(f"{name}: expected a scalar or a shape that broadcasts to {shape}, "
                                 f"got {np.shape(value)}") from None
        if name == "gamma" and has(data, steps):
            value = value ** get(data, steps).reshape(shape)
        return np.moveaxis(value, axis, 0) if np.ndim(value) else value

    # values

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
