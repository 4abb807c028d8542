"""Known mistakes: each a short function that does one thing wrong, and otherwise what is right.

A mistake takes ``right``, the page's own function, and the page's inputs ``x`` by name, whole arrays [T, *B]:

    @mistake("terminates the bootstrap at truncations too", "https://github.com/...")
    def truncation_treated_as_termination(right, x):
        return right(**x | {"terminated": x["done"]})

Because ``right`` may itself be mistaken, two mistakes are one inside the other, and every pair can be tried.
``mistakes/<page>.py`` holds those of a page; what several pages share lives in ``ends.py`` (masks and V(s'_t)),
``discounts.py`` (gamma, lambda, axes, direction) and ``outputs.py`` (what is made of a return).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from rlref.pages import Page

Function = Callable[..., Any]


class Mistake(NamedTuple):
    """What is wrong, where it was seen (a public link, or "folklore"), and the wrong function itself."""

    name: str
    what: str
    seen: str
    wrong: Callable[[Function, Mapping[str, Any]], Any]

    def apply(self, right: Function) -> Function:
        """``right`` with this one thing wrong, called like it."""
        return lambda **inputs: self.wrong(right, inputs)


def mistake(what: str, seen: str) -> Callable[[Callable[..., Any]], Mistake]:
    """Make a Mistake of a function; its name, in kebab case, is the function's."""
    return lambda wrong: Mistake(wrong.__name__.replace("_", "-"), what, seen, wrong)


def unchecked(page: Page) -> Function:
    """The page's vectorized form without the contract: a mistake may pass on what the contract would refuse."""
    bare = page.vectorized.__wrapped__  # type: ignore[attr-defined]

    def right(**inputs: Any) -> Any:
        with np.errstate(all="ignore"):
            return bare(**inputs)

    return right


@cache
def known(page: str) -> dict[str, Mistake]:
    """The mistakes of the page called ``page`` (such as "returns.gae"), by name."""
    module = importlib.import_module(f"rlref.conformance.mistakes.{page.rpartition('.')[2]}")
    found = [value for value in vars(module).values() if isinstance(value, Mistake)]
    return {one.name: one for one in found}
