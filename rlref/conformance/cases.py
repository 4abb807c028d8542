"""The only sampler: inputs for any page, from the glossary. The edges to try first are in ``edges``.

All randomness comes through ``pick(n)``, a whole number below n. Hypothesis can be that source, and then shrinks; so
can ``random.Random(seed)``, whose stream is the same on every machine and version, and then vectors are reproducible.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from rlref.glossary import Entry
from rlref.pages import Page

Pick = Callable[[int], int]
Inputs = dict[str, Any]

FRACTIONS = (0.9, 0.0, 1.0, 0.5, 0.99, 0.95, 1e-8, 0.25)
THRESHOLDS = (1.0, 0.5, 2.0, 0.0, math.inf)  # log(2) is no float: only 1 can tie
FLOORS = (1e-6, 1e-4, 1.0)
BATCHES: tuple[tuple[int, ...], ...] = ((), (1,), (2,), (3,), (2, 2))


class Case(NamedTuple):
    """Inputs by argument name, with an id and a sentence for people."""

    id: str
    comment: str
    inputs: Inputs


def seeded(seed: int | str) -> Pick:
    """A source of whole numbers that is the same everywhere."""
    stream = random.Random(seed)
    return lambda n: int(stream.random() * n)


def sample(page: Page, pick: Pick, shape: tuple[int, ...] | None = None, full: bool = False) -> Inputs:
    """Inputs for ``page`` of ``shape``, or of a small one. ``full``: numbers with all their bits, of many magnitudes.

    Otherwise numbers are multiples of 1/8, which are short to print, exact in float32 and often tie.
    """
    shape = (1 + pick(8), *BATCHES[pick(len(BATCHES))]) if shape is None else shape
    inputs: Inputs = {}
    for name, entry in page.arguments.items():
        if entry.setting:
            inputs[name] = _setting(entry, pick, math.prod(shape))
        elif entry.per_step:
            inputs[name] = _array(shape, partial(_number, entry, pick, full), entry)
        else:
            inputs[name] = _parameter(entry, pick, shape, full)
    if "done" in inputs and "terminated" in inputs:
        inputs["done"] |= inputs["terminated"]
    if "log_pi" in inputs:  # on-policy steps are the common tie
        on_policy = _array(shape, lambda: pick(3) == 0, page.arguments["done"])
        inputs["log_pi"] = np.where(on_policy, inputs["log_mu"], inputs["log_pi"])
        if np.isinf(inputs["rho_thresh"]).any() or np.isinf(inputs["c_thresh"]).any():  # nothing clips an overflow
            inputs["log_pi"] = np.clip(inputs["log_pi"], inputs["log_mu"] - 5, inputs["log_mu"] + 5)
    if pick(4) == 0:
        inputs = _nan_where_unread(page, inputs)
    return inputs


def cotangents(page: Page, pick: Pick, shape: tuple[int, ...], full: bool = False) -> dict[str, np.ndarray]:
    """A derivative of some final scalar by each output."""
    plain = Entry("", "[T, *B]", "real", "")
    return {name: _array(shape, lambda: _number(plain, pick, full), plain) for name in page.outputs}


def _array(shape: tuple[int, ...], draw: Callable[[], Any], entry: Entry) -> np.ndarray:
    dtype = bool if entry.kind == "bool" else np.float64
    return np.array([draw() for _ in range(math.prod(shape))], dtype=dtype).reshape(shape)


def _number(entry: Entry, pick: Pick, full: bool) -> Any:
    if entry.kind == "bool":
        return pick(4) == 1
    if full:
        mantissa = (pick(1 << 27) * (1 << 26) + pick(1 << 26)) / (1 << 53)
        number = (1 - 2 * pick(2)) * math.ldexp(mantissa, pick(25) - 12 if entry.unit != "nat" else pick(5))
    else:
        number = (pick(65) - 32) / 8
    if entry.unit == "nat" and pick(12) == 1:  # where exp overflows, or vanishes
        number = -math.inf if entry.infinite is not None and pick(4) == 0 else (-800.0, 800.0)[pick(2)]
    return number


def _setting(entry: Entry, pick: Pick, size: int) -> Any:
    if entry.kind == "bool":
        return pick(2) == 0
    if entry.kind == "int" and entry.high == math.inf:  # a number of steps: below, at and above those there are
        return int(entry.low) + pick(10)
    if entry.kind == "int":  # never more degrees of freedom than there are elements
        return int(entry.low) + pick(min(int(entry.high - entry.low) + 1, size))
    return _choice(FLOORS, entry, pick)


def _parameter(entry: Entry, pick: Pick, shape: tuple[int, ...], full: bool) -> Any:
    choices = FRACTIONS if entry.high == 1.0 else THRESHOLDS

    def number() -> float:
        return pick(1 << 30) / (1 << 30) if full and pick(2) else _choice(choices, entry, pick)

    form = pick(4)
    if form < 2:
        return number()
    axes = shape if form == 2 else (shape[0], *(1 for _ in shape[1:]))
    return _array(axes, number, entry)


def _choice(choices: tuple[float, ...], entry: Entry, pick: Pick) -> float:
    legal = [x for x in choices if entry.low <= x <= entry.high and (math.isfinite(x) or x == entry.infinite)]
    if not legal:
        raise ValueError(f"cases: expected a legal value of {entry.meaning} among {choices}, got none")
    return legal[pick(len(legal))]


def _nan_where_unread(page: Page, inputs: Inputs) -> Inputs:
    for name, entry in page.arguments.items():
        if entry.unread:
            inputs = inputs | {name: np.where(inputs[entry.unread], np.nan, inputs[name])}
    return inputs


def random_cases(page: Page, count: int, seed: int | str) -> Iterator[Case]:
    """``count`` reproducible cases: small ones, every fourth with all bits, every tenth some hundred steps long."""
    for i in range(count):
        pick = seeded(f"{page.name} {seed} {i}")
        shape = (100 + pick(200), *BATCHES[pick(3)]) if i % 10 == 9 else None
        yield Case(f"random-{seed}-{i}", "random", sample(page, pick, shape, full=i % 4 == 3))
