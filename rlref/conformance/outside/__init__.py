"""Cases whose numbers come from elsewhere: worked by hand, printed in a book or an issue, or given by another library.

``published`` holds the numbers as found, each right to ``within``; a test holds rlref's exact values to them, and the
numbers said to be rlax's to what the pinned rlax gives. The vectors then carry the exact values. The modules here hold
them, by family or by group of losses; a module with ``OUTSIDE`` is found by looking.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Any, NamedTuple

import numpy as np


class Outside(NamedTuple):
    """One case from elsewhere."""

    page: str
    id: str
    comment: str
    source: str
    within: float
    inputs: dict[str, Any]
    published: dict[str, Any]


@cache
def every_outside() -> tuple[Outside, ...]:
    """All of them, module by module."""
    names = sorted((info.name for info in pkgutil.iter_modules(__path__)), key=lambda name: (name != "returns", name))
    return tuple(one for name in names for one in importlib.import_module(f"{__name__}.{name}").OUTSIDE)


def mask(*steps: int, of: int) -> np.ndarray:
    """True at ``steps``, of so many."""
    found = np.zeros(of, bool)
    found[list(steps)] = True
    return found


def array(*numbers: Any) -> np.ndarray:
    """A float64 array."""
    return np.array(numbers, dtype=np.float64)


HAND = "worked by hand: "
RLAX = "rlax 0.1.9, float64: "
