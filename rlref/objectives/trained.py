"""The parameters of a loss module: by network, those of targets, and those that several networks share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rlref.networks import Ensemble
from rlref.networks.trees import Tree, leaves, stack, tree_map, unflatten
from rlref.objectives.modules import Module

Gradients = dict[str, Any]  # by network; the derivative by one number, such as log_alpha, is an array
Borrowed = dict[str, tuple[str, str, int | None]]  # by place: the owner, the place there, how often it is repeated


class Trained:
    """Networks with what is trained in them, and delayed copies of some as target networks.

    An array that two modules hold stands in ``parameters`` of the network that was added first. What the other's
    gradient is by it goes there too, or nowhere if that one was added ``apart``.
    """

    def __init__(self) -> None:
        self.modules: dict[str, Module] = {}
        self.parameters: dict[str, Any] = {}
        self.delayed: dict[str, Tree] = {}
        self._owners: dict[int, tuple[str, str]] = {}  # of each array that was handed over: its network and place
        self._borrowed: dict[str, Borrowed] = {}
        self._apart: set[str] = set()

    def add(self, name: str, module: Module, delay: bool = False, apart: bool = False) -> None:
        """Take over the parameters of ``module``; ``delay``: keep a copy of them as the target network's."""
        if not isinstance(module, Module):
            raise TypeError(f"{name}: expected a Module, a network with its parameters and keys, "
                            f"got {type(module).__name__}")
        own: dict[str, np.ndarray] = {}
        borrowed: Borrowed = {}
        for place, x in leaves(module.parameters):
            if id(x) in self._owners:
                borrowed[place] = (*self._owners[id(x)], None)
            else:
                own[place] = np.array(x)
                self._owners[id(x)] = name, place
        self._keep(name, module, own, borrowed, delay, apart)

    def add_ensemble(self, name: str, module: Module | Sequence[Module], members: int, delay: bool = False,
                     apart: bool = False, rng: np.random.Generator | None = None) -> None:
        """The same of ``members`` networks: given as such, or drawn uniformly within the range of one's arrays."""
        borrowed: Borrowed = {}
        if not isinstance(module, Module):
            if len(module) != members:
                raise ValueError(f"{name}: expected {members} modules, got {len(module)}")
            first, own = module[0], dict(leaves(stack([one.parameters for one in module])))
        else:
            rng = np.random.default_rng() if rng is None else rng
            first, own = module, {}
            for place, x in leaves(module.parameters):
                if apart and id(x) in self._owners:
                    borrowed[place] = (*self._owners[id(x)], members)
                else:
                    own[place] = rng.uniform(x.min(), x.max(), (members, *x.shape)).astype(x.dtype)
        ensemble = Module(Ensemble(first.network, members), first.parameters, first.in_keys, first.out_keys)
        self._keep(name, ensemble, own, borrowed, delay, apart)

    def _keep(self, name: str, module: Module, own: dict, borrowed: dict, delay: bool, apart: bool) -> None:
        self.modules[name], self.parameters[name], self._borrowed[name] = module, unflatten(own), borrowed
        if apart:
            self._apart.add(name)
        if delay:
            self.delayed[name] = tree_map(np.array, self.whole(name))

    def whole(self, name: str) -> Tree:
        """All that the network runs with, trained here or with another network."""
        if not self._borrowed[name]:
            return self.parameters[name]
        found = dict(leaves(self.parameters[name]))
        for place, (owner, there, members) in self._borrowed[name].items():
            x = dict(leaves(self.parameters[owner]))[there]
            found[place] = x if members is None else np.broadcast_to(x, (members, *x.shape))
        return unflatten({place: found[place] for place in self._order(name)})

    def share(self, name: str, gradient: Tree) -> Gradients:
        """The derivatives by all that ``whole`` gave, to the networks whose parameters they are by."""
        if not self._borrowed[name]:
            return {name: gradient}
        found, shared = dict(leaves(gradient)), self._borrowed[name]
        parts: Gradients = {name: unflatten({place: x for place, x in found.items() if place not in shared})}
        for place, (owner, there, _) in shared.items() if name not in self._apart else ():
            given = {at: found[place] if at == there else np.zeros_like(x)
                     for at, x in leaves(self.parameters[owner])}
            parts = added(parts, {owner: unflatten(given)})
        return parts

    def total(self, gradients: dict[str, Gradients]) -> dict[str, Any]:
        """The gradient of the sum of all losses, by everything in ``parameters``."""
        found: Gradients = {}
        for term in gradients.values():
            found = added(found, term)
        return {name: found[name] if name in found else tree_map(np.zeros_like, {"": x})[""]
                for name, x in self.parameters.items()}

    def _order(self, name: str) -> list[str]:
        return [place for place, _ in leaves(self.modules[name].parameters)]

    @property
    def target_parameters(self) -> dict[str, Any]:
        """Those of the target networks; where there is none, the trained ones."""
        return {**self.parameters, **{name: self.whole(name) for name in self.modules}, **self.delayed}


def added(gradients: dict[Any, Any], more: dict[Any, Any]) -> dict[Any, Any]:
    """The sum of both, by network or by key: what only one of them has stays as it is."""
    together = dict(gradients)
    for name, x in more.items():
        together[name] = x if name not in gradients else tree_map(np.add, {"": gradients[name]}, {"": x})[""]
    return together
