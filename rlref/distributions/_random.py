"""Noise from the random number generator that the caller hands over."""

from __future__ import annotations

from typing import Any

import numpy as np


def normal(rng: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Standard normal numbers."""
    return _drawn(rng, "standard_normal", size=shape)


def gumbel(rng: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Standard Gumbel numbers: added to logits, the largest sum is at an action with its probability."""
    return _drawn(rng, "gumbel", size=shape)


def permutation(rng: Any, count: int) -> np.ndarray:
    """The numbers below ``count`` in any order."""
    return _drawn(rng, "permutation", x=count)


def _drawn(rng: Any, name: str, **what: Any) -> np.ndarray:
    if not hasattr(rng, name):
        raise TypeError(f"rng: expected a numpy.random.Generator, got {type(rng).__name__}")
    return getattr(rng, name)(**what)
