"""A number that knows its derivatives and how large the terms were that made it.

    value        v
    size         the same quantity computed from absolute values: |a| + |b| for a - b
    slope        dv/dx for a vector of inputs x, by forward differentiation
    slope_size   the same quantity computed from absolute values

``eps * size`` is what one rounding of the terms costs, carried through to the result, so errors are counted in it: a
difference of large numbers may lose digits, and nobody should be blamed. A loop run on Jets gives all four at once,
and at a tie its slope is that of the branch which the loop takes there, which no difference quotient can tell.
"""

from __future__ import annotations

import math
import sys
from typing import Any

from rlref import scalars

EPS = 2.0**-52


class Jet:
    """value, size, slope and slope_size, over floats or mpmath numbers."""

    __slots__ = ("size", "slope", "slope_size", "value")
    context = sys.modules[__name__]  # where rlref.scalars finds exp, log, ... for this type

    def __init__(self, value: Any, slope: Any = 0, size: Any = None, slope_size: Any = None) -> None:
        self.value, self.slope = value, slope
        self.size = abs(value) if size is None else size
        self.slope_size = abs(slope) if slope_size is None else slope_size

    def __add__(self, other: Any) -> Jet:
        o = _jet(other)
        return Jet(self.value + o.value, self.slope + o.slope, self.size + o.size, self.slope_size + o.slope_size)

    def __neg__(self) -> Jet:
        return Jet(-self.value, -self.slope, self.size, self.slope_size)

    def __mul__(self, other: Any) -> Jet:
        o = _jet(other)
        a, b = (self.value, self.size), (o.value, o.size)
        return Jet(self.value * o.value, self.slope * o.value + o.slope * self.value, _product(*a, *b),
                   _product(self.slope, self.slope_size, *b) + _product(o.slope, o.slope_size, *a))

    def __truediv__(self, other: Any) -> Jet:
        o = _jet(other)
        inverse = type(self.value)(1) / o.value  # 1 of the type of the numbers, as o may be a plain count
        size = o.size * inverse * inverse
        square = inverse * inverse, _product(inverse, size, inverse, size)
        result = self * Jet(inverse, -square[0] * o.slope, size, _product(*square, o.slope, o.slope_size))
        result.value = self.value / o.value
        return result

    def __sub__(self, other: Any) -> Jet:
        return self + -_jet(other)

    def __rsub__(self, other: Any) -> Jet:
        return _jet(other) - self

    def __rtruediv__(self, other: Any) -> Jet:
        return _jet(other) / self

    __radd__, __rmul__ = __add__, __mul__

    def __lt__(self, other: Any) -> bool:
        return self.value < _jet(other).value

    def __gt__(self, other: Any) -> bool:
        return self.value > _jet(other).value

    def __le__(self, other: Any) -> bool:
        return self.value <= _jet(other).value

    def __ge__(self, other: Any) -> bool:
        return self.value >= _jet(other).value

    def __eq__(self, other: object) -> bool:
        return self.value == _jet(other).value

    __hash__ = None  # type: ignore[assignment]

    def __abs__(self) -> Jet:
        """Its slope at 0 is 0, the middle of what it is on either side."""
        return self if self.value > 0 else -self if self.value < 0 else Jet(
            self.value, 0 * self.slope, self.size, self.slope_size)


def _jet(x: Any) -> Jet:
    return x if isinstance(x, Jet) else Jet(x)


def _product(a: Any, a_size: Any, b: Any, b_size: Any) -> Any:
    """The size of a b, to first order: |a| db + |b| da, not da db, which would blame a small a for its large terms."""
    a, b = abs(a), abs(b)
    return a * b_size + b * a_size - a * b + EPS * a_size * b_size


def _zero_slope(x: Jet, value: Any) -> Jet:
    return Jet(value, 0 * x.slope_size)


def exp(x: Jet) -> Jet:
    """An error in x of one part of its size is an error of value * size in the result."""
    value = scalars.exp(x.value)
    if value == 0:  # exp(-inf): every derivative is zero
        return _zero_slope(x, value)
    size = value * (1 + x.size)
    return Jet(value, value * x.slope, size, _product(value, size, x.slope, x.slope_size))


def log(x: Jet) -> Jet:
    value = scalars.log(x.value)
    if value in (-math.inf, math.inf):
        return _zero_slope(x, value)
    inverse, size = 1 / x.value, x.size / (x.value * x.value)
    return Jet(value, x.slope * inverse, abs(value) + x.size * inverse, _product(inverse, size, x.slope, x.slope_size))


def sqrt(x: Jet) -> Jet:
    value = scalars.sqrt(x.value)
    size = value + x.size / (2 * value)
    inverse, inverse_size = 1 / (2 * value), size / (2 * value * value)
    return Jet(value, x.slope * inverse, size, _product(inverse, inverse_size, x.slope, x.slope_size))


def log1p(x: Jet) -> Jet:
    value, inverse = scalars.log1p(x.value), 1 / (1 + x.value)
    size = abs(value) + x.size * inverse
    inverse_size = inverse * inverse * (1 + x.size)
    return Jet(value, x.slope * inverse, size, _product(inverse, inverse_size, x.slope, x.slope_size))


def tanh(x: Jet) -> Jet:
    """Its slope is right to the last digit, but counted as the 1 - tanh^2 that others compute."""
    value = scalars.tanh(x.value)
    power = scalars.exp(-2 * abs(x.value))
    slope = 4 * power / ((1 + power) * (1 + power))
    slope_size = 1 + value * value + 2 * abs(value) * slope * x.size
    return Jet(value, slope * x.slope, abs(value) + slope * x.size,
               _product(slope, slope_size, x.slope, x.slope_size))
