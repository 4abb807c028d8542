"""What a page should give, in float64: from its loop alone, with the unit in which to count a backend's error.

The gradient is that of the loop by forward differentiation, not the page's ``vjp``, which is itself judged by it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from rlref.conformance.jet import Jet
from rlref.conformance.pieces import flattened, pieces
from rlref.glossary import entry
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
    """The derivatives of sum(cotangent * output), term by term where the page gives them so."""
    steps = page.steps(inputs)
    found = Expected(*({derivative.name: np.zeros(flattened(inputs[derivative.by], steps).shape if
                                                  page.arguments[derivative.by].per_step else
                                                  np.shape(inputs[derivative.by]))
                        for derivative in page.derivatives} for _ in range(2)))
    for piece in pieces(page, inputs, cotangents):
        for arrays, part in zip(found, _gradients(page, piece.inputs, piece.cotangents), strict=True):
            for derivative in page.derivatives:
                name = derivative.name
                if page.arguments[derivative.by].per_step:
                    place = arrays[name][piece.place]
                    place += part[name].reshape(place.shape)
                else:
                    arrays[name] = arrays[name] + part[name]
    return Expected(*({d.name: arrays[d.name].reshape(np.shape(inputs[d.by])) for d in page.derivatives}
                      for arrays in found))


def _gradients(page: Page, inputs: Mapping[str, Any], cotangents: Mapping[str, Any]) -> Expected:
    sizes = {name: int(np.prod(np.shape(inputs[name]))) for name in page.differentiable}
    first = dict(zip(sizes, np.cumsum([0, *sizes.values()]).tolist(), strict=False))
    basis = np.eye(sum(sizes.values()))
    zero = np.zeros(len(basis))

    def seed(x: float, name: str, index: int) -> Jet:
        return Jet(x, basis[first[name] + index]) if name in first else Jet(x, zero)

    result = page.loop.run(inputs, seed)  # type: ignore[attr-defined]
    totals: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for name, jets in zip(page.outputs, result, strict=True):
        slope, size = np.zeros(len(basis)), np.zeros(len(basis))
        for c, jet in zip(np.ravel(cotangents[name]).tolist(), jets.ravel(), strict=True):
            if isinstance(jet, Jet):
                slope, size = slope + c * jet.slope, size + abs(c) * jet.slope_size
        totals[name] = slope, size
    return Expected(*({d.name: sum((totals[term][part] for term in d.terms), zero)[first[d.by]:][:sizes[d.by]]
                       .reshape(np.shape(inputs[d.by])) for d in page.derivatives} for part in range(2)))


def shared(page: Page, scales: Arrays) -> Arrays:
    """Of estimates, the largest scale among the outputs of a step, for each: whether a program computes G and then
    A = G - V, or A and then G = A + V, is its own affair. Of a distribution, the largest among its atoms: so is whether
    it counts where mass lands from the atom below or, as Algorithm 1 of C51 does, from the first."""
    if page.name.startswith("returns."):
        return dict.fromkeys(scales, functools.reduce(np.maximum, scales.values()))
    return {name: np.broadcast_to(x.max(axis=-1, keepdims=True), x.shape) if entry(name, page.short).named == ("K",)
            else x for name, x in scales.items()}


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
