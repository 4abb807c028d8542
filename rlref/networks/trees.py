"""Parameters are nested dicts of arrays: walking through them, and keeping them in a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np

from rlref.conformance.golden import write_whole

Tree = dict[str, Any]  # of arrays and Trees
Array = np.ndarray


class Held(dict):
    """Parameters that are held still: a network need not give derivatives by them, and has {} in their place."""


def held(tree: Tree) -> Held:
    """``tree``, held still: an actor learns through a critic that does not, and that is half of the critic's work."""
    return Held({name: held(x) if isinstance(x, dict) else x for name, x in tree.items()})


def tree_map(function: Callable[..., Any], tree: Tree, *others: Tree) -> Tree:
    """``function`` of the arrays that stand at the same place in each tree."""
    for other in others:
        if other.keys() != tree.keys():
            raise ValueError(f"parameters: expected the names {', '.join(tree)}, got {', '.join(other)}")
    mapped = {name: tree_map(function, x, *(other[name] for other in others)) if isinstance(x, dict) else
              function(x, *(other[name] for other in others)) for name, x in tree.items()}
    return Held(mapped) if isinstance(tree, Held) else mapped


def tree_sum(trees: Iterable[Tree]) -> Tree:
    """The sum of the arrays that stand at the same place."""
    return reduce(lambda one, other: tree_map(np.add, one, other), trees)


def leaves(tree: Tree, before: str = "") -> Iterator[tuple[str, Array]]:
    """Each array with its name, "0.weight", as in torch's state_dict."""
    for name, x in tree.items():
        if isinstance(x, dict):
            yield from leaves(x, f"{before}{name}.")
        else:
            yield before + name, x


def unflatten(flat: dict[str, Array]) -> Tree:
    """The tree whose ``leaves`` these are."""
    tree: Tree = {}
    for name, x in flat.items():
        *path, last = name.split(".")
        place = tree
        for part in path:
            place = place.setdefault(part, {})
        place[last] = x
    return tree


def stack(trees: Sequence[Tree]) -> Tree:
    """The parameters of an ensemble: one more axis in front of every array."""
    return tree_map(lambda *arrays: np.stack(arrays), *trees)


def save(path: str | Path, tree: Tree) -> None:
    """Write the parameters to an .npz file, which appears whole or not at all."""
    import io

    buffer = io.BytesIO()
    np.savez(buffer, **dict(leaves(tree)))  # type: ignore[arg-type]
    write_whole(Path(path), buffer.getvalue())


def load(path: str | Path) -> Tree:
    """Read what ``save`` wrote. Nothing is unpickled."""
    with np.load(path, allow_pickle=False) as arrays:
        return unflatten({name: arrays[name] for name in arrays.files})
