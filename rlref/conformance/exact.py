"""A page at 60 decimal digits: the same loop, another number type, rounded once.

Values are the correctly rounded float64, the same bits on every machine. Derivatives are central differences of the
loop with h = 2^-200, at 200 digits: their own error is of order h^2, and 80 digits are left where a difference cancels
the other 120, so that a derivative of gamma^8 = 1e-64 beside values of order 1 still comes out to the last bit. Where
the differences to the left and to the right disagree, the loop is at a tie, and where they vanish, nothing is left to
divide; there the derivative is that of the branch which the loop takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from rlref.conformance.jet import Jet
from rlref.conformance.pieces import Piece, flattened, pieces
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
Terms = dict[str, list[Any]]


def outputs(page: Page, inputs: Mapping[str, Any]) -> Arrays:
    """The page's outputs, correctly rounded."""
    with mpmath.workdps(DIGITS):
        result = page.loop.run(inputs, lambda x, name, index: mpmath.mpf(x))  # type: ignore[attr-defined]
        return {name: _round(numbers) for name, numbers in zip(page.outputs, result, strict=True)}


def gradients(page: Page, inputs: Mapping[str, Any], cotangents: Mapping[str, np.ndarray]) -> Arrays:
    """The derivatives of sum(cotangent * output), term by term where the page gives them so, correctly rounded."""
    steps = page.steps(inputs)
    found: dict[str, Any] = {}
    for derivative in page.derivatives:
        x = inputs[derivative.by]
        per_step = page.arguments[derivative.by].per_step
        found[derivative.name] = np.full(flattened(x, steps).shape if per_step else np.shape(x), mpmath.mpf(0))
    with mpmath.workdps(DIFFERENCE_DIGITS):
        for piece in pieces(page, inputs, cotangents):
            for derivative, numbers in zip(page.derivatives, _gradients(page, piece), strict=True):
                place = found[derivative.name]
                if page.arguments[derivative.by].per_step:
                    place[piece.place] = numbers.reshape(place[piece.place].shape)
                else:
                    place[...] = place + numbers.reshape(place.shape)
        return {d.name: _round(found[d.name]).reshape(np.shape(inputs[d.by])) for d in page.derivatives}


def _gradients(page: Page, piece: Piece) -> Iterator[np.ndarray]:
    h = mpmath.ldexp(1, STEP)
    centre = _terms(page, piece, lambda x, name, index: mpmath.mpf(x))
    moved: dict[tuple[str, int], tuple[Terms, Terms]] = {}  # an input that two terms are trained by moves once
    for derivative in page.derivatives:
        numbers = np.empty(int(np.prod(np.shape(piece.inputs[derivative.by]))), dtype=object)
        here = sum(sum(centre[term]) for term in derivative.terms)
        noise = mpmath.mpf(NOISE) * sum(abs(y) for term in derivative.terms for y in centre[term])
        for index in range(numbers.size):
            where = derivative.by, index
            if where not in moved:
                moved[where] = _moved(page, piece, where, h), _moved(page, piece, where, -h)
            right, left = (sum(sum(terms[term]) for term in derivative.terms) for terms in moved[where])
            right, left = (right - here) / h, (here - left) / h
            agree = noise <= abs(right) and abs(right - left) <= mpmath.mpf(AGREE) * abs(right)
            numbers[index] = (right + left) / 2 if agree else _branch(page, piece, derivative.terms, where)
        yield numbers


def _terms(page: Page, piece: Piece, number: Number) -> Terms:
    """cotangent * output, element by element, of the loop run on ``number``."""
    result = page.loop.run(piece.inputs, number)  # type: ignore[attr-defined]
    terms = page.terms
    return {name: [y * mpmath.mpf(c) for c, y in zip(np.ravel(piece.cotangents[name]).tolist(), numbers.ravel(),
                                                     strict=True)]
            for name, numbers in zip(page.outputs, result, strict=True) if name in terms}


def _moved(page: Page, piece: Piece, where: tuple[str, int], h: Any) -> Terms:
    """The same with h added to one element of one input."""
    return _terms(page, piece, lambda x, name, index: mpmath.mpf(x) + h if where == (name, index) else mpmath.mpf(x))


def _branch(page: Page, piece: Piece, names: tuple[str, ...], where: tuple[str, int]) -> Any:
    """The same derivative by the branch that the loop takes at the point itself."""
    terms = _terms(page, piece, lambda x, name, index: Jet(mpmath.mpf(x), mpmath.mpf(where == (name, index))))
    return sum(term.slope for name in names for term in terms[name] if isinstance(term, Jet))


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
