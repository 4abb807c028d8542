"""The distribution that is at one point: torchrl's Delta, for deterministic policies.

Parameter: param, [T, *B, D]. There is no page, for nothing of it but the point is finite, and no divergence.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from rlref.distributions import _checked
from rlref.distributions._outputs import Draw

__all__ = ["Point", "entropy", "log_prob", "mode", "mode_vjp", "rsample", "rsample_vjp", "sample"]


class Point(NamedTuple):
    """The parameter, or a derivative by it, [T, *B, D]."""

    param: np.ndarray


def log_prob(sample: Any, param: Any, *, atol: float = 1e-6, rtol: float = 1e-6) -> np.ndarray:
    """Infinite [T, *B] where every dimension of ``sample`` is ``param``, within atol + rtol |param|; else minus that.

    It has no derivative.
    """
    point = _point(param)
    given = _checked.real("sample", sample, point.shape, "param")
    equal = np.all(np.abs(given - point) < atol + rtol * np.abs(point), axis=-1)
    return np.where(equal, np.inf, -np.inf)


def entropy(param: Any) -> np.ndarray:
    """Minus infinity [T, *B], the limit of a normal distribution's."""
    return np.full(_point(param).shape[:-1], -np.inf)


def rsample(rng: np.random.Generator, param: Any) -> Draw:
    """The point, its infinite log-density, and no noise: ``rng`` is not asked."""
    point = mode(param)
    return Draw(point, np.full(point.shape[:-1], np.inf), np.zeros_like(point))


def rsample_vjp(cotangent: tuple[Any, Any], noise: Any, param: Any) -> Point:
    """The derivative of the sample; ``cotangent`` is (by sample, by log_prob), and the latter adds nothing."""
    return mode_vjp(cotangent[0], param)


def sample(rng: np.random.Generator, param: Any) -> np.ndarray:
    """The point [T, *B, D]."""
    return mode(param)


def mode(param: Any) -> np.ndarray:
    """The point [T, *B, D]: torchrl's mode, mean and deterministic_sample."""
    return _point(param).copy()


def mode_vjp(cotangent: Any, param: Any) -> Point:
    """Its derivative: the cotangent."""
    return Point(_checked.real("cotangent", cotangent, _point(param).shape, "param").copy())


def _point(param: Any) -> np.ndarray:
    point = _checked.real("param", param)
    if point.ndim < 2 or not point.size:
        raise ValueError(f"param: expected shape [T, *B, D] with no axis empty, got {point.shape}")
    return point
