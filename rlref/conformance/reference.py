"""What a page should give, in float64: from its loop alone, with the unit in which to count a backend's error.

The gradient is that of the loop by forward differentiation, not the page's ``vjp``, which is itself judged by it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from rlref.conformance.jet import Jet
from rlref.pages import Page

Arrays = dict[str, np.ndarray]
EPS = float(np.finfo(np.float64).eps)
UNITS = 16  # how many eps * scale a value may be off
GRADIENT_UNITS = 64  # and how many a derivative


class Expected(NamedTuple):
    """Arrays by name, and for each the same quantity computed from absolute values."""

    values: Arrays
    scales: Arrays


def outputs(page: Page, inputs: Mapping[str, Any]) -> Expected:
    """The page's loop on ``inputs``."""
    result = page.loop.run(inputs, lambda x, name, index: Jet(x))  # type: ignore[attr-defined]
    return Expected(*({name: _floats(part, jets) for name, jets in zip(page.outputs, result, strict=True)}
                      for part in ("value", "size")))


def gradients(page: Page, inputs: Mapping[str, Any], cotangents: Mapping[str, np.ndarray]) -> Expected:
    """The derivative of sum(cotangent * output) by each differentiable input."""
    shape = np.shape(inputs[page.differentiable[0]])
    count = int(np.prod(shape))
    basis = np.eye(len(page.differentiable) * count)
    first = {name: i * count for i, name in enumerate(page.differentiable)}
    zero = np.zeros(len(basis))

    def seed(x: float, name: str, index: int) -> Jet:
        return Jet(x, basis[first[name] + index]) if name in first else Jet(x, zero)

    result = page.loop.run(inputs, seed)  # type: ignore[attr-defined]
    slope, size = np.zeros(len(basis)), np.zeros(len(basis))
    for name, jets in zip(page.outputs, result, strict=True):
        for c, jet in zip(np.ravel(cotangents[name]).tolist(), jets.ravel(), strict=True):
            jet = jet if isinstance(jet, Jet) else Jet(jet, zero)
            slope, size = slope + c * jet.slope, size + abs(c) * jet.slope_size
    return Expected(*({name: part[i : i + count].reshape(shape) for name, i in first.items()}
                      for part in (slope, size)))


def shared(scales: Arrays) -> Arrays:
    """The largest scale among the outputs of a step, for each: whether a program computes G and then A = G - V, or A
    and then G = A + V, is its own affair."""
    largest = functools.reduce(np.maximum, scales.values())
    return dict.fromkeys(scales, largest)


def worst_error(got: np.ndarray, expected: np.ndarray, scale: np.ndarray, eps: float = EPS) -> float:
    """The largest |got - expected| in units of eps * scale; inf where only one of them is finite."""
    with np.errstate(invalid="ignore", over="ignore"):
        error = np.abs(np.asarray(got, np.float64) - expected)
        # Below its smallest normal number a type has no eps left: count in that number.
        tiny = np.finfo(np.float64 if eps == EPS else np.float32).tiny
        units = error / np.maximum(eps * scale, float(tiny))
    units = np.where(got == expected, 0.0, units)  # equal infinities
    return float(np.max(np.where(np.isnan(units), np.inf, units), initial=0.0))


def _floats(part: str, jets: np.ndarray) -> np.ndarray:
    numbers = [getattr(jet, part) if isinstance(jet, Jet) else abs(jet) if part == "size" else jet for jet in jets.flat]
    return np.array(numbers, dtype=np.float64).reshape(jets.shape)
