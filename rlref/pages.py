"""The pages there are, found by looking: nothing is registered, a module that has the parts is a page."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Mapping
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from rlref.glossary import GLOSSARY, Entry

FAMILIES = ("returns",)


class Page(NamedTuple):
    """One estimator or loss, and what can be read off its module."""

    module: ModuleType

    @property
    def name(self) -> str:
        """Family and module, such as "returns.gae"."""
        return self.module.__name__.removeprefix("rlref.")

    @property
    def short(self) -> str:
        """The module's own name, such as "gae"; a backend's function is called so."""
        return self.name.rpartition(".")[2]

    @property
    def title(self) -> str:
        """The first line of the docstring, without its full stop."""
        return (self.module.__doc__ or "").strip().splitlines()[0].rstrip(".")

    @property
    def loop(self) -> Callable[..., Any]:
        return self.module.loop

    @property
    def vectorized(self) -> Callable[..., Any]:
        return self.module.vectorized

    @property
    def vjp(self) -> Callable[..., Any]:
        return self.module.vjp

    @property
    def output(self) -> type:
        """The NamedTuple that loop and vectorized return."""
        return inspect.signature(self.loop).return_annotation

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the outputs."""
        return self.output._fields  # type: ignore[attr-defined]

    @property
    def differentiable(self) -> tuple[str, ...]:
        """The inputs that vjp differentiates by, in signature order."""
        return self.module.Gradient._fields

    @property
    def arguments(self) -> dict[str, Entry]:
        """What the glossary says of each argument, in signature order."""
        return {name: GLOSSARY[name] for name in inspect.signature(self.loop).parameters}

    def shape(self, inputs: Mapping[str, Any]) -> tuple[int, ...]:
        """[T, *B] of these inputs: the shape of every argument that has a value a step."""
        return next(np.shape(inputs[name]) for name, entry in self.arguments.items() if entry.per_step)

    @property
    def citation(self) -> str:
        """The first work that the source names, to its equation number."""
        return re.split(r"; |: | \(| for \(", self.section("Source"))[0]

    def section(self, heading: str) -> str:
        """A section of the docstring, such as "Source", as one line; empty where there is none."""
        lines = iter(inspect.cleandoc(self.module.__doc__ or "").splitlines())
        found: list[str] = []
        for line in lines:
            if line.startswith(heading + " "):
                found.append(line.removeprefix(heading).strip())
                for more in lines:
                    if not more.startswith(" "):
                        break
                    found.append(more.strip())
                break
        return " ".join(found)


@cache
def pages() -> dict[str, Page]:
    """Every page by name, in alphabetical order of family and module."""
    found = {}
    for family in FAMILIES:
        package = importlib.import_module(f"rlref.{family}")
        for info in pkgutil.iter_modules(package.__path__):
            if not info.name.startswith("_"):
                page = Page(importlib.import_module(f"rlref.{family}.{info.name}"))
                found[page.name] = page
    return found


def find(name: str) -> Page:
    """The page called ``name``, "returns.gae" or "gae", or an error that lists the names there are."""
    matches = [page for page in pages().values() if name in (page.name, page.short)]
    if len(matches) != 1:
        raise ValueError(f"reference: expected one of {', '.join(pages())}, got {name!r}")
    return matches[0]
