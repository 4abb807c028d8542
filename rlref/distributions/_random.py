"""Noise from the random number generator that the caller hands over."""

from __future__ import annotations

from typing import Any

import numpy as np


def normal(rng: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Standard normal numbers."""
    return _drawn(rng, "standard_normal", shape)


def gumbel(rng: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Standard Gumbel numbers: added to logits, the largest sum is at an action with its probability."""
    return _drawn(rng, "gumbel", shape)


def _drawn(rng: Any, name: str, shape: tuple[int, ...]) -> np.ndarray:
    if not hasattr(rng, name):
        raise TypeError(f"rng: expected a numpy.random.Generator, got {type(rng).__name__}")
    return getattr(rng, name)(size=shape)
