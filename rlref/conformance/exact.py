"""A page at 60 decimal digits: the same loop, another number type, rounded once.

Values are the correctly rounded float64, the same bits on every machine. Derivatives are central differences of the
loop with h = 2^-200, at 200 digits: their own error is of order h^2, and 80 digits are left where a difference cancels
the other 120, so that a derivative of gamma^8 = 1e-64 beside values of order 1 still comes out to the last bit. Where
the differences to the left and to the right disagree, the loop is at a tie, and where they vanish, nothing is left to
divide; there the derivative is that of the branch which the loop takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rlref.conformance.jet import Jet
from rlref.contract import Number
from rlref.pages import Page

try:
    import mpmath
except ImportError as error:  # pragma: no cover - the message is tested in a subprocess
    raise ImportError("exact evaluation needs mpmath: pip install 'rlref[golden]'") from error

DIGITS, DIFFERENCE_DIGITS = 60, 200
STEP = -200  # h is a power of two, so that x + h is exact, and a derivative halfway between two floats goes to even
AGREE, NOISE = "1e-40", "1e-100"
Arrays = dict[str, np.ndarray]


def outputs(page: Page, inputs: Mapping[str, Any]) -> Arrays:
    """The page's outputs, correctly rounded."""
    with mpmath.workdps(DIGITS):
        result = page.loop.run(inputs, lambda x, name, index: mpmath.mpf(x))  # type: ignore[attr-defined]
        return {name: _round(numbers) for name, numbers in zip(page.outputs, result, strict=True)}


def gradients(page: Page, inputs: Mapping[str, Any], cotangents: Mapping[str, np.ndarray]) -> Arrays:
    """The derivative of sum(cotangent * output) by each differentiable input, correctly rounded."""
    shape = np.shape(inputs[page.differentiable[0]])
    if page.loop.whole_batch:  # type: ignore[attr-defined]
        return _gradients(page, inputs, cotangents)
    found = {name: np.empty((shape[0], int(np.prod(shape[1:])))) for name in page.differentiable}
    for column in range(found[page.differentiable[0]].shape[1]):  # no trajectory depends on another: one at a time
        def pick(x: Any, column: int = column) -> Any:
            return np.broadcast_to(x, shape).reshape(shape[0], -1)[:, column] if np.ndim(x) else x

        by = {name: pick(x) for name, x in cotangents.items()}
        part = _gradients(page, {name: pick(x) for name, x in inputs.items()}, by)
        for name, derivative in part.items():
            found[name][:, column] = derivative
    return {name: derivative.reshape(shape) for name, derivative in found.items()}


def _gradients(page: Page, inputs: Mapping[str, Any], cotangents: Mapping[str, np.ndarray]) -> Arrays:
    with mpmath.workdps(DIFFERENCE_DIGITS):
        h = mpmath.ldexp(1, STEP)
        terms = _terms(page, inputs, cotangents, lambda x, name, index: mpmath.mpf(x))
        centre, noise = sum(terms), mpmath.mpf(NOISE) * sum(map(abs, terms))
        derivatives: Arrays = {}
        for name in page.differentiable:
            shape = np.shape(inputs[name])
            numbers = np.empty(int(np.prod(shape)), dtype=object)
            for index in range(numbers.size):
                right = (_total(page, inputs, cotangents, (name, index), h) - centre) / h
                left = (centre - _total(page, inputs, cotangents, (name, index), -h)) / h
                agree = noise <= abs(right) and abs(right - left) <= mpmath.mpf(AGREE) * abs(right)
                numbers[index] = (right + left) / 2 if agree else _branch(page, inputs, cotangents, (name, index))
            derivatives[name] = _round(numbers.reshape(shape))
        return derivatives


def _terms(page: Page, inputs: Mapping[str, Any], cotangents: Mapping[str, np.ndarray], number: Number) -> list[Any]:
    """cotangent * output, element by element, of the loop run on ``number``."""
    result = page.loop.run(inputs, number)  # type: ignore[attr-defined]
    return [y * mpmath.mpf(c) for name, numbers in zip(page.outputs, result, strict=True)
            for c, y in zip(np.ravel(cotangents[name]).tolist(), numbers.ravel(), strict=True)]


def _total(page: Page, inputs: Mapping[str, Any], cotangents: Mapping[str, np.ndarray], where: Any, h: Any) -> Any:
    """sum(cotangent * output), with h added to one element of one input."""
    return sum(_terms(page, inputs, cotangents, lambda x, name, index: (
        mpmath.mpf(x) + h if where == (name, index) else mpmath.mpf(x))))


def _branch(page: Page, inputs: Mapping[str, Any], cotangents: Mapping[str, np.ndarray], where: Any) -> Any:
    """The same derivative by the branch that the loop takes at the point itself."""
    terms = _terms(page, inputs, cotangents,
                   lambda x, name, index: Jet(mpmath.mpf(x), mpmath.mpf(where == (name, index))))
    return sum(term.slope for term in terms)


def _round(numbers: np.ndarray) -> np.ndarray:
    """Each number to the nearest float64, and no -0.0, which no difference quotient can tell from 0.0."""
    return np.array([_nearest(mpmath.mpf(x)) for x in numbers.flat]).reshape(numbers.shape) + 0.0


def _nearest(x: Any) -> float:
    if not mpmath.isfinite(x) or not -1100 < mpmath.mag(x) <= 1024:  # beyond the range on either side, or zero
        return float(x)
    numerator, denominator = mpmath.libmp.to_rational(x._mpf_)
    try:
        return numerator / denominator  # Python rounds the quotient of two integers correctly, mpmath not below 1e-308
    except OverflowError:
        return float(mpmath.sign(x)) * np.inf
