"""What every page may rely on: arguments coerced and checked by the glossary, results as float64 arrays.

``@vectorized`` hands a page float64 (or bool) arrays of one shape [T, *B]; a parameter stays a float where a scalar
was given. ``@per_sample``, ``@per_trajectory`` and ``@per_batch`` hand a loop plain Python numbers, or lists of them:
one step, one trajectory (the first axis), or all elements at once. Nothing is ever written to a caller's array.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ParamSpec, TypeVar

import numpy as np

from rlref.glossary import GLOSSARY, STEPS, Entry

P = ParamSpec("P")
R = TypeVar("R")
Number = Callable[[float, str, int], Any]  # (value, argument, flat index) -> a number of any type

KINDS = {"real": "fiu", "bool": "b", "int": "iu"}
EXPECTED = {"real": "real numbers", "bool": "booleans", "int": "an integer"}


def coerce(name: str, value: Any, entry: Entry) -> np.ndarray:
    """``value`` as a float64, bool or int64 array, or an error that names the argument."""
    if type(value) is not np.ndarray:
        if _masked(value):
            raise TypeError(f"{name}: expected a plain array of {EXPECTED[entry.kind]}, got a masked array")
        try:
            value = np.asarray(value)
        except Exception as error:
            raise TypeError(
                f"{name}: expected an array of {EXPECTED[entry.kind]}, got {type(value).__name__}: {error}"
            ) from error
    if value.dtype.kind not in KINDS[entry.kind] or value.dtype.itemsize > 8:
        first = f" ({type(value.flat[0]).__name__})" if value.dtype == object and value.size else ""
        raise TypeError(f"{name}: expected {EXPECTED[entry.kind]}, got dtype {value.dtype}{first}")
    if entry.kind == "real":
        return value.astype(np.float64, copy=False)
    return value if entry.kind == "bool" else value.astype(np.int64, copy=False)


def _masked(value: Any) -> bool:
    """Whether a masked array is in it, at any depth of lists: np.asarray would forget the mask."""
    if isinstance(value, (list, tuple)):
        return any(map(_masked, value))
    return isinstance(value, np.ma.MaskedArray)


def check_values(name: str, x: np.ndarray, entry: Entry, unread: np.ndarray | None = None) -> None:
    """Refuse NaN, infinities and values out of range, except where ``unread`` is True."""
    if entry.kind == "bool":
        return
    if entry.low == -math.inf and math.isfinite(np.add.reduce(x, axis=None)):  # a finite sum has finite terms
        return
    wrong = ~np.isfinite(x)
    if entry.infinite is not None:
        wrong &= x != entry.infinite
    wrong |= (x < entry.low) | (x > entry.high)
    if unread is not None:
        wrong &= ~unread
    if wrong.any():
        index, where = _first(wrong)
        raise ValueError(f"{name}: expected values {entry.range}, got {x[index]}{where}")


def _first(wrong: np.ndarray) -> tuple[tuple[int, ...], str]:
    """Where ``wrong`` is first True, as an index and in words."""
    index = tuple(int(i) for i in np.argwhere(wrong)[0])
    return index, f" at index {index if len(index) > 1 else index[0]}" if index else ""


def _annotation(function: Callable, name: str) -> type:
    """An annotation of ``function``, whether or not its module postpones them."""
    found = function.__annotations__[name]
    return function.__globals__[found] if isinstance(found, str) else found


def check_cotangent(value: Any, output: type, shape: tuple[int, ...]) -> Any:
    """``value`` as an ``output`` tuple of finite float64 arrays of ``shape``."""
    fields: tuple[str, ...] = output._fields  # type: ignore[attr-defined]
    if not isinstance(value, (tuple, list)) or len(value) != len(fields):
        came = f"{len(value)} of them" if isinstance(value, (tuple, list)) else type(value).__name__
        raise TypeError(f"cotangent: expected {output.__name__}({', '.join(fields)}), got {came}")
    arrays = []
    for field, x in zip(fields, value, strict=True):
        name = f"cotangent.{field}"
        arrays.append(coerce(name, x, COTANGENT))
        if arrays[-1].shape != shape:
            raise ValueError(f"{name}: expected shape {shape}, got {arrays[-1].shape}")
        check_values(name, arrays[-1], COTANGENT)
    return output(*arrays)


def check_weights(checked: Mapping[str, Any]) -> None:
    """Refuse a log-ratio whose weight float64 cannot hold, where no threshold clips it."""
    log_ratio = checked["log_pi"] - checked["log_mu"]
    for name in ("rho_thresh", "c_thresh"):
        if np.any(np.isinf(checked[name])):
            unclipped = np.broadcast_to(np.isinf(checked[name]), log_ratio.shape)
            largest = np.max(log_ratio, where=unclipped, initial=-np.inf)
            if largest > LARGEST_LOG:
                raise ValueError(f"log_pi: expected log_pi - log_mu <= {LARGEST_LOG:g} where {name} is infinite, "
                                 f"got {largest:g}")


LARGEST_LOG = 700.0  # exp of it is 1e304: what is multiplied by it has room below the largest float
COTANGENT = Entry("", STEPS, "real", "derivative of the final scalar by each output")


class Contract:
    """The arguments of one function, in the order of its signature."""

    def __init__(self, function: Callable) -> None:
        self.signature = inspect.signature(function)
        parameters = self.signature.parameters
        self.names = tuple(parameters)
        unknown = [name for name in self.names if name not in GLOSSARY and name != "cotangent"]
        if unknown:
            raise KeyError(f"{function.__module__}: expected names in rlref/glossary.py, got {', '.join(unknown)}")
        self.output = _annotation(function, "cotangent") if "cotangent" in parameters else None
        self.entries = {name: GLOSSARY[name] for name in self.names if name != "cotangent"}
        self.steps = [name for name, entry in self.entries.items() if entry.per_step]
        self.parameters = [name for name, entry in self.entries.items() if not entry.per_step]
        self.positional = sum(p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters.values())

    @np.errstate(over="ignore", invalid="ignore")  # in the sums of check_values; once, because it is slow
    def check(self, args: tuple, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments by name, coerced and checked. Parameters are floats or arrays that broadcast."""
        if len(args) > self.positional or len(args) + len(kwargs) != len(self.names):
            self.signature.bind(*args, **kwargs)  # raises Python's own message
        given = dict(zip(self.names, args, strict=False), **kwargs)
        if given.keys() != self.signature.parameters.keys():
            self.signature.bind(*args, **kwargs)
        checked: dict[str, Any] = {}
        shape: tuple[int, ...] = ()
        for name in self.steps:
            x = checked[name] = coerce(name, given[name], self.entries[name])
            if name == self.steps[0]:
                shape = x.shape
                if not shape or 0 in shape:
                    raise ValueError(f"{name}: expected shape [T, *B] with T >= 1, no axis empty, got {shape}")
            elif x.shape != shape:
                raise ValueError(f"{name}: expected shape {shape} like {self.steps[0]}, got {x.shape}")
        for name in self.steps:
            entry = self.entries[name]
            check_values(name, checked[name], entry, checked.get(entry.unread) if entry.unread else None)
        if "done" in checked and "terminated" in checked:
            wrong = checked["terminated"] > checked["done"]
            if wrong.any():
                where = _first(wrong)[1]
                raise ValueError(f"terminated: expected done wherever terminated, got terminated alone{where}")
        for name in self.parameters:
            checked[name] = self.parameter(name, given[name], self.entries[name], shape)
        if "log_pi" in checked:
            check_weights(checked)
        if self.output:
            checked["cotangent"] = check_cotangent(given["cotangent"], self.output, shape)
        return checked

    @staticmethod
    def parameter(name: str, value: Any, entry: Entry, shape: tuple[int, ...]) -> Any:
        """A plain number where a scalar came, else an array that broadcasts to ``shape`` axis by axis."""
        if type(value) is float and entry.kind == "real" and entry.low <= value <= entry.high and math.isfinite(value):
            return value
        x = coerce(name, value, entry)
        if x.ndim and entry.setting:
            raise ValueError(f"{name}: expected a scalar, got shape {x.shape}")
        # Axis by axis: NumPy alone would read a gamma of shape (T,) as one per batch entry.
        if x.ndim and (x.ndim != len(shape) or any(n not in (1, m) for n, m in zip(x.shape, shape, strict=True))):
            raise ValueError(f"{name}: expected a scalar or a shape that broadcasts axis by axis to {shape}, "
                             f"got {x.shape}")
        check_values(name, x, entry)
        return x if x.ndim else x.item()


def vectorized(function: Callable[P, R]) -> Callable[P, R]:
    """A page's NumPy form: checked arrays in, float64 arrays out."""
    contract = Contract(function)

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        return function(**contract.check(args, kwargs))  # type: ignore[call-arg]

    return _documented(checked, contract)


def per_sample(function: Callable[P, R]) -> Callable[P, R]:
    """A loop over single steps: every argument is one number."""
    return _looped(function, lambda n, batch: ((i, i) for i in range(n * batch)))


def per_trajectory(function: Callable[P, R]) -> Callable[P, R]:
    """A loop over one trajectory: every argument but a setting is a list of T numbers."""
    return _looped(function, lambda n, batch: ((b, slice(b, None, batch)) for b in range(batch)))


def per_batch(function: Callable[P, R]) -> Callable[P, R]:
    """A loop over everything at once: every argument but a setting is one flat list."""
    return _looped(function, lambda n, batch: iter([(0, slice(None))]), whole_batch=True)


Split = Callable[[int, int], Iterator[tuple[int, Any]]]


def _looped(function: Callable[P, R], split: Split, whole_batch: bool = False) -> Callable[P, R]:
    contract = Contract(function)
    output: Any = _annotation(function, "return")

    def run(arguments: Mapping[str, Any], number: Number) -> Any:
        """Run the loop on ``number(value, argument, flat index)`` for every real value; object arrays out."""
        checked = contract.check((), arguments)
        shape = checked[contract.steps[0]].shape
        flat: dict[str, Any] = {}
        for name, entry in contract.entries.items():
            values = checked[name]
            if entry.setting:
                flat[name] = number(values, name, 0) if entry.kind == "real" else values
                continue
            values = np.broadcast_to(values, shape).ravel().tolist()
            flat[name] = [number(x, name, i) for i, x in enumerate(values)] if entry.kind == "real" else values
        results = [np.empty(math.prod(shape), dtype=object) for _ in output._fields]
        for _, part in split(shape[0], math.prod(shape[1:])):
            result: Any = function(**{  # type: ignore[call-arg]
                name: value if contract.entries[name].setting else value[part]
                                 for name, value in flat.items()})
            for out, values in zip(results, result, strict=True):
                out[part] = values
        return output(*(out.reshape(shape) for out in results))

    @functools.wraps(function)
    def loop(*args: P.args, **kwargs: P.kwargs) -> R:
        arguments = contract.signature.bind(*args, **kwargs).arguments
        results = run(arguments, lambda value, name, index: value)
        return output(*(out.astype(np.float64) for out in results))

    loop.run = run  # type: ignore[attr-defined]
    loop.whole_batch = whole_batch  # type: ignore[attr-defined]
    return _documented(loop, contract)


def _documented(function: Callable[P, R], contract: Contract) -> Callable[P, R]:
    """Append what the glossary says of each argument, the errors and the page's source to the docstring."""
    lines = [inspect.cleandoc(function.__doc__ or ""), "", "Arguments"]
    for name, entry in contract.entries.items():
        unit = "" if entry.unit in ("", "1") else f", in units of {entry.unit}"
        lines.append(f"    {name}: {entry.kind} {entry.axes}, {entry.range}{unit}")
        lines.append(f"        {entry.symbol + ', ' if entry.symbol else ''}{entry.meaning}.")
    if contract.output:
        lines.insert(3, f"    cotangent: {contract.output.__name__} of real {STEPS}, finite")
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
