"""Modules one after another, as torchrl's TensorDictSequential."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rlref.networks.trees import Tree
from rlref.objectives.data import Key, get, put_all
from rlref.objectives.modules import Module, Outputs


class ModuleSequential(Module):
    """Each of ``modules`` reads what is in the batch, or what those before it wrote; it writes what any of them does.

    Their parameters are called "0", "1", ..., those without any are left out, as in torch.
    """

    def __init__(self, *modules: Module) -> None:
        read: list[Key] = []
        written: list[Key] = []
        for module in modules:
            read += [key for key in module.in_keys if key not in (*read, *written)]
            written += [key for key in module.out_keys if key not in written]
        parameters = {str(i): module.parameters for i, module in enumerate(modules) if module.parameters}
        super().__init__(_Chain(modules, read, written), parameters, read, written)


class _Chain:
    """The network of such a sequence: from the entries ``read`` to the entries ``written``."""

    def __init__(self, modules: tuple[Module, ...], read: list[Key], written: list[Key]) -> None:
        self.modules, self.read, self.written = modules, read, written

    def __call__(self, parameters: Tree, *inputs: np.ndarray) -> tuple[tuple, Callable[[tuple], tuple]]:
        data = put_all({}, dict(zip(self.read, inputs, strict=True)))
        steps = []
        for i, module in enumerate(self.modules):
            outputs, back = module(data, parameters.get(str(i), {}))
            data = put_all(data, outputs)
            steps.append((str(i), outputs, back))

        def pullback(by_written: tuple) -> tuple[Any, ...]:
            by: Outputs = dict(zip(self.written, by_written, strict=True))
            found = {}
            for name, outputs, back in reversed(steps):
                # Derivatives by what a module wrote end there: before it, the key is another entry.
                found[name], by_read = back({key: by.pop(key) for key in outputs if key in by})
                for key, x in by_read.items():
                    by[key] = by[key] + x if key in by else x
            return {name: found[name] for name, _, _ in steps if found[name]}, *(by[key] for key in self.read)

        return tuple(get(data, key) for key in self.written), pullback
