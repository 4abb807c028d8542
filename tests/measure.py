"""The worst error against 60 digits, of every page or those named: ``python tests/measure.py [PAGE ...]``.

Writes measured.json, from which the README's table is made. A page takes about a minute.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rlref.conformance import exact, reference
from rlref.conformance.cases import cotangents, sample, seeded
from rlref.pages import Page, find, pages

CASES = 2000


def worst(page: Page, count: int) -> dict[str, float]:
    """The worst error of loop, vectorized and vjp in eps-units over ``count`` cases, half of them with all bits."""
    found = {"loop": 0.0, "vectorized": 0.0, "vjp": 0.0}
    for i in range(count):
        pick = seeded(f"{page.name} measure {i}")
        # Where there is no time, a few samples at once show as much as many.
        shape = {"sample": (1 + pick(3),), "batch": (1 + pick(6),)}.get(page.loop.unit)
        inputs = sample(page, pick, shape, full=i % 2 == 1)
        values = reference.outputs(page, inputs)
        by = cotangents(page, pick, inputs, full=i % 2 == 1)
        right = exact.outputs(page, inputs)
        for form in ("loop", "vectorized"):
            for name, got in getattr(page, form)(**inputs)._asdict().items():
                found[form] = max(found[form], reference.worst_error(got, right[name], values.scales[name]))
        scales = reference.gradients(page, inputs, by).scales
        right = exact.gradients(page, inputs, by)
        for name, got in page.gradients(page.vjp(page.output(**by), **inputs)).items():
            found["vjp"] = max(found["vjp"], reference.worst_error(got, right[name], scales[name]))
    return {form: round(units, 2) for form, units in found.items()}


if __name__ == "__main__":
    path = Path(__file__).with_name("measured.json")
    result = json.loads(path.read_text()) if path.exists() else {"cases": CASES}
    for page in [find(name) for name in sys.argv[1:]] or pages().values():
        result[page.name] = worst(page, CASES)
        print(page.name, result[page.name], flush=True)
        path.write_text(json.dumps(result, indent=1) + "\n")
