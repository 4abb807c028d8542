"""The pages there are, found by looking: nothing is registered, a module with a ``loop`` is a page."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType, ModuleType
from typing import Any, NamedTuple, get_type_hints

import numpy as np

from rlref.glossary import Entry, entry

FAMILIES = ("bootstraps", "returns", "losses", "targets", "distributions")


class Derivative(NamedTuple):
    """One array of a page's Gradient: which outputs it differentiates, and by which input."""

    name: str  # "reward", or "loss_actor.log_prob" where the gradient is given term by term
    terms: tuple[str, ...]
    by: str


# What pages ask of their functions at every step of an exact difference, found once.
_signature = cache(inspect.signature)


@cache
def _arguments(loop: Callable[..., Any], page: str) -> Mapping[str, Entry]:
    return MappingProxyType({name: entry(name, page) for name in _signature(loop).parameters})


@cache
def _terms(loop: Callable[..., Any], page: str) -> tuple[str, ...]:
    outputs = _signature(loop).return_annotation._fields
    return tuple(name for name in outputs if len(outputs) == 1 or not entry(name, page).metric)


@cache
def _derivatives(loop: Callable[..., Any], page: str, gradient: Any) -> tuple[Derivative, ...]:
    terms = _terms(loop, page)
    if not set(gradient._fields) <= set(terms) - set(_arguments(loop, page)):
        return tuple(Derivative(name, terms, name) for name in gradient._fields)
    hints = get_type_hints(gradient)
    return tuple(Derivative(f"{term}.{name}", (term,), name)
                 for term in gradient._fields for name in hints[term]._fields)


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
        return _signature(self.loop).return_annotation

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the outputs."""
        return self.output._fields  # type: ignore[attr-defined]

    @property
    def terms(self) -> tuple[str, ...]:
        """The outputs that have a gradient: all but those that are only reported; a page's only output always has."""
        return _terms(self.loop, self.short)

    @property
    def derivatives(self) -> tuple[Derivative, ...]:
        """What vjp returns, in order: by each input; or for each term, by each input that this term trains."""
        return _derivatives(self.loop, self.short, self.module.Gradient)

    @property
    def differentiable(self) -> tuple[str, ...]:
        """The inputs that vjp differentiates something by, in signature order."""
        by = {derivative.by for derivative in self.derivatives}
        return tuple(name for name in self.arguments if name in by)

    @property
    def arguments(self) -> Mapping[str, Entry]:
        """What the glossary says of each argument, in signature order."""
        return _arguments(self.loop, self.short)

    def gradients(self, result: Any) -> dict[str, Any]:
        """What vjp returned, by the names of ``derivatives``."""
        flat = [x for part in result for x in (part if isinstance(part, tuple) else (part,))]
        return dict(zip((derivative.name for derivative in self.derivatives), flat, strict=True))

    def steps(self, inputs: Mapping[str, Any]) -> tuple[int, ...]:
        """[T, *B] of these inputs."""
        name, first = next((name, entry) for name, entry in self.arguments.items() if entry.per_step)
        shape = np.shape(inputs[name])
        return shape[: len(shape) - len(first.named)]

    def shapes(self, inputs: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
        """The shape of each output for these inputs."""
        return self.loop.shapes(inputs)  # type: ignore[attr-defined]

    @property
    def citation(self) -> str:
        """The first work that the source names, to its equation number, or what the source has in place of one."""
        where = r'eq\. [\d.]*\d( and Remark \d)?|Algorithm \d|choice \w+|section ([\d.]*\d|"[^"]*")'
        found = re.match(rf"(?:.*?)(?:{where})", self.section("Source"))
        return found[0] if found else re.split(r"; |: | \(| for \(", self.section("Source"))[0]

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
                if hasattr(page.module, "loop"):  # beside them, distributions has what is composed of pages
                    found[page.name] = page
    return found


def find(name: str) -> Page:
    """The page called ``name``, "returns.gae" or "gae", or an error that lists the names there are."""
    matches = [page for page in pages().values() if name in (page.name, page.short)]
    if len(matches) != 1:
        raise ValueError(f"reference: expected one of {', '.join(pages())}, got {name!r}")
    return matches[0]
