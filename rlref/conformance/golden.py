"""Golden vectors: reading, writing and exporting them. Nothing here computes; ``generate`` does.

A file a page, ``vectors/<family>/<page>.json``, described for other languages in ``vectors/README.md`` and by
``vectors/schema.json``. An array is {"shape": [...], "data": [...]}, row-major; NaN and the infinities, which JSON does
not have, are the strings "NaN", "Infinity" and "-Infinity"; other strings are the words of a choice, such as "l2".
"""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rlref.conformance.answers import arrays, shapes_of
from rlref.conformance.reference import EPS, GRADIENT_UNITS, UNITS, worst_error
from rlref.pages import Page, find

Arrays = dict[str, np.ndarray]
VERSION = 1
WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
GROUPS = ("inputs", "outputs", "output_scales", "cotangents", "gradients", "gradient_scales")


class Vector(NamedTuple):
    """One golden case. The scales are what a tolerance multiplies: |got - expected| <= units * eps * scale."""

    id: str
    comment: str
    source: str  # where the numbers come from; "" means rlref's exact evaluation alone
    flags: tuple[str, ...]  # the known mistakes that this case catches
    inputs: dict[str, Any]
    outputs: Arrays
    output_scales: Arrays
    cotangents: Arrays
    gradients: Arrays
    gradient_scales: Arrays

    def check(self, outputs: Any, eps: float = EPS) -> None:
        """Raise AssertionError unless ``outputs`` (in order, or by name) are right; eps is that of your precision."""
        _check(outputs, self.outputs, self.output_scales, UNITS, eps)

    def check_gradients(self, gradients: Any, eps: float = EPS) -> None:
        """The same for the gradients, for ``cotangents``: in order, or by name as in ``gradients``."""
        _check(gradients, self.gradients, self.gradient_scales, GRADIENT_UNITS, eps)


def _check(got: Any, expected: Arrays, scales: Arrays, units: int, eps: float) -> None:
    try:
        found = arrays(got, shapes_of(expected), "fiu")
    except ValueError as error:
        raise AssertionError(str(error)) from None
    for (name, right), x in zip(expected.items(), found, strict=True):
        off = worst_error(x, right, scales[name], eps)
        assert off <= units, f"{name}: off by {off:.3g} units, {units} allowed\nexpected {right}\ngot      {x}"


def load(page: str | Page) -> list[Vector]:
    """The vectors of a page, "returns.gae" or "gae", as installed with rlref."""
    page = find(page) if isinstance(page, str) else page
    return parse(installed(page))


def installed(page: Page) -> str:
    """The text of a page's installed vector file."""
    family, _, short = page.name.partition(".")
    file = resources.files("rlref.conformance").joinpath("vectors", family, f"{short}.json")
    if not file.is_file():
        raise FileNotFoundError(f"{page.name} has no vectors: "
                                f"rlref golden --write rlref/conformance/vectors --reference {short}")
    return file.read_text("utf-8")


def parse(text: str) -> list[Vector]:
    """The vectors in a file's text."""
    return [Vector(case["id"], case["comment"], case["source"], tuple(case["flags"]),
                   *({name: decode(array) if group == "inputs" else np.asarray(decode(array))
                      for name, array in case[group].items()} for group in GROUPS))
            for case in json.loads(text)["cases"]]


def decode(array: Mapping[str, Any]) -> Any:
    """An encoded array as NumPy's, a parameter without axes as a plain number."""
    data = [WORDS.get(x, x) if isinstance(x, str) else x for x in array["data"]]
    dtype = bool if data and isinstance(data[0], bool) else None
    result = np.array(data, dtype=dtype).reshape(array["shape"])
    return result if array["shape"] else result.item()


def encode(value: Any) -> dict[str, Any]:
    """The reverse of ``decode``; floats are printed with the fewest digits that read back to the same bits."""
    data = np.ravel(value).tolist()
    return {"shape": list(np.shape(value)),
            "data": [x if isinstance(x, str) or math.isfinite(x) else _word(x) for x in data]}


def _word(x: float) -> str:
    return "NaN" if math.isnan(x) else "Infinity" if x > 0 else "-Infinity"


def dump(page: Page, mistakes: Mapping[str, Mapping[str, str]], vectors: list[Vector]) -> str:
    """The text of a vector file: JSON with one line an array, so that a diff can be read."""
    head = {
        "version": VERSION, "page": page.name, "title": page.title, "source": page.section("Source"),
        "tolerance": {"eps": EPS, "output_units": UNITS, "gradient_units": GRADIENT_UNITS},
        "arguments": {name: {"axes": entry.axes, "kind": entry.kind, "meaning": entry.meaning}
                      for name, entry in page.arguments.items()},
        "mistakes": mistakes,
    }
    lines = ["{"]
    lines += [f' {json.dumps(key)}: {json.dumps(value)},' for key, value in head.items()]
    lines.append(' "cases": [')
    for i, vector in enumerate(vectors):
        lines.append("  {")
        lines += [f"   {json.dumps(key)}: {json.dumps(getattr(vector, key))},"
                  for key in ("id", "comment", "source", "flags")]
        for group in GROUPS:
            arrays = [f"    {json.dumps(name)}: {json.dumps(encode(x))}" for name, x in getattr(vector, group).items()]
            lines += [f"   {json.dumps(group)}: {{", ",\n".join(arrays), "   }" + ("," if group != GROUPS[-1] else "")]
        lines.append("  }," if i < len(vectors) - 1 else "  }")
    return "\n".join([*lines, " ]", "}", ""])


def export(page: Page, directory: Path, form: str) -> Path:
    """Write a page's vectors below ``directory`` as "json" or "npz"; the file appears whole or not at all."""
    family, _, short = page.name.partition(".")
    path = directory / family / f"{short}.{form}"
    path.parent.mkdir(parents=True, exist_ok=True)
    if form == "json":
        write_whole(path, installed(page).encode("utf-8"))
        return path
    arrays = {f"{vector.id}/{group}/{name}": np.asarray(x) for vector in load(page) for group in GROUPS
              for name, x in getattr(vector, group).items()}
    with tempfile.TemporaryDirectory() as scratch:
        np.savez(Path(scratch) / "vectors.npz", **arrays)  # type: ignore[arg-type]
        write_whole(path, (Path(scratch) / "vectors.npz").read_bytes())
    return path


def write_whole(path: Path, content: bytes) -> None:
    """Replace ``path`` by ``content`` in one step, so that a failure leaves no half-written file."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            file.write(content)
            file.close()
            os.chmod(file.name, 0o644)
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise
