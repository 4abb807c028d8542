"""What every loss module has: parameters and their targets, keys, reduction, and the way from pages to gradients.

A loss module is a recipe. It runs its networks, and says in ``parts`` which pages take what they gave, and where the
derivative by each of a page's inputs goes. The rest is here: the pages' terms are reduced over the batch, and their
gradients carried back through the networks, term by term.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, ClassVar, NamedTuple

import numpy as np

from rlref.losses import reduction as reduction_page
from rlref.networks.trees import Tree, tree_map
from rlref.objectives.data import Data, Key, get, has, last, nested
from rlref.objectives.estimators import ValueEstimators, default_value_kwargs, value_target
from rlref.objectives.modules import Module, Outputs, Pullback
from rlref.pages import Page

Gradients = dict[str, Tree]  # by network
Route = Callable[[np.ndarray], Gradients]  # from the derivative by a page's input to those by parameters


class Part(NamedTuple):
    """One page of a loss: what it is given, where its derivatives go, and which of its terms priority weights weigh."""

    page: ModuleType
    inputs: dict[str, Any]
    routes: dict[str, Route]  # by the names of Page.derivatives, such as "loss_actor.log_prob"
    weighted: tuple[str, ...] = ()
    called: Mapping[str, str] = {}  # other names for its terms
    scale: float = 1.0


class LossModule:
    """The part that losses share. ``parameters`` and ``target_parameters`` are nested dicts by network."""

    default_keys: ClassVar[dict[str, Key]] = {}
    out_keys: ClassVar[list[str]] = []
    default_value_estimator: ClassVar[ValueEstimators] = ValueEstimators.TD0
    supported: ClassVar[tuple[ValueEstimators, ...]] = (
        ValueEstimators.TD0, ValueEstimators.TD1, ValueEstimators.TDLambda)

    def __init__(self, reduction: str | None, use_prioritized_weights: bool | str = "auto") -> None:
        if reduction not in (None, "none", "mean", "sum"):
            raise ValueError(f"reduction: expected one of none, mean, sum, got {reduction!r}")
        self.reduction = reduction or "mean"
        self.use_prioritized_weights = use_prioritized_weights
        self.tensor_keys = dict(self.default_keys)
        self.modules: dict[str, Module] = {}
        self.parameters: dict[str, Any] = {}
        self.delayed: dict[str, Tree] = {}
        self.selected = list(self.out_keys)
        self.make_value_estimator()

    def add(self, name: str, module: Module, delay: bool) -> None:
        """Take over the parameters of ``module``; ``delay``: keep a copy of them as the target network's."""
        self.modules[name] = module
        self.parameters[name] = tree_map(np.array, module.parameters)
        if delay:
            self.delayed[name] = tree_map(np.array, module.parameters)

    @property
    def target_parameters(self) -> dict[str, Any]:
        """Those of the target networks; where there is none, the trained ones."""
        return {**self.parameters, **self.delayed}

    def run(self, name: str, data: Data, target: bool = False) -> tuple[Outputs, Pullback]:
        """Run a network, the target's or the one that is trained."""
        return self.modules[name](data, (self.target_parameters if target else self.parameters)[name])

    # keys

    def set_keys(self, **keys: Key) -> None:
        """Other names for the entries of a batch."""
        for name, key in keys.items():
            if name not in self.default_keys:
                raise ValueError(f"{name}: expected keys among {', '.join(self.default_keys)}, got {name}")
            self.tensor_keys[name] = key

    @property
    def in_keys(self) -> list[Key]:
        """The entries of a batch that it reads."""
        read = dict.fromkeys(key for module in self.modules.values() for key in module.in_keys)
        following = [("next", self.tensor_keys[name]) for name in ("reward", "done", "terminated")
                     if name in self.tensor_keys]
        then = [("next", key) for key in read if key != self.tensor_keys.get("action")]
        return [*following, *read, *then]  # type: ignore[list-item]

    def select_out_keys(self, *keys: str) -> LossModule:
        """What a call with keyword arguments returns, in this order."""
        for key in keys:
            if key not in self.out_keys:
                raise ValueError(f"out_keys: expected keys among {', '.join(self.out_keys)}, got {key}")
        self.selected = list(keys)
        return self

    def reset_out_keys(self) -> LossModule:
        """Return everything again."""
        self.selected = list(self.out_keys)
        return self

    # values

    def make_value_estimator(self, value_type: ValueEstimators | None = None, **hyper: Any) -> LossModule:
        """Choose how targets are made, TD(0) to TD(lambda), and with which hyper-parameters."""
        self.value_type = value_type or self.default_value_estimator
        if self.value_type not in self.supported:
            raise NotImplementedError(f"value_type: expected one of {', '.join(v.name for v in self.supported)} for "
                                      f"{type(self).__name__}, got {getattr(value_type, 'name', value_type)}")
        self.hyper = default_value_kwargs(self.value_type) | hyper
        return self

    def value_target(self, data: Data, next_value: np.ndarray) -> np.ndarray:
        """The target [*B] of the value, from the value [*B] of the state that followed."""
        return value_target(self.value_type, self.hyper, self.tensor_keys, data, next_value)

    # losses

    def parts(self, data: Data, rng: np.random.Generator | None) -> tuple[list[Part], dict[str, Any]]:
        """The pages of this loss with their inputs and routes, and what is reported besides."""
        raise NotImplementedError

    def __call__(self, data: Data | None = None, rng: np.random.Generator | None = None, **arguments: Any) -> Any:
        """The losses and what is reported, by name; given keyword arguments, a tuple in the order of ``out_keys``."""
        if data is None:
            outputs = self._evaluate(nested(arguments, self.in_keys), rng, gradient=False)[0]
            return tuple(outputs[key] for key in self.selected)
        return self._evaluate(data, rng, gradient=False)[0]

    def value_and_grad(self, data: Data, rng: np.random.Generator | None = None
                       ) -> tuple[dict[str, Any], dict[str, Gradients]]:
        """The same, and for each loss the gradient of the parameters that it trains, by network."""
        if self.reduction == "none":
            raise ValueError("reduction: expected mean or sum to differentiate, got none")
        return self._evaluate(data, rng, gradient=True)

    def _evaluate(self, data: Data, rng: Any, gradient: bool) -> tuple[dict[str, Any], dict[str, Gradients]]:
        parts, reported = self.parts(data, rng)
        outputs: dict[str, Any] = {}
        gradients: dict[str, Gradients] = {}
        for part in parts:
            page = Page(part.page)
            result = page.vectorized(**part.inputs)
            weights = {term: self._weights(data, getattr(result, term), term in part.weighted) for term in page.terms}
            for term in page.terms:
                value = reduction_page.vectorized(getattr(result, term), *weights[term], reduction=self.reduction).value
                outputs[part.called.get(term, term)] = part.scale * value
            if gradient:
                self._differentiate(part, page, result, weights, gradients)
            reported = {**{name: getattr(result, name) for name in page.outputs if name not in page.terms}, **reported}
        return {**outputs, **reported}, gradients

    def _differentiate(self, part: Part, page: Page, result: Any, weights: Mapping[str, Any],
                       gradients: dict[str, Gradients]) -> None:
        by = {name: np.zeros(np.shape(getattr(result, name))) for name in page.outputs}
        for term in page.terms:
            one = reduction_page.Reduced(np.ones(()))
            by[term] = part.scale * reduction_page.vjp(one, getattr(result, term), *weights[term],
                                                       reduction=self.reduction).loss
        flat = page.gradients(page.vjp(page.output(**by), **part.inputs))
        for derivative in page.derivatives:
            for term in derivative.terms:
                total = gradients.setdefault(part.called.get(term, term), {})
                for network, tree in part.routes[derivative.name](flat[derivative.name]).items():
                    total[network] = tree if network not in total else tree_map(np.add, {"": total[network]},
                                                                                {"": tree})[""]

    def _weights(self, data: Data, loss: np.ndarray, weighted: bool) -> tuple[np.ndarray, np.ndarray]:
        """The weight and the mask of each sample of a loss."""
        weight, mask = np.ones(loss.shape), np.ones(loss.shape, bool)
        key = self.tensor_keys.get("priority_weight")
        if weighted and self.use_prioritized_weights and key is not None and has(data, key):
            weight = np.array(np.broadcast_to(last(get(data, key)) if get(data, key).ndim > loss.ndim else
                                              get(data, key), loss.shape), np.float64)
        return weight, mask
