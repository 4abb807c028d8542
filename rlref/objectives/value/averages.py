"""The page returns/standardize on a part of an array."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rlref.returns import standardize


def standardized(x: np.ndarray, valid: np.ndarray | None, ddof: int, std_min: float
                 ) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
    """``x`` [*B, T, 1] standardized over the steps that are ``valid`` [*B, T], 0 at others; and the way back."""
    kept = np.ones(x.shape, bool) if valid is None else np.broadcast_to(valid[..., None], x.shape)

    def fill(values: np.ndarray) -> np.ndarray:
        whole = np.zeros(x.shape)
        whole[kept] = values
        return whole

    def back(by: np.ndarray) -> np.ndarray:
        return fill(standardize.vjp(standardize.Standardized(by[kept]), x[kept], ddof=ddof, std_min=std_min).advantage)

    return fill(standardize.vectorized(x[kept], ddof=ddof, std_min=std_min).advantage), back
