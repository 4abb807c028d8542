"""What a function returned, as plain arrays in order: it may be a tuple, a NamedTuple, a dict, or the bare array."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Shapes = Mapping[str, tuple[int, ...]]


def arrays(result: Any, shapes: Shapes, kinds: str = "f") -> list[np.ndarray]:
    """``result`` as one floating-point array for each name in ``shapes``; ValueError says what is wrong with it.

    Names with a dot, "loss_actor.log_prob", may come in two levels: a tuple of tuples, or a dict of dicts.
    """
    names = list(shapes)
    if set(getattr(result, "_fields", ())) & {part for name in names for part in (name, name.partition(".")[0])}:
        result = result._asdict()
    if isinstance(result, Mapping):
        result = _by_name(result)
        if set(result) != set(names):
            raise ValueError(f"expected outputs {', '.join(names)}, got {', '.join(map(str, result))}")
        found = [result[name] for name in names]
    elif not isinstance(result, (tuple, list)) or (len(names) == 1 and _numbers(result, shapes[names[0]])):
        found = [result]
    elif any("." in name for name in names):
        found = [x for part in result for x in (part if isinstance(part, (tuple, list)) else [part])]
    else:
        found = list(result)
    if len(found) != len(names):
        raise ValueError(f"expected {len(names)} outputs ({', '.join(names)}), got {len(found)}")
    return [_array(name, x, shapes[name], kinds) for name, x in zip(names, found, strict=True)]


def _by_name(result: Mapping[Any, Any]) -> dict[str, Any]:
    """A dict of dicts, or of NamedTuples, in one level."""
    flat: dict[str, Any] = {}
    for name, x in result.items():
        x = x._asdict() if hasattr(x, "_asdict") else x
        flat |= {f"{name}.{part}": y for part, y in x.items()} if isinstance(x, Mapping) else {str(name): x}
    return flat


def _numbers(result: Sequence[Any], shape: tuple[int, ...]) -> bool:
    """Whether a plain list is itself the one output, and not a list of it."""
    return isinstance(result, list) and not (len(result) == 1 and np.shape(result[0]) == shape)


def _array(name: str, x: Any, shape: tuple[int, ...], kinds: str) -> np.ndarray:
    if isinstance(x, np.ma.MaskedArray):
        raise ValueError(f"{name}: expected a plain array, got a masked one")
    x = np.asarray(x.detach().cpu() if hasattr(x, "detach") else x)
    if x.dtype.kind not in kinds:
        raise ValueError(f"{name}: expected floating-point numbers, got dtype {x.dtype}")
    if x.shape != shape:
        raise ValueError(f"{name}: expected shape {list(shape)}, got {list(x.shape)}")
    return x.astype(np.float64)


def shapes_of(values: Mapping[str, np.ndarray]) -> dict[str, tuple[int, ...]]:
    """The shape of each array by name."""
    return {name: x.shape for name, x in values.items()}
