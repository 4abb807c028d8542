"""What every page may rely on: arguments coerced and checked by the glossary, results as float64 arrays.

``@vectorized`` hands a page float64, bool or int64 arrays, [T, *B] and then the axes that the glossary names; a
parameter stays a float where a scalar was given. ``@per_sample``, ``@per_trajectory`` and ``@per_batch`` hand a loop
plain Python numbers, or lists of them: one step, one trajectory (the first axis), or all elements at once; an argument
with named axes is a list of lists in their order. Nothing is ever written to a caller's array.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ParamSpec, TypeVar

import numpy as np

from rlref import checks, glossary
from rlref.glossary import GLOSSARY, STEPS, Entry

P = ParamSpec("P")
R = TypeVar("R")
Number = Callable[[float, str, int], Any]  # (value, argument, flat index) -> a number of any type
Shape = tuple[int, ...]


def _annotation(function: Callable, name: str) -> type:
    """An annotation of ``function``, whether or not its module postpones them."""
    found = function.__annotations__[name]
    return function.__globals__[found] if isinstance(found, str) else found


@functools.cache
def _outputs(output: type, page: str) -> list[tuple[str, bool, bool, tuple[str, ...]]]:
    """Of each output: its name, whether it is one of the whole batch, one that a reduction makes so, and its axes."""
    entries = [(field, glossary.entry(field, page)) for field in output._fields]  # type: ignore[attr-defined]
    return [(field, entry.setting, entry.parameter, entry.named) for field, entry in entries]


class Contract:
    """The arguments of one function, in the order of its signature."""

    def __init__(self, function: Callable) -> None:
        self.signature = inspect.signature(function)
        parameters = self.signature.parameters
        self.names = tuple(parameters)
        self.page = function.__module__.rpartition(".")[2]
        unknown = [name for name in self.names if name not in GLOSSARY and name != "cotangent"]
        if unknown:
            raise KeyError(f"{function.__module__}: expected names in rlref/glossary.py, got {', '.join(unknown)}")
        self.cotangent = _annotation(function, "cotangent") if "cotangent" in parameters else None
        self.entries = {name: glossary.entry(name, self.page) for name in self.names if name != "cotangent"}
        self.steps = [(name, entry, entry.named) for name, entry in self.entries.items() if entry.per_step]
        self.rest = [(name, entry) for name, entry in self.entries.items() if not entry.per_step]
        self.along = [(name, axis) for name, entry in self.rest if entry.setting for axis in entry.named]
        self.indices = [(name, entry.below) for name, entry in self.entries.items() if entry.below]
        self.positional = sum(p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters.values())

    @np.errstate(over="ignore", invalid="ignore")  # in the sums of checks.values; once, because it is slow
    def check(self, args: tuple, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments by name, coerced and checked. Parameters are floats or arrays that broadcast."""
        if len(args) > self.positional or len(args) + len(kwargs) != len(self.names):
            self.signature.bind(*args, **kwargs)  # raises Python's own message
        given = dict(zip(self.names, args, strict=False), **kwargs)
        if given.keys() != self.signature.parameters.keys():
            self.signature.bind(*args, **kwargs)
        checked = {name: checks.coerce(name, given[name], entry) for name, entry, _ in self.steps}
        shape, sizes = self._shapes(checked)
        for name, entry, _ in self.steps:
            checks.values(name, checked[name], entry, entry.unread_in(checked))
        for name, entry in self.rest:
            checked[name] = self._whole(name, given[name], entry, sizes) if entry.setting else self._parameter(
                name, given[name], entry, shape)
        for name, axis in self.indices:
            checks.indices(name, checked[name], axis, sizes[axis])  # type: ignore[arg-type, index]
        checks.relations(checked)
        if self.cotangent:
            checked["cotangent"] = checks.cotangent(given["cotangent"], self.cotangent,
                                                    self.shapes(self.cotangent, checked))
        return checked

    def _shapes(self, checked: Mapping[str, Any]) -> tuple[Shape, dict[str, int]]:
        """[T, *B] of the first argument, which is that of all, and the sizes of the named axes."""
        first, entry, named = self.steps[0]
        shape, sizes = checked[first].shape, dict[str, int]()
        if len(shape) <= len(named) or 0 in shape:
            raise ValueError(f"{first}: expected shape {entry.axes} with T >= 1, no axis empty, got {shape}")
        steps = shape[: len(shape) - len(named)]
        for name, _, named in self.steps:
            came = checked[name].shape
            if not named:
                wrong = came != steps
            else:
                wrong = len(came) != len(steps) + len(named) or came[: len(steps)] != steps
                for axis, size in zip(named, came[len(steps):], strict=False):
                    wrong = wrong or size == 0 or sizes.setdefault(axis, size) != size
            if wrong:
                expected = ", ".join(map(str, (*steps, *(sizes.get(axis, axis) for axis in named))))
                expected += "," if len(steps) + len(named) == 1 else ""
                raise ValueError(f"{name}: expected shape ({expected}) like {first}, got {came}")
        return steps, sizes

    def shapes(self, output: type, checked: Mapping[str, Any]) -> dict[str, Shape]:
        """The shape of each output for these checked arguments."""
        shape, sizes = self._shapes(checked)
        sizes |= {axis: len(checked[name]) for name, axis in self.along}
        reduced = checked.get("reduction", "none") != "none"
        return {field: () if whole or (parameter and reduced) else (*shape, *(sizes[axis] for axis in named))
                for field, whole, parameter, named in _outputs(output, self.page)}

    @staticmethod
    def _whole(name: str, value: Any, entry: Entry, sizes: dict[str, int]) -> Any:
        """A setting: a plain Python value, or an array along its named axis."""
        if entry.kind == "choice":
            return checks.choice(name, value, entry)
        x = checks.coerce(name, value, entry)
        if not entry.named:
            if x.ndim:
                raise ValueError(f"{name}: expected a scalar, got shape {x.shape}")
            checks.values(name, x, entry)
            return x.item()
        axis = entry.named[0]
        size = int(axis) if axis.isdecimal() else sizes.get(axis, x.size)
        if not ((x.ndim == 1 and x.size == size > 0) or (x.ndim == 0 and entry.axes.startswith("scalar"))):
            scalar = "a scalar or " if entry.axes.startswith("scalar") else ""
            known = axis.isdecimal() or axis in sizes
            raise ValueError(f"{name}: expected {scalar}shape ({size if known else axis},), got {x.shape}")
        sizes.setdefault(axis, size)
        checks.values(name, x, entry)
        return np.broadcast_to(x, (size,))

    @staticmethod
    def _parameter(name: str, value: Any, entry: Entry, shape: Shape) -> Any:
        """A plain number where a scalar came, else an array that broadcasts to ``shape`` axis by axis."""
        if type(value) is float and entry.kind == "real" and entry.low <= value <= entry.high and math.isfinite(value):
            return value
        x = checks.coerce(name, value, entry)
        # Axis by axis: NumPy alone would read a gamma of shape (T,) as one per batch entry.
        if x.ndim and (x.ndim != len(shape) or any(n not in (1, m) for n, m in zip(x.shape, shape, strict=True))):
            raise ValueError(f"{name}: expected a scalar or a shape that broadcasts axis by axis to {shape}, "
                             f"got {x.shape}")
        checks.values(name, x, entry)
        return x if x.ndim else x.item()


def vectorized(function: Callable[P, R]) -> Callable[P, R]:
    """A page's NumPy form: checked arrays in, float64 arrays out."""
    contract = Contract(function)

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        return function(**contract.check(args, kwargs))  # type: ignore[call-arg]

    return _documented(checked, contract)


def per_sample(function: Callable[P, R]) -> Callable[P, R]:
    """A loop over single steps: every argument is one number, or the numbers of one step."""
    return _looped(function, lambda n, batch: ((i, i) for i in range(n * batch)), "sample")


def per_trajectory(function: Callable[P, R]) -> Callable[P, R]:
    """A loop over one trajectory: every argument but a setting is a list of T numbers."""
    return _looped(function, lambda n, batch: ((b, slice(b, None, batch)) for b in range(batch)), "trajectory")


def per_batch(function: Callable[P, R]) -> Callable[P, R]:
    """A loop over everything at once: every argument but a setting is one flat list."""
    return _looped(function, lambda n, batch: iter([(0, slice(None))]), "batch")


Split = Callable[[int, int], Iterator[tuple[int, Any]]]


def _looped(function: Callable[P, R], split: Split, unit: str) -> Callable[P, R]:
    contract = Contract(function)
    output: Any = _annotation(function, "return")
    settings = {name for name, entry in contract.rest if entry.setting}

    def run(arguments: Mapping[str, Any], number: Number) -> Any:
        """Run the loop on ``number(value, argument, flat index)`` for every real value; object arrays out."""
        checked = contract.check((), arguments)
        shapes = contract.shapes(output, checked)
        shape, _ = contract._shapes(checked)
        steps = math.prod(shape)
        flat = {name: _numbers(name, entry, checked[name], shape, number) for name, entry in contract.entries.items()}
        results = [np.empty((steps, *shapes[field][len(shape):]) if shapes[field] else (), dtype=object)
                   for field in output._fields]
        for _, part in split(shape[0], math.prod(shape[1:])):
            result: Any = function(**{  # type: ignore[call-arg]
                name: value if name in settings else value[part] for name, value in flat.items()})
            for out, values in zip(results, result, strict=True):
                out[part if out.ndim else ()] = values
        return output(*(out.reshape(shapes[field]) for field, out in zip(output._fields, results, strict=True)))

    @functools.wraps(function)
    def loop(*args: P.args, **kwargs: P.kwargs) -> R:
        arguments = contract.signature.bind(*args, **kwargs).arguments
        results = run(arguments, lambda value, name, index: value)
        return output(*(out.astype(np.float64) for out in results))

    loop.run = run  # type: ignore[attr-defined]
    loop.shapes = lambda arguments: contract.shapes(output, contract.check((), arguments))  # type: ignore[attr-defined]
    loop.unit = unit  # type: ignore[attr-defined]
    return _documented(loop, contract)


def _numbers(name: str, entry: Entry, values: Any, shape: Shape, number: Number) -> Any:
    """The values of one argument as plain numbers: one, a list along a named axis, or a list with one entry a step."""
    real = entry.kind == "real"
    if entry.setting and not entry.named:
        return number(values, name, 0) if real else values
    if entry.parameter:
        values = np.broadcast_to(values, shape)
    listed = [number(x, name, i) if real else x for i, x in enumerate(values.ravel().tolist())]
    for size in reversed(values.shape[len(shape):] if entry.per_step else ()):
        listed = [listed[i : i + size] for i in range(0, len(listed), size)]
    return listed


def _documented(function: Callable[P, R], contract: Contract) -> Callable[P, R]:
    """Append what the glossary says of each argument, the errors and the page's source to the docstring."""
    lines = [inspect.cleandoc(function.__doc__ or ""), "", "Arguments"]
    for name, entry in contract.entries.items():
        unit = "" if entry.unit in ("", "1") else f", in units of {entry.unit}"
        lines.append(f"    {name}: {entry.kind} {entry.axes}, {entry.range}{unit}")
        lines.append(f"        {entry.symbol + ', ' if entry.symbol else ''}{entry.meaning}.")
    if contract.cotangent:
        fields: Any = contract.cotangent._fields  # type: ignore[attr-defined]
        axes = dict.fromkeys(glossary.entry(field, contract.page).axes if field in GLOSSARY else STEPS
                             for field in fields)
        lines.insert(3, f"    cotangent: {contract.cotangent.__name__} of real {' and '.join(axes)}, finite")
        lines.insert(4, "        The derivative of the final scalar by each output.")
    lines += [
        "",
        "Errors",
        "    TypeError: not numbers of that kind (masks must be bool), or a masked, complex or object array.",
        "    ValueError: a wrong shape, T = 0, a value out of range, NaN where it would be used, or terminated",
        "        without done. Each names the argument, what was expected and what came.",
    ]
    page = inspect.cleandoc(inspect.getmodule(function).__doc__ or "").splitlines()  # type: ignore[union-attr]
    start = next((i for i, line in enumerate(page) if line.startswith("Source")), None)
    if start is not None:
        stop = next((i for i in range(start + 1, len(page)) if not page[i].startswith(" ")), len(page))
        lines += ["", *page[start:stop]]
    function.__doc__ = "\n".join(lines)
    return function
