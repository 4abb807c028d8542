"""A case cut into what a loop goes over: samples, trajectories, or all of it. No piece depends on another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from rlref.pages import Page

Arrays = dict[str, np.ndarray]


class Piece(NamedTuple):
    """Some of the steps. ``place`` takes them out of an array whose steps are [T, B], B being all batch axes in one."""

    place: tuple[slice, slice]
    inputs: dict[str, Any]
    cotangents: dict[str, Any]


def pieces(page: Page, inputs: Mapping[str, Any], cotangents: Mapping[str, Any]) -> Iterator[Piece]:
    """The pieces of a case, each a case of its own with one batch axis of one, or, for a whole batch, as it is."""
    shape = page.steps(inputs)
    unit = page.loop.unit  # type: ignore[attr-defined]
    if unit == "batch":
        yield Piece((slice(None), slice(None)), dict(inputs), dict(cotangents))
        return
    flat, by = [{name: flattened(x, shape) if np.ndim(x) and not _whole(page, name) else x
                 for name, x in given.items()} for given in (inputs, cotangents)]
    columns = int(np.prod(shape[1:]))
    steps = [slice(None)] if unit == "trajectory" else [slice(t, t + 1) for t in range(shape[0])]
    for column in range(columns):
        for rows in steps:
            index = rows, slice(column, column + 1)
            yield Piece(index, *({name: x[index] if np.ndim(x) and not _whole(page, name) else x
                                  for name, x in given.items()} for given in (flat, by)))


def _whole(page: Page, name: str) -> bool:
    """Whether ``name`` is a setting, which every piece gets whole. Outputs of cut pages never are."""
    entry = page.arguments.get(name)
    return entry is not None and entry.setting


def flattened(x: Any, shape: tuple[int, ...]) -> np.ndarray:
    """``x``, [T, *B, ...] or what broadcasts to [T, *B], as [T, B, ...]."""
    x = np.asarray(x)
    if x.shape[: len(shape)] != shape:
        x = np.broadcast_to(x, shape)
    return x.reshape(shape[0], int(np.prod(shape[1:])), *x.shape[len(shape):])
