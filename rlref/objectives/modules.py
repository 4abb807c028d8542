"""A network with its parameters and the keys that it reads and writes, as tensordict and torchrl have them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from rlref.distributions import categorical
from rlref.networks.trees import Tree, leaves
from rlref.objectives.actions import VarNums
from rlref.objectives.data import Data, Key, get

Outputs = dict[Key, np.ndarray]
Pullback = Callable[[Outputs], tuple[Tree, Outputs]]


class Written(dict):
    """What a network writes."""

    def __missing__(self, key: Key) -> np.ndarray:
        raise KeyError(f"out_keys: expected a network that writes {key!r}, got one that writes {[*self]}")


class Module:
    """``network`` reads ``in_keys`` and writes ``out_keys``; a loss module takes ``parameters`` over.

    Two modules that hold the very same array among their parameters share it, as torch's modules do.
    """

    def __init__(self, network: Any, parameters: Tree, in_keys: Sequence[Key], out_keys: Sequence[Key]) -> None:
        self.network, self.parameters = network, parameters
        self.in_keys, self.out_keys = list(in_keys), list(out_keys)
        self.reads = self.in_keys  # what it needs of a batch: more than the network does, if there is a mask

    def __call__(self, data: Data, parameters: Tree | None = None) -> tuple[Outputs, Pullback]:
        """What it writes, and the pullback from derivatives by some of these to those by parameters and inputs.

        Real inputs are converted to the type of the parameters: in float32 the network stays in float32.
        """
        given = self.parameters if parameters is None else parameters
        kind = next((x.dtype for _, x in leaves(given)), None)
        inputs = (get(data, key) for key in self.in_keys)
        y, back = self.network(given, *(x.astype(kind or x.dtype, copy=False) if x.dtype.kind == "f" else x
                                        for x in inputs))
        outputs: Outputs = Written(zip(self.out_keys, y if isinstance(y, tuple) else (y,), strict=True))

        def pullback(by: Outputs) -> tuple[Tree, Outputs]:
            full = tuple(np.asarray(by[key], x.dtype) if key in by else np.zeros_like(x) for key, x in outputs.items())
            by_parameters, *by_inputs = back(full if isinstance(y, tuple) else full[0])
            return by_parameters, dict(zip(self.in_keys, by_inputs, strict=True))

        return outputs, pullback


class Actor(Module):
    """A deterministic policy."""

    def __init__(self, network: Any, parameters: Tree, in_keys: Sequence[Key] = ("observation",),
                 out_keys: Sequence[Key] = ("action",)) -> None:
        super().__init__(network, parameters, in_keys, out_keys)


class ProbabilisticActor(Module):
    """A stochastic policy: what the network writes, ``out_keys``, are the parameters of ``distribution``.

    That is a module of rlref.distributions: normal or tanh_normal, whose parameters are ("loc", "scale"), categorical
    or one_hot_categorical, ("logits",), delta, ("param",). ``settings`` go to it too, such as low=-2.0, high=2.0;
    ``mask_key`` is where a batch has the mask of legal actions, if there is one.
    """

    def __init__(self, network: Any, parameters: Tree, distribution: ModuleType,
                 in_keys: Sequence[Key] = ("observation",), out_keys: Sequence[Key] = ("loc", "scale"), *,
                 mask_key: Key | None = None, **settings: Any) -> None:
        super().__init__(network, parameters, in_keys, out_keys)
        self.distribution, self.mask_key, self.settings = distribution, mask_key, settings
        self.reads = [*self.in_keys, *([] if mask_key is None else [mask_key])]

    def given(self, data: Data) -> dict[str, Any]:
        """What the distribution takes besides the parameters that the network writes."""
        return self.settings | ({} if self.mask_key is None else {"action_mask": get(data, self.mask_key)})


class ValueOperator(Module):
    """A value [..., 1] of the state, or of state and action where "action" is among ``in_keys``."""

    def __init__(self, network: Any, parameters: Tree, in_keys: Sequence[Key] = ("observation",),
                 out_keys: Sequence[Key] | None = None) -> None:
        of_action = "action" in in_keys
        super().__init__(network, parameters, in_keys,
                         out_keys or ["state_action_value" if of_action else "state_value"])


class QValueActor(Module):
    """The value of every action [..., A]; the policy is to take the best.

    ``action_space`` and ``var_nums`` say how values make an action: see rlref.objectives.actions. ``mask_key`` is where
    a batch has the mask [..., A] of legal actions, if there is one: the others' values are minus infinity.
    """

    def __init__(self, network: Any, parameters: Tree, in_keys: Sequence[Key] = ("observation",),
                 out_keys: Sequence[Key] = ("action_value",), *, action_space: str | None = None,
                 var_nums: VarNums = None, mask_key: Key | None = None) -> None:
        super().__init__(network if mask_key is None else _Legal(network), parameters,
                         in_keys if mask_key is None else [*in_keys, mask_key], out_keys)
        self.action_space, self.var_nums = action_space, var_nums


class DistributionalQValueActor(Module):
    """The log-probability of each atom of ``support`` [K], for every action [..., K, A]; the best has the largest mean.

    ``network`` writes logits of these, or if ``make_log_softmax`` is False, the log-probabilities themselves.
    """

    def __init__(self, network: Any, parameters: Tree, support: Any, in_keys: Sequence[Key] = ("observation",),
                 out_keys: Sequence[Key] = ("action_value",), *, action_space: str,
                 make_log_softmax: bool = True) -> None:
        super().__init__(_LogSoftmax(network) if make_log_softmax else network, parameters, in_keys, out_keys)
        self.support, self.action_space = np.asarray(support), action_space

    def best(self, log_probs: np.ndarray) -> np.ndarray:
        """The action [...] whose value has the largest mean; of equals the first."""
        if log_probs.shape[-2:-1] != self.support.shape:
            raise ValueError(f"value_network: expected shape [..., {self.support.size}, A], a row for each atom, "
                             f"got shape {log_probs.shape}")
        return (self.support @ np.exp(log_probs)).argmax(axis=-1)


class _Legal:
    """``network``, whose last input is the mask of legal actions."""

    def __init__(self, network: Any) -> None:
        self.network = network

    def __call__(self, parameters: Tree, *inputs: np.ndarray) -> tuple[np.ndarray, Callable[[np.ndarray], tuple]]:
        *read, mask = inputs
        y, back = self.network(parameters, *read)
        if mask.shape != y.shape:
            raise ValueError(f"mask_key: expected a mask of shape {y.shape} like the values, got {mask.shape}")
        return np.where(mask, y, -np.inf), lambda by: (*back(np.where(mask, by, 0)), np.zeros(mask.shape))


class _LogSoftmax:
    """``network``, and then the logarithm of the softmax over the last axis but one."""

    def __init__(self, network: Any) -> None:
        self.network = network

    def __call__(self, parameters: Tree, *inputs: np.ndarray) -> tuple[np.ndarray, Callable[[np.ndarray], tuple]]:
        y, back = self.network(parameters, *inputs)
        logits = np.swapaxes(y, -2, -1)

        def pullback(by: np.ndarray) -> tuple:
            by_logits = categorical.log_probs_vjp(np.swapaxes(by, -2, -1), logits).logits
            return back(np.swapaxes(by_logits, -2, -1).astype(y.dtype))

        return np.swapaxes(categorical.log_probs(logits), -2, -1).astype(y.dtype), pullback
