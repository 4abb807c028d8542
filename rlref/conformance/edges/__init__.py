"""The cases that have caught people out. Each is tried on every page that has the arguments it is about.

The modules here hold them, by family or by group of losses; a module with ``EDGES`` is found by looking.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from rlref.conformance.cases import Case, Inputs, sample, seeded
from rlref.pages import Page

At = Callable[..., np.ndarray]  # at(1, 3): a mask of the steps 1 and 3
SIZES = {"A": 3, "N": 2, "K": 5, "G": 2, "D": 2, "H": 2, "O": 2}  # of the named axes, unless an edge says otherwise


class Edge(NamedTuple):
    """``change`` takes the sampled inputs and the mask-maker ``at`` and returns the arguments to replace."""

    id: str
    comment: str
    shape: tuple[int, ...]  # [T, *B]
    needs: str  # the arguments without which this edge says nothing
    change: Callable[[Inputs, At], Inputs]
    sizes: Mapping[str, int] = MappingProxyType({})


@cache
def every_edge() -> tuple[Edge, ...]:
    """All edges, module by module: that of returns first."""
    names = sorted((info.name for info in pkgutil.iter_modules(__path__)), key=lambda name: (name != "returns", name))
    return tuple(edge for name in names for edge in importlib.import_module(f"{__name__}.{name}").EDGES)


def edges(page: Page) -> Iterator[Case]:
    """Every edge that ``page`` can express: thresholds 1, gamma and lambda 0.9, no ends, all actions legal, unless it
    says otherwise."""
    for edge in every_edge():
        if set(edge.needs.split()) <= page.arguments.keys():
            inputs = _plain(page, edge)
            inputs |= edge.change(inputs, partial(_at, edge.shape))
            inputs["done"] = inputs["done"] | inputs["terminated"]
            yield Case(edge.id, edge.comment, {name: inputs[name] for name in page.arguments})


def _plain(page: Page, edge: Edge) -> Inputs:
    pick = seeded(f"{page.name} {edge.id}")
    inputs = sample(page, pick, edge.shape, sizes={**SIZES, **edge.sizes})
    for name, entry in page.arguments.items():
        if entry.parameter:
            inputs[name] = 0.9 if entry.high == 1.0 else 1.0
        elif entry.unit == "nat" and entry.per_step:
            drawn = [1 + pick(16) for _ in range(inputs[name].size)]
            inputs[name] = -np.array(drawn).reshape(inputs[name].shape) / 8
        elif entry.unread or (entry.infinite is not None and entry.per_step):
            inputs[name] = np.nan_to_num(inputs[name], nan=1.5, neginf=-1.5)
        elif name == "action_mask":
            inputs[name] = np.ones_like(inputs[name])
    inputs.update(done=_at(edge.shape), terminated=_at(edge.shape))
    return inputs


def _at(shape: tuple[int, ...], *steps: int) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[list(steps)] = True
    return mask
