"""Which known mistake, or which two together, explain a backend's wrong answers: all of them, on all cases tried."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np

from rlref.conformance import reference
from rlref.conformance.judge import EPS, Outcome
from rlref.conformance.mistakes import Mistake, known, unchecked
from rlref.pages import Page

SLACK = 4  # a mistake may be computed in another order than ours, over larger terms


def diagnose(page: Page, outcomes: Sequence[Outcome], gradient: bool
             ) -> tuple[list[Mistake], tuple[Mistake, int] | None]:
    """The mistake whose output is the backend's on every case that it answered; else the pair; else none.

    Where none is, the mistake that is right where the backend is right and explains most of its wrong answers. Of
    gradients, only mistakes that leave the values right are tried: others show in the values already.
    """
    answered = [o for o in outcomes if o.answer.arrays is not None]
    answered.sort(key=lambda o: (not o.failed, o.task.size))
    mistakes = [one for one in known(page.name).values() if one.gradient == gradient]
    candidates: list[tuple[Mistake, ...]] = [*((one,) for one in mistakes), *permutations(mistakes, 2)]
    for each in candidates:  # single mistakes come first
        if answered and all(_matches(page, each, outcome) for outcome in answered):
            return list(each), None
    right_ones, wrong_ones = ([o for o in answered if o.kind == kind] for kind in ("ok", "differs"))
    partly = [(one, sum(_matches(page, (one,), o) for o in wrong_ones)) for one in mistakes
              if all(_matches(page, (one,), o) for o in right_ones)]
    best = max(partly, key=lambda each: each[1], default=None)
    return [], best if best is not None and best[1] else None


def _matches(page: Page, mistakes: Sequence[Mistake], outcome: Outcome) -> bool:
    gradient, task = mistakes[0].gradient, outcome.task
    expected = task.expected(gradient)
    assert outcome.answer.arrays is not None and expected is not None
    inputs, by = ({name: x.astype(np.float64) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x
                   for name, x in (given or {}).items()} for given in (task.case.inputs, task.cotangents))
    wrong = unchecked(page, gradient)
    for one in mistakes:
        wrong = one.apply(wrong)
    try:
        with np.errstate(all="ignore"):
            result = page.gradients(wrong(page.output(**by), **inputs)) if gradient else wrong(**inputs)._asdict()
    except (ValueError, IndexError, FloatingPointError, ZeroDivisionError):
        return False
    for got, name in zip(outcome.answer.arrays, expected.values, strict=True):
        right = np.asarray(result[name], np.float64)
        # How far a NaN runs depends on how the masks were written, so it need not run equally far in both.
        if right.shape != got.shape or np.isfinite(got).all() != np.isfinite(right).all():
            return False
        finite = np.isfinite(got) & np.isfinite(right)
        scale = np.maximum(expected.scales[name], np.abs(right))[finite]
        if reference.worst_error(got[finite], right[finite], SLACK * scale, EPS["float32"]) > reference.UNITS:
            return False
    return True
