"""V(s) and V(s') of a batch by a value network: in two calls or in one, each whole or in chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from rlref.networks.trees import Tree, tree_sum
from rlref.objectives.data import Data, Key, get, has, path, put
from rlref.objectives.modules import Module, Outputs
from rlref.objectives.value.slots import Slots, gather, gather_transposed

Back = Callable[[np.ndarray], tuple[Tree, Outputs]]
Read = Callable[[Data, Tree | None], tuple[np.ndarray, Back]]  # a value of each step, and the way back


class Pulled(NamedTuple):
    """The derivatives of a final scalar by what an estimate was made of."""

    params: Tree  # of the value network, through V(s); empty where it was not called
    target_params: Tree  # the same through V(s')
    inputs: Outputs  # the entries of the batch, by key


class Values(NamedTuple):
    """V(s) and V(s') of a batch, and from the derivatives by them to those by what they were made of."""

    value: np.ndarray
    next_value: np.ndarray
    pullback: Callable[[np.ndarray, np.ndarray], Pulled]


def whole_or_in_chunks(network: Module, key: Key, part: Data, params: Tree | None, bounds: list[int],
                       axis: int) -> tuple[np.ndarray, Back]:
    """What the network writes under ``key``, called once for each stretch between ``bounds`` along ``axis``."""
    if key not in network.out_keys:
        raise KeyError(f"value: expected a key among the network's out_keys {network.out_keys}, got {key!r}")
    chunks: list[Data] = [{} for _ in range(len(bounds) + 1)]
    for name in network.in_keys:
        chunks = [put(chunk, name, x) for chunk, x in zip(chunks, np.split(get(part, name), bounds, axis), strict=True)]
    results = [network(chunk, params) for chunk in chunks]

    def back(by: np.ndarray) -> tuple[Tree, Outputs]:
        found = [pullback({key: x}) for (_, pullback), x in zip(results, np.split(by, bounds, axis), strict=True)]
        trees, inputs = zip(*found, strict=True)
        return (tree_sum(trees),
                {name: np.concatenate([each[name] for each in inputs], axis) for name in inputs[0]})

    return np.concatenate([outputs[key] for outputs, _ in results], axis), back


def in_two_calls(read: Read, data: Data, following: Data, params: Tree | None, target_params: Tree | None) -> Values:
    """V(s) of the root entries and V(s') of the next ones."""
    (value, back), (next_value, next_back) = read(data, params), read(following, target_params)

    def pullback(by_value: np.ndarray, by_next_value: np.ndarray) -> Pulled:
        (tree, inputs), (next_tree, next_inputs) = back(by_value), next_back(by_next_value)
        return Pulled(tree, next_tree, inputs | _of_next(next_inputs))

    return Values(value, next_value, pullback)


def in_one_call(read: Read, keys: Iterable[Key], data: Data, following: Data, params: Tree | None, where: Slots,
                axis: int) -> Values:
    """Both by a single call on the entries ``keys`` of ``data`` and ``following`` in one sequence along ``axis``."""
    steps, length = len(where.root), len(where.source)
    fused: Data = {}
    for key in keys:
        root, later = (np.moveaxis(get(part, key), axis, 0) for part in (data, following))
        both = np.concatenate([root, later, np.zeros_like(root[:1])])
        fused = put(fused, key, np.moveaxis(gather(both, where.source), 0, axis))
    values, back = read(fused, params)
    values = np.moveaxis(values, axis, 0)

    def pull(by: np.ndarray, index: np.ndarray) -> tuple[Tree, Outputs]:
        by_values = gather_transposed(np.moveaxis(by, axis, 0), index, length)
        tree, inputs = back(np.moveaxis(by_values, 0, axis))
        split: Outputs = {}
        for key, x in inputs.items():
            both = np.moveaxis(gather_transposed(np.moveaxis(x, axis, 0), where.source, 2 * steps + 1), 0, axis)
            split[key], later, _ = np.split(both, [steps, 2 * steps], axis)
            split |= _of_next({key: later})
        return tree, split

    def pullback(by_value: np.ndarray, by_next_value: np.ndarray) -> Pulled:
        (tree, inputs), (next_tree, next_inputs) = pull(by_value, where.root), pull(by_next_value, where.following)
        return Pulled(tree, next_tree, {key: x + next_inputs[key] for key, x in inputs.items()})

    return Values(np.moveaxis(gather(values, where.root), 0, axis),
                  np.moveaxis(gather(values, where.following), 0, axis), pullback)


def without_nan(keys: Iterable[Key], data: Data, following: Data) -> Data:
    """``following``, with root entries where it has NaN: a collector that keeps no last observation leaves that.

    Where a step terminates the value is not read. Where it is truncated, V(s) then stands for V(s').
    """
    for key in keys:
        if has(data, key) and has(following, key):
            root, later = get(data, key), get(following, key)
            if later.dtype.kind == "f" and root.shape == later.shape and np.isnan(later).any():
                following = put(following, key, np.where(np.isnan(later), root, later))
    return following


def _of_next(entries: Outputs) -> Outputs:
    return {("next", *path(key)): x for key, x in entries.items()}
