"""What every loss module has: keys, value estimator, reduction, and the way from pages to gradients.

A loss module is a recipe. It runs its networks, and says in ``parts`` which pages take what they gave, and for each
term of a page, where its derivatives go. The rest is here: the terms are reduced over the batch, with the weights and
masks that it holds, and their gradients carried back through the networks, term by term.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, ClassVar, NamedTuple

import numpy as np

from rlref.losses import reduction as reduction_page
from rlref.networks.trees import Tree, held
from rlref.objectives.data import Data, Key, get, has, last, nested, path, per_sample, put
from rlref.objectives.estimators import ValueEstimators, build_value_estimator
from rlref.objectives.modules import Outputs, ProbabilisticActor, Pullback
from rlref.objectives.policies import Policy
from rlref.objectives.trained import Gradients, Trained, added
from rlref.pages import Page

Route = Callable[[Any], Gradients]  # from a page's gradient of one term to those by parameters, by network
MASKS: tuple[Key, ...] = (("collector", "mask"), "shifted_valid")  # what loss_mask_key = "auto" looks for


def nothing(result: Any) -> dict[Key, Any]:
    """Report nothing."""
    return {}


class Part(NamedTuple):
    """One page of a loss: what it is given, and where the derivatives of its terms go; other terms are left out."""

    page: ModuleType
    inputs: dict[str, Any]
    routes: dict[str, Route]
    report: Callable[[Any], dict[Key, Any]] = nothing  # from the page's outputs to what is reported besides losses
    called: Mapping[str, str] = {}  # other names for its terms
    scale: float = 1.0


class LossModule(Trained):
    """The part that losses share. ``parameters``, ``target_parameters`` and gradients are nested dicts by network."""

    default_keys: ClassVar[dict[str, Key]] = {}
    default_out_keys: tuple[str, ...] = ()
    default_value_estimator: ClassVar[ValueEstimators] = ValueEstimators.TD0
    supported: ClassVar[tuple[ValueEstimators, ...]] = (
        ValueEstimators.TD0, ValueEstimators.TD1, ValueEstimators.TDLambda)

    def __init__(self, reduction: str | None, use_prioritized_weights: bool | str = "auto") -> None:
        super().__init__()
        if reduction not in (None, "none", "mean", "sum"):
            raise ValueError(f"reduction: expected one of none, mean, sum, got {reduction!r}")
        self.reduction = reduction or "mean"
        self.use_prioritized_weights = use_prioritized_weights
        self.loss_mask_key: Key | None = "auto"
        self.tensor_keys = dict(self.default_keys)
        self.out_keys = list(self.default_out_keys)
        self.make_value_estimator()

    # networks

    def run(self, name: str, data: Data, target: bool = False, still: bool = False) -> tuple[Outputs, Pullback]:
        """Run a network, the target's or the one that is trained; ``still``: without derivatives by its parameters."""
        tree = self.delayed[name] if target and name in self.delayed else self.whole(name)
        return self.modules[name](data, held(tree) if target or still else tree)

    def policy(self, data: Data, target: bool = False) -> Policy:
        """What a stochastic "actor_network" does in the states of ``data``."""
        actor = self.modules["actor_network"]
        if not isinstance(actor, ProbabilisticActor):
            raise TypeError(f"actor_network: expected a ProbabilisticActor, got {type(actor).__name__}")
        outputs, back = self.run("actor_network", data, target)
        return Policy(actor, data, outputs, lambda by: self.share("actor_network", back(by)[0]))

    def critics(self, data: Data, action: np.ndarray | None = None, target: bool = False
                ) -> tuple[np.ndarray, Callable[[np.ndarray], tuple[Tree, Outputs]]]:
        """The values [*B, N] of an ensemble "qvalue_network" for that in the batch, or held still, for ``action``."""
        key, acted = self.tensor_keys["state_action_value"], self.tensor_keys["action"]
        read = self.modules["qvalue_network"].in_keys
        if acted not in read:
            raise ValueError(f"qvalue_network: expected {acted!r} among its in_keys, got {read}")
        given, still = (data, False) if action is None else (put(data, acted, action), True)
        outputs, back = self.run("qvalue_network", given, target, still)
        if outputs[key].shape[-1:] != (1,):
            raise ValueError(f"qvalue_network: expected values with a last axis of 1, got shape {outputs[key].shape}")
        return np.moveaxis(outputs[key][..., 0], 0, -1), lambda by: back({key: np.moveaxis(by, -1, 0)[..., None]})

    def values(self, name: str, data: Data, key: Key, target: bool = False
               ) -> tuple[np.ndarray, Callable[[np.ndarray], Gradients]]:
        """The values [*B] that a network writes under ``key``, and the way from derivatives by them to its gradient."""
        outputs, back = self.run(name, data, target)
        return last(key, outputs[key]), lambda by: self.share(name, back({key: by.reshape(outputs[key].shape)})[0])

    # keys

    def set_keys(self, **keys: Key | None) -> None:
        """Other names for the entries of a batch, for the value estimator, too; None: the default again."""
        for name, key in keys.items():
            if name not in self.default_keys:
                raise ValueError(f"{name}: expected keys among {', '.join(self.default_keys)}, got {name}")
            self.tensor_keys[name] = self.default_keys[name] if key is None else key
        known = self.value_estimator.default_keys
        self.value_estimator.set_keys(**{name: self.tensor_keys[name] for name in keys if name in known})

    @property
    def in_keys(self) -> list[Key]:
        """The entries of a batch that it may read, each once."""
        return list(dict.fromkeys(at[0] if len(at) == 1 else at for at in map(path, self._in_keys())))

    def _in_keys(self) -> list[Key]:
        """Rewards and ends, what the networks read, and that of the next step."""
        read = [key for module in self.modules.values() for key in module.reads]
        action = [self.tensor_keys["action"]] if "action" in self.tensor_keys else []
        following = [self.tensor_keys[name] for name in ("reward", "done", "terminated") if name in self.tensor_keys]
        return [*action, *read, *(("next", key) for key in (*following, *next(iter(self.modules.values())).reads))]

    def select_out_keys(self, *keys: str) -> LossModule:
        """What a call with keyword arguments returns, in this order."""
        for key in keys:
            if key not in self.out_keys:
                raise ValueError(f"out_keys: expected keys among {', '.join(self.out_keys)}, got {key}")
        self.out_keys = list(keys)
        return self

    def reset_out_keys(self) -> LossModule:
        """Return everything again."""
        self.out_keys = list(self.default_out_keys)
        return self

    def reset(self) -> None:
        """Forget what a loss has adapted: nothing, unless it says so."""

    # values

    def make_value_estimator(self, value_type: Any = None, **hyper: Any) -> LossModule:
        """Choose how targets are made: one of ValueEstimators and its hyper-parameters, or an estimator or its class.
        """
        self.value_type = value_type or self.default_value_estimator
        if isinstance(self.value_type, ValueEstimators):
            if self.value_type not in self.supported:
                raise NotImplementedError(f"value_type: expected one of {', '.join(v.name for v in self.supported)} "
                                          f"for {type(self).__name__}, got {self.value_type.name}")
            hyper = self._estimating() | hyper
        self.value_estimator = build_value_estimator(self.value_type, self.tensor_keys, **hyper)
        return self

    def _estimating(self) -> dict[str, Any]:
        """The networks that an estimator of this loss is made with."""
        return {"value_network": None}

    def value_target(self, data: Data, next_value: np.ndarray) -> np.ndarray:
        """The target [*B] of the value, from the value [*B] of the state that followed."""
        key = self.tensor_keys["reward"]
        reward = get(data, ("next", key))
        shape = last(key, reward).shape
        if shape != next_value.shape:
            raise ValueError(f"next_value: expected shape {shape} like {key}, got {next_value.shape}")
        target = self.value_estimator.value_estimate(data, next_value=next_value.reshape(reward.shape))
        return target.reshape(next_value.shape)

    # losses

    def completed(self, data: Data) -> Data:
        """``data`` with what the loss makes of it before all else: nothing, unless it says so."""
        return data

    def parts(self, data: Data, rng: np.random.Generator | None) -> list[Part]:
        """The pages of this loss with their inputs and routes."""
        raise NotImplementedError

    def __call__(self, data: Data | None = None, rng: np.random.Generator | None = None, **arguments: Any) -> Any:
        """The losses and what is reported, by name.

        Given keyword arguments such as next_reward, what ``out_keys`` names, in that order: a tuple, or one by itself.
        """
        if data is not None:
            return self._evaluate(data, rng, gradient=False)[0]
        readable = [*self.in_keys, *(key for name, key in self.tensor_keys.items() if name == "priority_weight")]
        outputs = self._evaluate(nested(arguments, readable), rng, gradient=False)[0]
        selected = tuple(outputs[key] for key in self.out_keys)
        return selected[0] if len(selected) == 1 else selected

    def value_and_grad(self, data: Data, rng: np.random.Generator | None = None
                       ) -> tuple[dict[Key, Any], dict[str, Gradients]]:
        """The same, and for each loss the gradient of the parameters that it trains, by network."""
        if self.reduction == "none":
            raise ValueError("reduction: expected mean or sum to differentiate, got none")
        return self._evaluate(data, rng, gradient=True)

    def _evaluate(self, data: Data, rng: Any, gradient: bool) -> tuple[dict[Key, Any], dict[str, Gradients]]:
        losses: dict[Key, Any] = {}
        reported: dict[Key, Any] = {}
        gradients: dict[str, Gradients] = {}
        one = reduction_page.Reduced(np.ones(()))
        data = self.completed(data)
        for part in self.parts(data, rng):
            page = Page(part.page)
            result = page.vectorized(**part.inputs)
            by = {name: np.zeros(np.shape(getattr(result, name))) for name in page.outputs}
            for term in part.routes:
                loss = getattr(result, term)
                weighing = self._weight(data, loss), self._mask(data, loss)
                value = reduction_page.vectorized(loss, *weighing, reduction=self.reduction).value
                losses[part.called.get(term, term)] = part.scale * value
                if gradient:
                    by[term] = part.scale * reduction_page.vjp(one, loss, *weighing, reduction=self.reduction).loss
            if gradient:
                found = page.vjp(page.output(**by), **part.inputs)
                for term, route in part.routes.items():
                    name = part.called.get(term, term)
                    own = getattr(found, term) if term in found._fields else found  # a page of one term has no names
                    gradients[name] = added(gradients.get(name, {}), route(own))
            reported |= part.report(result)
        return losses | reported, gradients

    def _weight(self, data: Data, loss: np.ndarray) -> np.ndarray:
        """The weight of each sample, from prioritized replay, or 1."""
        key = self.tensor_keys.get("priority_weight")
        if key is None or not self.use_prioritized_weights or not has(data, key):
            return np.ones(loss.shape)
        return per_sample(key, get(data, key), loss.shape)

    def _mask(self, data: Data, loss: np.ndarray) -> np.ndarray:
        """Which samples count: those that every mask in the batch has."""
        keys = MASKS if self.loss_mask_key == "auto" else () if self.loss_mask_key is None else (self.loss_mask_key,)
        mask = np.ones(loss.shape, bool)
        for key in keys:
            if has(data, key):
                mask &= per_sample(key, get(data, key), loss.shape)
        return mask
