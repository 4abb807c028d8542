"""A number that knows its derivatives and how large the terms were that made it.

    value        v
    size         the same computation with every term made positive: |a| + |b| for a - b
    slope        dv/dx for a vector of inputs x, by forward differentiation
    slope_size   the same computation with every term made positive

``eps * size`` is what one rounding of the largest terms costs, so errors are counted in it: a difference of large
numbers may lose digits, and nobody should be blamed. A loop run on Jets gives all four at once, and at a tie its
slope is that of the branch which the loop takes there, which no difference quotient can tell.
"""

from __future__ import annotations

import math
import sys
from typing import Any

from rlref import scalars


class Jet:
    """value, size, slope and slope_size, over floats or mpmath numbers."""

    __slots__ = ("size", "slope", "slope_size", "value")
    context = sys.modules[__name__]  # where rlref.scalars finds exp, log and sqrt for this type

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
        return Jet(self.value * o.value, self.slope * o.value + o.slope * self.value, self.size * o.size,
                   self.slope_size * o.size + o.slope_size * self.size)

    def __truediv__(self, other: Any) -> Jet:
        o = _jet(other)
        inverse, size = 1 / o.value, o.size / (o.value * o.value)
        return self * Jet(inverse, -inverse * inverse * o.slope, size, size * size * o.slope_size)

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


def _jet(x: Any) -> Jet:
    return x if isinstance(x, Jet) else Jet(x)


def _zero_slope(x: Jet, value: Any) -> Jet:
    return Jet(value, 0 * x.slope_size)


def exp(x: Jet) -> Jet:
    """An error in x of one part of its size is an error of value * size in the result."""
    value = scalars.exp(x.value)
    if value == 0:  # exp(-inf): every derivative is zero
        return _zero_slope(x, value)
    size = value * (1 + x.size)
    return Jet(value, value * x.slope, size, size * x.slope_size)


def log(x: Jet) -> Jet:
    value = scalars.log(x.value)
    if value in (-math.inf, math.inf):
        return _zero_slope(x, value)
    size = x.size / (x.value * x.value)
    return Jet(value, x.slope / x.value, abs(value) + x.size / x.value, size * x.slope_size)


def sqrt(x: Jet) -> Jet:
    value = scalars.sqrt(x.value)
    size = value + x.size / (2 * value)
    return Jet(value, x.slope / (2 * value), size, x.slope_size * size / (2 * value * value))
