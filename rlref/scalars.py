"""exp, log, sqrt, tanh and the like for any number type: one loop runs on floats, on 60 digits and on derivatives.

Plain numbers use ``math``. Any other number brings its own functions in ``.context``, as ``mpmath.mpf`` does and as
``conformance.jet.Jet`` does.
"""

from __future__ import annotations

import math
from typing import Any


def exp(x: Any) -> Any:
    """e to the x; inf where a float cannot hold it."""
    if isinstance(x, (int, float)):
        return math.exp(x) if x < 709.78 else math.inf
    return x.context.exp(x)


def log(x: Any) -> Any:
    """The natural logarithm; log(0) is minus infinity and log(inf) is inf, as their limits are."""
    if isinstance(x, (int, float)):
        return math.log(x) if x > 0 else -math.inf
    return x.context.log(x)


def sqrt(x: Any) -> Any:
    """The square root."""
    return math.sqrt(x) if isinstance(x, (int, float)) else x.context.sqrt(x)


def log1p(x: Any) -> Any:
    """log(1 + x), to the last digit where x is small."""
    return math.log1p(x) if isinstance(x, (int, float)) else x.context.log1p(x)


def tanh(x: Any) -> Any:
    """The hyperbolic tangent."""
    return math.tanh(x) if isinstance(x, (int, float)) else x.context.tanh(x)


def softplus(x: Any) -> Any:
    """log(1 + e^x), which does not overflow."""
    return x + log1p(exp(-x)) if x > 0 else log1p(exp(x))


def pi(like: Any) -> Any:
    """The number pi, as precise as ``like`` is."""
    number = getattr(like, "value", like)  # that of a Jet
    return math.pi if isinstance(number, (int, float)) else +number.context.pi


def distance(difference: Any, loss_function: str) -> Any:
    """l1: |u|.  l2: u^2.  smooth_l1: u^2 / 2 where |u| < 1, else |u| - 1/2.  The page is losses/distance.py."""
    size = abs(difference)
    if loss_function == "l1":
        return size
    if loss_function == "l2":
        return difference * difference
    return difference * difference / 2 if size < 1 else size - 0.5
