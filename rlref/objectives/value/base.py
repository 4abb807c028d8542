"""What the estimator modules share: the way from a batch and its values to a page in rlref.returns, and back.

An estimator is a recipe. Its page has the mathematics, with time first; the module has torchrl's interface, with time
as the last batch axis or at ``time_dim``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from rlref.networks.trees import Tree
from rlref.objectives.data import Data, get, has, nested, put_all
from rlref.objectives.modules import Module, Outputs
from rlref.objectives.value.reader import Reader
from rlref.objectives.value.slots import Slots
from rlref.objectives.value.values import Pulled
from rlref.returns import ValueEstimate

By = np.ndarray


class ValueEstimatorBase(Reader):
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

    def __init__(self, *, gamma: Any, value_network: Module | None, differentiable: bool = False,
                 **options: Any) -> None:
        super().__init__(value_network=value_network, **options)
        self.gamma, self.differentiable = gamma, differentiable

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

        return put_all(data, outputs), pullback

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
