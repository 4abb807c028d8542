"""Arguments of the modules that reach no page, refused as pages refuse theirs."""

from __future__ import annotations

from typing import Any

import numpy as np

from rlref import checks
from rlref.glossary import Entry

REAL = Entry("", "", "real", "")


def real(name: str, value: Any, shape: tuple[int, ...] | None = None, like: str = "") -> np.ndarray:
    """``value`` as a finite float64 array, of ``shape`` if that is given."""
    x = checks.coerce(name, value, REAL)
    if shape is not None and x.shape != shape:
        raise ValueError(f"{name}: expected shape {shape} like {like}, got {x.shape}")
    checks.values(name, x, REAL)
    return x


def logits(value: Any) -> np.ndarray:
    """``value`` as a float64 array, whatever is in it."""
    return checks.coerce("logits", value, REAL)


def one_hot(value: Any) -> np.ndarray:
    """Where the 1 is, along the last axis."""
    action = np.asarray(value)
    if action.dtype.kind not in "biuf" or not action.ndim:
        raise TypeError(f"action: expected an array of zeros and ones, got dtype {action.dtype}, shape {action.shape}")
    wrong = ((action != 0) & (action != 1)).any(axis=-1) | (np.sum(action == 1, axis=-1) != 1)
    if wrong.any():
        index, where = checks.first(wrong)
        raise ValueError(f"action: expected a 1 among zeros along A, got {action[index].tolist()}{where}")
    return action.argmax(axis=-1)
