"""Whether one answer is right, and if not, where and by how much."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from rlref.conformance import reference
from rlref.conformance.cases import Case
from rlref.conformance.worker import Answer
from rlref.pages import Page

LARGE = 80  # elements from which on the gradients of a loop take too long to differentiate forward
EPS = {"float64": reference.EPS, "float32": float(np.finfo(np.float32).eps)}


class Task(NamedTuple):
    """A case with what a page should give for it: values, and gradients where it has a cotangent."""

    case: Case
    values: reference.Expected
    cotangents: Mapping[str, np.ndarray] | None
    gradients: reference.Expected | None

    @property
    def size(self) -> int:
        """How many elements the outputs have."""
        return sum(x.size for x in self.values.values.values())

    def expected(self, gradient: bool) -> reference.Expected | None:
        """The values, or the gradients."""
        return self.gradients if gradient else self.values


class Outcome(NamedTuple):
    """The judgement of one answer: "ok", "float32", "differs", or the answer's own kind."""

    task: Task
    kind: str
    error: float  # the worst, in units of eps of the dtype times scale
    answer: Answer
    where: tuple[str, tuple[int, ...]] | None = None  # the output and the first step that differ

    @property
    def failed(self) -> bool:
        """Whether the answer is wrong."""
        return self.kind not in ("ok", "not offered")


def prepare(page: Page, case: Case, cotangents: Mapping[str, np.ndarray] | None, dtype: str) -> Task:
    """The case in ``dtype`` with its expected numbers, computed now; no gradients for a large case."""
    inputs = {name: _cast(x, dtype) for name, x in case.inputs.items()}
    case = Case(case.id, case.comment, inputs)
    values = reference.outputs(page, inputs)
    values = values._replace(scales=reference.shared(page, values.scales))
    if cotangents is None or next(iter(values.values.values())).size > LARGE:
        return Task(case, values, None, None)
    cotangents = {name: _cast(x, dtype) for name, x in cotangents.items()}
    return Task(case, values, cotangents, reference.gradients(page, inputs, cotangents))


def _cast(x: Any, dtype: str) -> Any:
    if isinstance(x, float):
        return float(np.dtype(dtype).type(x))
    return x.astype(dtype) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x


def judge(task: Task, answer: Answer, gradient: bool, dtype: str) -> Outcome:
    """Right to a few roundings of ``dtype``; right to a few of float32 only; or not.

    In float32 a rounded gamma is multiplied up to T times, so T more units are allowed there.
    """
    if answer.kind != "ok" or answer.arrays is None:
        return Outcome(task, answer.kind, np.inf if answer.kind != "not offered" else 0.0, answer)
    expected = task.expected(gradient)
    assert expected is not None
    units = reference.GRADIENT_UNITS if gradient else reference.UNITS
    units32 = units + max((len(x) for x in task.values.values.values() if x.ndim), default=1)
    error = 0.0
    first: tuple[str, tuple[int, ...]] | None = None
    coarse = False
    for got, (name, right) in zip(answer.arrays, expected.values.items(), strict=True):
        scale = expected.scales[name]
        error = max(error, reference.worst_error(got, right, scale, EPS[dtype]))
        coarse |= reference.worst_error(got, right, scale, EPS[dtype]) > (units if dtype == "float64" else units32)
        wrong = [index for index in np.ndindex(right.shape)
                 if reference.worst_error(got[index], right[index], scale[index], EPS["float32"]) > units32]
        if wrong and (first is None or wrong[0][:1] < first[1][:1]):
            first = name, wrong[0]
    kind = "differs" if first else "float32" if coarse else "ok"
    return Outcome(task, kind, error, answer, first)
