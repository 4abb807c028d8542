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
    wrong: Callable[..., Any]
    gradient: bool = False  # whether the values are right and only vjp is wrong

    def apply(self, right: Function) -> Function:
        """``right`` (the page's values, or its vjp) with this one thing wrong, called like it."""
        if self.gradient:
            return lambda cotangent, **inputs: self.wrong(right, cotangent, inputs)
        return lambda **inputs: self.wrong(right, inputs)

    def answer(self, page: Page, inputs: Mapping[str, Any], cotangents: Mapping[str, Any]) -> dict[str, Any]:
        """The wrong outputs by name, or the wrong gradients."""
        function = self.apply(unchecked(page, self.gradient))
        if self.gradient:
            return page.gradients(function(page.output(**cotangents), **inputs))
        return function(**inputs)._asdict()


def mistake(what: str, seen: str) -> Callable[[Callable[..., Any]], Mistake]:
    """Make a Mistake of a function; its name, in kebab case, is the function's."""
    return lambda wrong: Mistake(wrong.__name__.replace("_", "-"), what, seen, wrong)


def gradient_mistake(what: str, seen: str) -> Callable[[Callable[..., Any]], Mistake]:
    """The same where only the derivative is wrong: of a function of right (the page's vjp), cotangent and x."""
    return lambda wrong: Mistake(wrong.__name__.replace("_", "-"), what, seen, wrong, True)


def unchecked(page: Page, gradient: bool = False) -> Function:
    """The page's vectorized form (or vjp) without the contract: a mistake may pass on what the contract would refuse.

    A setting that the contract would make an array of, such as a pair of clip_epsilon, must be one already.
    """
    bare = (page.vjp if gradient else page.vectorized).__wrapped__  # type: ignore[attr-defined]
    pairs = [name for name, entry in page.arguments.items() if entry.axes.startswith("scalar or [") and entry.setting]

    def right(*cotangent: Any, **inputs: Any) -> Any:
        for name in pairs:
            axis = page.arguments[name].named[0]
            size = 2 if axis == "2" else next(np.shape(inputs[other])[-1] for other, entry in page.arguments.items()
                                              if entry.per_step and entry.named[-1:] == (axis,))
            inputs[name] = np.broadcast_to(np.asarray(inputs[name], np.float64), (size,))
        with np.errstate(all="ignore"):
            return bare(*cotangent, **inputs)

    return right


@cache
def known(page: str) -> dict[str, Mistake]:
    """The mistakes of the page called ``page`` (such as "returns.gae"), by name."""
    module = importlib.import_module(f"rlref.conformance.mistakes.{page.rpartition('.')[2]}")
    found = [value for value in vars(module).values() if isinstance(value, Mistake)]
    return {one.name: one for one in found}
