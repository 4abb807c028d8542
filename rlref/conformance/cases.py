"""The only sampler: inputs for any page, from the glossary. The edges to try first are in ``edges``.

All randomness comes through ``pick(n)``, a whole number below n. Hypothesis can be that source, and then shrinks; so
can ``random.Random(seed)``, whose stream is the same on every machine and version, and then vectors are reproducible.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from rlref.glossary import Entry
from rlref.pages import Page

Pick = Callable[[int], int]
Inputs = dict[str, Any]

BATCHES: tuple[tuple[int, ...], ...] = ((), (1,), (2,), (3,), (2, 2))
SIZES = {"A": (3, 2, 4, 1), "N": (2, 3, 1), "K": (5, 2, 3), "G": (2, 3, 1), "D": (2, 1, 3), "H": (2, 1, 3),
         "O": (2, 1, 3)}  # of the named axes


class Case(NamedTuple):
    """Inputs by argument name, with an id and a sentence for people."""

    id: str
    comment: str
    inputs: Inputs


def seeded(seed: int | str) -> Pick:
    """A source of whole numbers that is the same everywhere."""
    stream = random.Random(seed)
    return lambda n: int(stream.random() * n)


def sample(page: Page, pick: Pick, shape: tuple[int, ...] | None = None, full: bool = False,
           sizes: Mapping[str, int] | None = None, settings: Mapping[str, Any] = MappingProxyType({})) -> Inputs:
    """Inputs for ``page`` whose steps are ``shape``, or a small one. ``full``: numbers with all their bits, of many
    magnitudes. Otherwise they are multiples of 1/8, which are short to print, exact in float32 and often tie.
    ``settings``: those that are not to be drawn.
    """
    shape = (1 + pick(8), *BATCHES[pick(len(BATCHES))]) if shape is None else shape
    axes = dict.fromkeys(axis for entry in page.arguments.values() for axis in entry.named if axis in SIZES)
    size = {axis: SIZES[axis][pick(len(SIZES[axis]))] for axis in axes} if sizes is None else dict(sizes)
    inputs: Inputs = {}
    for name, entry in page.arguments.items():
        if name in settings:
            inputs[name] = settings[name]
        elif name in SPECIAL:
            inputs[name] = SPECIAL[name](pick, shape, size)
        elif entry.setting:
            inputs[name] = _setting(entry, pick, math.prod(shape), size)
        elif entry.per_step:
            axes_of = (*shape, *(size[axis] for axis in entry.named))
            inputs[name] = _array(axes_of, partial(_number, entry, pick, full, size), entry)
        else:
            inputs[name] = _parameter(entry, pick, shape, full)
    _relate(page, inputs, pick)
    if pick(4) == 0:
        inputs = _nan_where_unread(page, inputs)
    return inputs


def cotangents(page: Page, pick: Pick, inputs: Inputs, full: bool = False) -> dict[str, np.ndarray]:
    """A derivative of some final scalar by each output for these inputs."""
    plain = Entry("", "[T, *B]", "real", "")
    return {name: _array(shape, lambda: _number(plain, pick, full), plain)
            for name, shape in page.shapes(inputs).items()}


def legal(page: Page, inputs: Inputs) -> bool:
    """Whether the page accepts them."""
    try:
        page.vectorized(**inputs)
    except ValueError:
        return False
    return True


def _array(shape: tuple[int, ...], draw: Callable[[], Any], entry: Entry) -> np.ndarray:
    dtype = {"bool": bool, "int": np.int64}.get(entry.kind, np.float64)
    return np.array([draw() for _ in range(math.prod(shape))], dtype=dtype).reshape(shape)


def _number(entry: Entry, pick: Pick, full: bool, size: Mapping[str, int] = MappingProxyType({})) -> Any:
    if entry.kind == "bool":
        return pick(4) == 1
    if entry.below:
        return pick(size[entry.below])
    if full:
        mantissa = (pick(1 << 27) * (1 << 26) + pick(1 << 26)) / (1 << 53)
        number = (1 - 2 * pick(2)) * math.ldexp(mantissa, pick(25) - 12 if entry.unit != "nat" else pick(5))
    else:
        number = (pick(65) - 32) / 8
    if entry.unit == "nat" and pick(12) == 1:  # where exp overflows, or vanishes
        number = -math.inf if entry.infinite is not None and pick(4) == 0 else (-800.0, 800.0)[pick(2)]
    if entry.possible and entry.unit == "nat":  # of one action among some, or one atom: a probability, no density
        return -abs(number)
    return number if entry.low < 0 else abs(number) or (entry.low and 0.125)


def _setting(entry: Entry, pick: Pick, steps: int, size: Mapping[str, int]) -> Any:
    if entry.kind == "choice":
        return entry.choices[pick(len(entry.choices))]
    if entry.kind == "bool":
        return pick(2) == 0
    if entry.kind == "int" and entry.high == math.inf:  # a number of steps: below, at and above those there are
        return int(entry.low) + pick(10)
    if entry.kind == "int":  # never more degrees of freedom than there are elements
        return int(entry.low) + pick(min(int(entry.high - entry.low) + 1, steps))
    if entry.named and pick(2):
        return np.array([_usual(entry, pick) for _ in range(size.get(entry.named[0], 2))])
    return _usual(entry, pick)


def _parameter(entry: Entry, pick: Pick, shape: tuple[int, ...], full: bool) -> Any:
    def number() -> float:
        return pick(1 << 30) / (1 << 30) if full and pick(2) else _usual(entry, pick)

    form = pick(4)
    if form < 2:
        return number()
    axes = shape if form == 2 else (shape[0], *(1 for _ in shape[1:]))
    return _array(axes, number, entry)


def _usual(entry: Entry, pick: Pick) -> float:
    if not entry.usual:
        raise ValueError(f"cases: expected usual values of {entry.meaning} in rlref/glossary.py, got none")
    return entry.usual[pick(len(entry.usual))]


def _probabilities(pick: Pick, shape: tuple[int, ...], size: Mapping[str, int]) -> np.ndarray:
    """Eighths, thrown onto the atoms."""
    found = np.zeros((math.prod(shape), size["K"]))
    for row in found:
        for _ in range(8):
            row[pick(len(row))] += 0.125
    return found.reshape(*shape, size["K"])


def _support(pick: Pick, shape: tuple[int, ...], size: Mapping[str, int]) -> np.ndarray:
    """Mostly equal gaps, as C51 has them."""
    gap, uneven = 1 + pick(8), pick(4) == 0
    gaps = [1 + pick(8) if uneven else gap for _ in range(size["K"] - 1)]
    return np.cumsum([-pick(33), *gaps]) / 8


def _subset(pick: Pick, shape: tuple[int, ...], size: Mapping[str, int]) -> np.ndarray:
    critics = list(range(size["N"]))
    return np.array([critics.pop(pick(len(critics))) for _ in range(1 + pick(size["N"]))])


def _legal_actions(pick: Pick, shape: tuple[int, ...], size: Mapping[str, int]) -> np.ndarray:
    """Three of four; ``_relate`` sees to it that there is one."""
    return np.array([pick(4) != 1 for _ in range(math.prod(shape) * size["A"])]).reshape(*shape, size["A"])


SPECIAL: dict[str, Callable[..., np.ndarray]] = {
    "action_mask": _legal_actions,
    "next_atom_probs": _probabilities, "target_probs": _probabilities, "support": _support, "subset": _subset}


def _relate(page: Page, inputs: Inputs, pick: Pick) -> None:
    """What arguments have to do with each other, so that pages accept them, and ties are common."""
    if "done" in inputs and "terminated" in inputs:
        inputs["done"] |= inputs["terminated"]
    if "log_pi" in inputs:  # on-policy steps are the common tie
        on_policy = _array(inputs["log_pi"].shape, lambda: pick(3) == 0, page.arguments["done"])
        inputs["log_pi"] = np.where(on_policy, inputs["log_mu"], inputs["log_pi"])
        if np.isinf(inputs["rho_thresh"]).any() or np.isinf(inputs["c_thresh"]).any():  # nothing clips an overflow
            inputs["log_pi"] = np.clip(inputs["log_pi"], inputs["log_mu"] - 5, inputs["log_mu"] + 5)
    if "sample_log_prob" in inputs:  # a ratio beyond float64 only where the clip takes it
        free = inputs["advantage"] < 0 if "clip_epsilon" in inputs else True
        capped = np.minimum(inputs["log_prob"], inputs["sample_log_prob"] + 5)
        inputs["log_prob"] = np.where(free, capped, inputs["log_prob"])
    if "next_action_value" in inputs and "next_log_probs" not in inputs:  # what is illegal is so for both networks
        illegal = _array(inputs["next_action_value"].shape, lambda: pick(8) == 1, Entry("", "", "bool", ""))
        for name in inputs.keys() & {"next_action_value", "online_next_action_value"}:
            inputs[name][illegal] = -math.inf
    for name, entry in page.arguments.items():
        if entry.possible:
            inputs[name][~np.isfinite(inputs[name]).any(axis=-1)] = -1.0
    if "next_action_value" in inputs and "next_log_probs" in inputs and pick(2):
        inputs["next_action_value"][np.isinf(inputs["next_log_probs"])] = -math.inf
    if "mask" in inputs:
        inputs["mask"].flat[pick(inputs["mask"].size)] = True
        inputs["weight"] += (inputs["weight"][inputs["mask"]].sum() == 0) * 0.5
    if "action_log_probs" in inputs:  # what the target says is possible
        hit = np.eye(inputs["action_log_probs"].shape[-2], dtype=bool)[inputs["action"]][..., None]
        wrong = np.isinf(inputs["action_log_probs"]) & hit & (inputs["target_probs"] > 0)[..., None, :]
        inputs["action_log_probs"][wrong] = -2.0
    if "action_mask" in inputs:  # what is taken is legal, or else any one action
        mask = inputs["action_mask"]
        legal = inputs.get("action", np.array([pick(mask.shape[-1]) for _ in range(mask[..., 0].size)]))
        np.put_along_axis(mask, legal.reshape(*mask.shape[:-1], 1), True, axis=-1)
    if "sample" in inputs and "low" in inputs:  # folded into its bounds, which it touches in one case of four
        low, high = inputs["low"], inputs["high"]
        inside = np.clip(low + np.abs(np.mod(inputs["sample"] - low, 2 * (high - low)) - (high - low)), low, high)
        moved = ((inside == low) | (inside == high)) & (pick(4) > 0)
        inputs["sample"] = np.where(moved, (low + high) / 2, inside)


def _nan_where_unread(page: Page, inputs: Inputs) -> Inputs:
    for name, entry in page.arguments.items():
        unread = entry.unread_in(inputs)
        if unread is not None:
            inputs = inputs | {name: np.where(unread, np.nan, inputs[name])}
    return inputs


def random_cases(page: Page, count: int, seed: int | str) -> Iterator[Case]:
    """``count`` reproducible cases: small ones, every fourth with all bits, every tenth some hundred steps long."""
    for i in range(count):
        pick = seeded(f"{page.name} {seed} {i}")
        shape = (100 + pick(200), *BATCHES[pick(3)]) if i % 10 == 9 else None
        yield Case(f"random-{seed}-{i}", "random", sample(page, pick, shape, full=i % 4 == 3))
