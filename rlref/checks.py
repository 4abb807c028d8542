"""What a caller gets wrong, found before anything is computed. Every error names the argument, what was expected and
what came. ``contract`` says when each of these is called.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from rlref.glossary import Entry

KINDS = {"real": "fiu", "bool": "b", "int": "iu"}
EXPECTED = {"real": "real numbers", "bool": "booleans", "int": "an integer"}
LARGEST_LOG = 700.0  # exp of it is 1e304: what is multiplied by it has room below the largest float
COTANGENT = Entry("", "[T, *B]", "real", "derivative of the final scalar by each output")


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


def choice(name: str, value: Any, entry: Entry) -> str:
    """``value`` if it is one of the words that ``entry`` allows."""
    expected = f"{name}: expected {entry.range}, got"
    if not isinstance(value, str):
        raise TypeError(f"{expected} {type(value).__name__}")
    if value not in entry.choices:
        raise ValueError(f"{expected} {value!r}")
    return value


def values(name: str, x: np.ndarray, entry: Entry, unread: np.ndarray | None = None) -> None:
    """Refuse NaN, infinities and values out of range, except where ``unread`` is True."""
    if entry.kind == "bool":
        return
    if entry.low == -math.inf == -entry.high:
        fine = math.isfinite(np.add.reduce(x, axis=None))  # so are its terms
    else:
        least, most = (extreme.reduce(x, axis=None) for extreme in (np.minimum, np.maximum))  # NaN, if one is
        fine = entry.low <= least and most <= entry.high and math.isfinite(least) and math.isfinite(most)
    if fine:
        return
    wrong = ~np.isfinite(x)
    if entry.infinite is not None:
        wrong &= x != entry.infinite
    wrong |= (x < entry.low) | (x > entry.high)
    if unread is not None:
        wrong &= ~unread
    if wrong.any():
        index, where = first(wrong)
        raise ValueError(f"{name}: expected values {entry.range}, got {x[index]}{where}")
    if entry.possible:
        nothing = ~np.isfinite(x).any(axis=-1)
        if nothing.any():
            raise ValueError(f"{name}: expected a finite value somewhere along {entry.named[-1]}, "
                             f"got {entry.infinite} alone{first(nothing)[1]}")


def indices(name: str, x: np.ndarray, axis: str, size: int) -> None:
    """Refuse an index that points outside ``axis``."""
    wrong = (x < 0) | (x >= size)
    if wrong.any():
        index, where = first(wrong)
        raise ValueError(f"{name}: expected an index in [0, {axis}) with {axis} = {size}, got {x[index]}{where}")


def first(wrong: np.ndarray) -> tuple[tuple[int, ...], str]:
    """Where ``wrong`` is first True, as an index and in words."""
    index = tuple(int(i) for i in np.argwhere(wrong)[0])
    return index, f" at index {index if len(index) > 1 else index[0]}" if index else ""


def cotangent(value: Any, output: type, shapes: Mapping[str, tuple[int, ...]]) -> Any:
    """``value`` as an ``output`` tuple of finite float64 arrays of ``shapes``."""
    fields: tuple[str, ...] = output._fields  # type: ignore[attr-defined]
    if not isinstance(value, (tuple, list)) or len(value) != len(fields):
        came = f"{len(value)} of them" if isinstance(value, (tuple, list)) else type(value).__name__
        raise TypeError(f"cotangent: expected {output.__name__}({', '.join(fields)}), got {came}")
    arrays = []
    for field, x in zip(fields, value, strict=True):
        name = f"cotangent.{field}"
        arrays.append(coerce(name, x, COTANGENT))
        if arrays[-1].shape != shapes[field]:
            raise ValueError(f"{name}: expected shape {shapes[field]}, got {arrays[-1].shape}")
        values(name, arrays[-1], COTANGENT)
    return output(*arrays)


def relations(checked: Mapping[str, Any]) -> None:
    """What arguments have to do with each other."""
    if "done" in checked and "terminated" in checked:
        wrong = checked["terminated"] > checked["done"]
        if wrong.any():
            raise ValueError(f"terminated: expected done wherever terminated, got terminated alone{first(wrong)[1]}")
    if "log_pi" in checked:
        _weights(checked)
    if "support" in checked:
        gaps = np.diff(checked["support"])
        if not gaps.size or (gaps <= 0).any():
            where = first(gaps <= 0)[1] if gaps.size else ""
            came = f"{checked['support'][1:][gaps <= 0][0]} not above the atom before it{where}" if gaps.size else "one"
            raise ValueError(f"support: expected two atoms or more, in increasing order, got {came}")
    if "next_action_value" in checked:
        _legality(checked)
    if "subset" in checked and len(np.unique(checked["subset"])) < checked["subset"].size:
        raise ValueError(f"subset: expected each critic once, got {checked['subset'].tolist()}")
    if "action_low" in checked and (checked["action_low"] > checked["action_high"]).any():
        where = first(checked["action_low"] > checked["action_high"])[1]
        raise ValueError(f"action_high: expected values not below action_low, got one below it{where}")
    if "low" in checked:
        _bounds(checked)
    if "action_mask" in checked:
        _legal(checked)


def _legality(checked: Mapping[str, Any]) -> None:
    """Refuse an action that is legal by one argument and illegal by another: legality belongs to the state."""
    legal = np.isfinite(checked["next_action_value"])
    if "online_next_action_value" in checked:
        name, wrong = "online_next_action_value", np.isfinite(checked["online_next_action_value"]) != legal
        expected = "minus infinity where next_action_value is, and nowhere else"
    elif "next_log_probs" in checked:
        name, wrong = "next_action_value", np.isfinite(checked["next_log_probs"])[..., None] & ~legal
        expected = "finite values where next_log_probs is finite"
    else:
        return
    if wrong.any():
        index, where = first(wrong)
        raise ValueError(f"{name}: expected {expected}, got {checked[name][index]}{where}")


def _bounds(checked: Mapping[str, Any]) -> None:
    """Refuse bounds with nothing between them, and a sample that is not between them."""
    low, high = checked["low"], checked["high"]
    wrong = low >= high
    if wrong.any():
        index, where = first(wrong)
        raise ValueError(f"high: expected values above low, got {high[index]} for {low[index]}{where}")
    if "sample" in checked:
        wrong = (checked["sample"] < low) | (checked["sample"] > high)
        if wrong.any():
            index, where = first(wrong)
            raise ValueError(f"sample: expected values in [low, high] = [{low[index[-1]]}, {high[index[-1]]}], "
                             f"got {checked['sample'][index]}{where}")


def _legal(checked: Mapping[str, Any]) -> None:
    """Refuse a step at which no action is legal, and an action that is not."""
    mask = checked["action_mask"]
    nothing = ~mask.any(axis=-1)
    if nothing.any():
        raise ValueError(f"action_mask: expected True somewhere along A, got False alone{first(nothing)[1]}")
    if "action" in checked:
        wrong = ~np.take_along_axis(mask, checked["action"][..., None], axis=-1)[..., 0]
        if wrong.any():
            index, where = first(wrong)
            raise ValueError(f"action: expected one that action_mask allows, got {checked['action'][index]}{where}")


def _weights(checked: Mapping[str, Any]) -> None:
    """Refuse a log-ratio whose weight float64 cannot hold, where no threshold clips it."""
    log_ratio = checked["log_pi"] - checked["log_mu"]
    for name in ("rho_thresh", "c_thresh"):
        if np.any(np.isinf(checked[name])):
            unclipped = np.broadcast_to(np.isinf(checked[name]), log_ratio.shape)
            largest = np.max(log_ratio, where=unclipped, initial=-np.inf)
            if largest > LARGEST_LOG:
                raise ValueError(f"log_pi: expected log_pi - log_mu <= {LARGEST_LOG:g} where {name} is infinite, "
                                 f"got {largest:g}")
