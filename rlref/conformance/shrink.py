"""From a failing case to a smaller one that fails in the same way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from rlref.conformance.cases import Inputs, legal
from rlref.pages import Page

SECONDS = 10.0


def shrink(page: Page, inputs: Inputs, fails: Callable[[Inputs], bool], seconds: float = SECONDS) -> Inputs:
    """The smallest inputs found that are legal and for which ``fails`` holds, starting from ``inputs``."""
    deadline = time.monotonic() + seconds
    smaller = True
    while smaller:
        smaller = False
        for candidate in _candidates(page, inputs):
            if time.monotonic() > deadline:
                return inputs
            if _size(candidate) < _size(inputs) and legal(page, candidate) and fails(candidate):
                inputs, smaller = candidate, True
                break
    return inputs


def _size(inputs: Inputs) -> tuple[float, ...]:
    """What makes a case large to a reader: its elements and axes, then how odd their values are."""
    arrays = [np.asarray(len(x) if isinstance(x, str) else x, dtype=np.float64) for x in inputs.values()]
    odd = sum(float(np.sum(_oddness(x))) for x in arrays)
    return sum(x.size for x in arrays), sum(x.ndim for x in arrays), odd


def _oddness(x: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        plain = np.where(x == 0, 0, np.where(x == 1, 1, np.where(x == np.round(x, 1), 2, 4)))
        return np.where(np.isfinite(x), plain + np.minimum(np.abs(x), 1e6) / 1e7, 3)


def _candidates(page: Page, inputs: Inputs) -> Iterator[Inputs]:
    shape = page.steps(inputs)
    per_element = [name for name, entry in page.arguments.items() if np.ndim(inputs[name]) and not entry.setting]
    if len(shape) > 1 and shape[-1] == 1:  # no batch axis
        yield {**inputs, **{name: inputs[name].squeeze(len(shape) - 1) for name in per_element}}
    yield from _narrower(page, inputs, len(shape))
    for axis in range(1, len(shape)):  # one trajectory of many
        for i in range(shape[axis]):
            yield {**inputs, **{name: np.take(x, min(i, x.shape[axis] - 1), axis)
                                for name in per_element if (x := inputs[name]).ndim > axis}}
    n = shape[0]
    for length in sorted({n // 2, n // 4, 1} - {0}, reverse=True):  # without some of the steps
        for start in range(0, n, length):
            keep = np.r_[0:start, min(start + length, n) : n]
            if len(keep):
                yield {**inputs, **{name: inputs[name][keep] for name in per_element if len(inputs[name]) == n}}
    for name, x in inputs.items():
        if np.ndim(x) and page.arguments[name].parameter:
            yield from ({**inputs, name: float(value)} for value in np.unique(x)[:3])
    for name, x in inputs.items():  # plainer values: all at once, then one by one
        if np.ndim(x) == 0:
            if isinstance(x, float):
                yield from ({**inputs, name: value} for value in (0.0, 1.0, 0.5))
            elif page.arguments[name].kind == "int":
                yield from ({**inputs, name: value} for value in range(max(x - 3, 0), x))
            elif page.arguments[name].kind == "choice":
                yield from ({**inputs, name: value} for value in page.arguments[name].choices)
            continue
        for value in (0, 1):
            yield {**inputs, name: np.full_like(x, value)}
        for index in np.ndindex(x.shape):
            values: tuple[Any, ...] = (False,) if x.dtype == bool else (0, 1, 2)
            for value in values:
                if x[index] != value:
                    changed = x.copy()
                    changed[index] = value
                    yield {**inputs, name: changed}


def _narrower(page: Page, inputs: Inputs, axes: int) -> Iterator[Inputs]:
    """Without one of the actions, critics, atoms, ..., in every argument that has that axis."""
    where = {name: {axis: i + (axes if entry.per_step else 0) for i, axis in enumerate(entry.named)}
             for name, entry in page.arguments.items() if np.ndim(inputs[name])}
    for axis in dict.fromkeys(axis for place in where.values() for axis in place if axis.isalpha()):
        size = next(inputs[name].shape[place[axis]] for name, place in where.items() if axis in place)
        for i in range(size if size > 1 else 0):
            yield {**inputs, **{name: np.delete(inputs[name], i, place[axis]) for name, place in where.items()
                                if axis in place}}
