"""Which known mistake, or which two together, explain a backend's wrong answers: all of them, on all cases tried."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np

from rlref.conformance import reference
from rlref.conformance.judge import EPS, Outcome
from rlref.conformance.mistakes import Function, Mistake, known, unchecked
from rlref.pages import Page

SLACK = 4  # a mistake may be computed in another order than ours, over larger terms


def diagnose(page: Page, outcomes: Sequence[Outcome]) -> tuple[list[Mistake], tuple[Mistake, int] | None]:
    """The mistake whose output is the backend's on every case that it answered; else the pair; else none.

    Where none is, the mistake that is right where the backend is right and explains most of its wrong answers.
    """
    answered = [o for o in outcomes if o.answer.arrays is not None]
    answered.sort(key=lambda o: (not o.failed, o.task.size))
    mistakes = list(known(page.name).values())
    right = unchecked(page)
    candidates: list[tuple[Mistake, ...]] = [*((one,) for one in mistakes), *permutations(mistakes, 2)]
    for each in candidates:  # single mistakes come first
        if _explains(page, _apply(each, right), answered):
            return list(each), None
    right_ones, wrong_ones = ([o for o in answered if o.kind == kind] for kind in ("ok", "differs"))
    partly = [(one, sum(_matches(page, one.apply(right), o) for o in wrong_ones)) for one in mistakes
              if all(_matches(page, one.apply(right), o) for o in right_ones)]
    best = max(partly, key=lambda each: each[1], default=None)
    return [], best if best is not None and best[1] else None


def _apply(mistakes: Sequence[Mistake], right: Function) -> Function:
    for one in mistakes:
        right = one.apply(right)
    return right


def _explains(page: Page, wrong: Function, answered: Sequence[Outcome]) -> bool:
    return bool(answered) and all(_matches(page, wrong, outcome) for outcome in answered)


def _matches(page: Page, wrong: Function, outcome: Outcome) -> bool:
    assert outcome.answer.arrays is not None
    inputs = {name: x.astype(np.float64) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x
              for name, x in outcome.task.case.inputs.items()}
    try:
        with np.errstate(all="ignore"):
            result = wrong(**inputs)
    except (ValueError, IndexError, FloatingPointError, ZeroDivisionError):
        return False
    for got, name, expected in zip(outcome.answer.arrays, page.outputs, result, strict=True):
        expected = np.asarray(expected, np.float64)
        # How far a NaN runs depends on how the masks were written, so it need not run equally far in both.
        if np.isfinite(got).all() != np.isfinite(expected).all():
            return False
        finite = np.isfinite(got) & np.isfinite(expected)
        scale = np.maximum(outcome.task.values.scales[name], np.abs(expected))[finite]
        if reference.worst_error(got[finite], expected[finite], SLACK * scale, EPS["float32"]) > reference.UNITS:
            return False
    return True
