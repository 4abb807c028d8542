"""A page at 60 decimal digits: the same loop, another number type, rounded once.

Values are the correctly rounded float64, the same bits on every machine. Derivatives are central differences of the
loop with h = 2^-200, at 200 digits: their own error is of order h^2, and 80 digits are left where a difference cancels
the other 120, so that a derivative of gamma^8 = 1e-64 beside values of order 1 still comes out to the last bit. Where
the differences to the left and to the right disagree, the loop is at a tie, and where they vanish, nothing is left to
divide; there the derivative is that of the branch which the loop takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
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
EXACT = mpmath.MPContext()  # its precision is nobody else's


def _remembered(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A difference moves one input of many: most of what a loop takes the logarithm of is what it was before."""
    at = lru_cache(10_000)(lambda x, precision: function(x))
    return lambda x: at(x, EXACT.prec)


for _name in ("exp", "log", "log1p", "sqrt", "tanh"):
    setattr(EXACT, _name, _remembered(getattr(EXACT, _name)))


def outputs(page: Page, inputs: Mapping[str, Any]) -> Arrays:
    """The page's outputs, correctly rounded."""
    with EXACT.workdps(DIGITS):
        result = page.loop.run(inputs, lambda x, name, index: EXACT.mpf(x))  # type: ignore[attr-defined]
        return {name: _round(numbers) for name, numbers in zip(page.outputs, result, strict=True)}


def gradients(page: Page, inputs: Mapping[str, Any], cotangents: Mapping[str, np.ndarray]) -> Arrays:
    """The derivatives of sum(cotangent * output), term by term where the page gives them so, correctly rounded."""
    steps = page.steps(inputs)
    found: dict[str, Any] = {}
    for derivative in page.derivatives:
        x = inputs[derivative.by]
        per_step = page.arguments[derivative.by].per_step
        found[derivative.name] = np.full(flattened(x, steps).shape if per_step else np.shape(x), EXACT.mpf(0))
    with EXACT.workdps(DIFFERENCE_DIGITS):
        for piece in pieces(page, inputs, cotangents):
            for derivative, numbers in zip(page.derivatives, _gradients(page, piece), strict=True):
                place = found[derivative.name]
                if page.arguments[derivative.by].per_step:
                    place[piece.place] = numbers.reshape(place[piece.place].shape)
                else:
                    place[...] = place + numbers.reshape(place.shape)
        return {d.name: _round(found[d.name]).reshape(np.shape(inputs[d.by])) for d in page.derivatives}


def _gradients(page: Page, piece: Piece) -> Iterator[np.ndarray]:
    h, number = EXACT.ldexp(1, STEP), _made_once()
    piece = piece._replace(cotangents={name: [EXACT.mpf(c) for c in np.ravel(x).tolist()]
                                       for name, x in piece.cotangents.items()})
    centre = _terms(page, piece, number)
    moved: dict[tuple[str, int], tuple[Terms, Terms]] = {}  # an input that two terms are trained by moves once
    for derivative in page.derivatives:
        numbers = np.empty(int(np.prod(np.shape(piece.inputs[derivative.by]))), dtype=object)
        here = sum(sum(centre[term]) for term in derivative.terms)
        noise = EXACT.mpf(NOISE) * sum(abs(y) for term in derivative.terms for y in centre[term])
        for index in range(numbers.size):
            where = derivative.by, index
            if where not in moved:
                moved[where] = _moved(page, piece, number, where, h), _moved(page, piece, number, where, -h)
            right, left = (sum(sum(terms[term]) for term in derivative.terms) for terms in moved[where])
            right, left = (right - here) / h, (here - left) / h
            agree = noise <= abs(right) and abs(right - left) <= EXACT.mpf(AGREE) * abs(right)
            numbers[index] = (right + left) / 2 if agree else _branch(page, piece, derivative.terms, where)
        yield numbers


def _made_once() -> Number:
    """Makes an exact number of each input, once."""
    made: dict[tuple[str, int], Any] = {}

    def number(x: float, name: str, index: int) -> Any:
        if (name, index) not in made:
            made[name, index] = EXACT.mpf(x)
        return made[name, index]
    return number


def _terms(page: Page, piece: Piece, number: Number) -> Terms:
    """cotangent * output, element by element, of the loop run on ``number``."""
    result = page.loop.run(piece.inputs, number)  # type: ignore[attr-defined]
    terms = page.terms
    return {name: [y * c for c, y in zip(piece.cotangents[name], numbers.ravel(), strict=True)]
            for name, numbers in zip(page.outputs, result, strict=True) if name in terms}


def _moved(page: Page, piece: Piece, number: Number, where: tuple[str, int], h: Any) -> Terms:
    """The same with h added to one element of one input."""
    return _terms(page, piece, lambda x, name, index: number(x, name, index) + h if where == (name, index)
                  else number(x, name, index))


def _branch(page: Page, piece: Piece, names: tuple[str, ...], where: tuple[str, int]) -> Any:
    """The same derivative by the branch that the loop takes at the point itself."""
    terms = _terms(page, piece, lambda x, name, index: Jet(EXACT.mpf(x), EXACT.mpf(where == (name, index))))
    return sum(term.slope for name in names for term in terms[name] if isinstance(term, Jet))


def _round(numbers: np.ndarray) -> np.ndarray:
    """Each number to the nearest float64, and no -0.0, which no difference quotient can tell from 0.0."""
    return np.array([_nearest(EXACT.mpf(x)) for x in numbers.flat]).reshape(numbers.shape) + 0.0


def _nearest(x: Any) -> float:
    if not mpmath.isfinite(x) or not -1100 < mpmath.mag(x) <= 1024:  # beyond the range on either side, or zero
        return float(x)
    numerator, denominator = map(int, mpmath.libmp.to_rational(x._mpf_))  # not what gmpy2 has in their place
    try:
        return numerator / denominator  # Python rounds the quotient of two integers correctly, mpmath not below 1e-308
    except OverflowError:
        return float(mpmath.sign(x)) * np.inf
