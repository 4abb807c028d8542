"""Makes the golden vectors: edges, cases from elsewhere, then random ones up to a fixed number.

Every number is the 60-digit value rounded once, and inputs are drawn by a stream that is the same everywhere, so the
files come out bit for bit on any machine.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from rlref.conformance import exact, golden, reference
from rlref.conformance.cases import Case, cotangents, random_cases, seeded
from rlref.conformance.edges import edges
from rlref.conformance.mistakes import Mistake, known
from rlref.conformance.outside import every_outside
from rlref.pages import Page

ENOUGH = 48  # cases a page at least
FLOAT32 = 2.0**29  # its eps, in units of that of float64
NUMBERS = 400  # that a case may have at most to be filled in


def vectors(page: Page) -> Iterator[golden.Vector]:
    """The golden vectors of a page, made from nothing but its loop."""
    known_cases = [*((case, "") for case in edges(page)),
                   *((Case(one.id, one.comment, one.inputs), one.source) for one in every_outside()
                     if one.page == page.name)]
    fill = random_cases(page, 10 * ENOUGH, "golden")
    small = (case for case in fill if page.steps(case.inputs)[0] <= 12
             and sum(np.size(x) for x in case.inputs.values()) <= NUMBERS)
    known_cases += [(case, "") for case, _ in zip(small, range(max(8, ENOUGH - len(known_cases))), strict=False)]
    for case, source in known_cases:
        yield _vector(page, case, source)


def _vector(page: Page, case: Case, source: str) -> golden.Vector:
    by = cotangents(page, seeded(f"{page.name} {case.id} cotangent"), case.inputs)
    right = exact.outputs(page, case.inputs)
    scales = reference.shared(page, reference.outputs(page, case.inputs).scales)
    slopes, slope_scales = exact.gradients(page, case.inputs, by), reference.gradients(page, case.inputs, by).scales
    vector = golden.Vector(case.id, case.comment, source, (), case.inputs, right, scales, by, slopes, slope_scales)
    return vector._replace(flags=tuple(one.name for one in known(page.name).values() if caught(page, one, vector)),
                           output_scales=_short(scales), gradient_scales=_short(slope_scales))


def caught(page: Page, mistake: Mistake, vector: golden.Vector) -> bool:
    """Whether this vector shows the mistake, even to a backend that computes in float32."""
    wrong = mistake.answer(page, vector.inputs, vector.cotangents)
    right, scales, units = (vector.gradients, vector.gradient_scales, reference.GRADIENT_UNITS) if mistake.gradient \
        else (vector.outputs, vector.output_scales, reference.UNITS)
    return max(reference.worst_error(wrong[name], right[name], scales[name]) for name in right) > units * FLOAT32


def _short(scales: golden.Arrays) -> golden.Arrays:
    """Rounded up to three digits: a scale is a yardstick, and a short one can be read."""
    def up(x: float) -> float:
        nearest = float(f"{x:.2e}")
        return nearest if nearest >= x else float(f"{x * 1.005:.2e}")

    return {name: np.array([up(x) for x in scale.flat]).reshape(scale.shape) for name, scale in scales.items()}


def text(page: Page) -> str:
    """A page's vector file as it should be."""
    mistakes = {name: {"what": one.what, "seen": one.seen} for name, one in known(page.name).items()}
    return golden.dump(page, mistakes, list(vectors(page)))


def write(pages: list[Page], directory: Path, say: Callable[[str], Any]) -> None:
    """Write the vector files of ``pages`` below ``directory``."""
    for page in pages:
        family, _, short = page.name.partition(".")
        path = directory / family / f"{short}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        golden.write_whole(path, text(page).encode("utf-8"))
        say(f"{page.name}: written")


def check(pages: list[Page], say: Callable[[str], Any]) -> list[str]:
    """The pages whose installed vectors differ from what is generated now, by a single bit or more."""
    different = []
    for page in pages:
        try:
            same = golden.installed(page) == text(page)
        except FileNotFoundError:
            same = False
        checksum = zlib.crc32(golden.installed(page).encode()) if same else 0
        say(f"{page.name}: " + (f"the same, bit for bit (crc32 {checksum:08x})" if same else "DIFFERS"))
        different += [] if same else [page.name]
    return different
