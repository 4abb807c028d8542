"""Judge a backend: every function it offers, on the golden vectors and on random cases."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from rlref.conformance import golden, reference
from rlref.conformance.cases import Case, cotangents, random_cases, seeded
from rlref.conformance.diagnose import diagnose
from rlref.conformance.judge import Outcome, Task, judge, prepare
from rlref.conformance.mistakes import Mistake
from rlref.conformance.shrink import shrink
from rlref.conformance.worker import Answer, Offer, Worker
from rlref.pages import Page, find

MOST = {"hangs": 2, "died": 4}  # after so many, an implementation is not called again
BUDGET = 300.0  # nor after so many seconds
Call = Callable[[Task], Answer]
Known = Callable[[Outcome], tuple[int, ...]]  # the recorded divergences that cover a failing case
VERDICTS = {
    "ok": "conforms", "float32": "float32 only", "differs": "differs", "malformed": "malformed",
    "raised": "crashes", "died": "crashes", "hangs": "hangs", "not offered": "not offered",
}
EFFECTS = VERDICTS | {"float32": "float32"}  # as a backend's Divergence calls them


class Failure(NamedTuple):
    """One way of failing: how often, and its smallest case."""

    kind: str
    times: int
    smallest: Outcome
    recorded: tuple[int, ...] = ()  # the backend's divergences that cover its cases


class Judgement(NamedTuple):
    """What was found of one function of a backend."""

    offer: Offer
    outcomes: tuple[Outcome, ...]
    failures: tuple[Failure, ...]  # worst kind first
    mistakes: tuple[Mistake, ...]  # that explain every answer, if any do
    partly: tuple[Mistake, int] | None = None  # else the one that explains most wrong answers, and how many

    @property
    def recorded(self) -> tuple[int, ...]:
        """The indices of the backend's divergences that were seen."""
        return tuple(sorted({i for failure in self.failures for i in failure.recorded}))

    @property
    def unexpected(self) -> int:
        """How many failing cases no recorded divergence covers."""
        return sum(failure.times for failure in self.failures if not failure.recorded)

    @property
    def verdict(self) -> str:
        """In a word: conforms, float32 only, differs, malformed, crashes, hangs or not offered."""
        if self.failures:
            return VERDICTS[self.failures[0].kind]
        return VERDICTS["ok" if any(o.kind == "ok" for o in self.outcomes) else "not offered"]

    @property
    def conforms(self) -> bool:
        """Whether nothing was found wrong."""
        return not self.failures

    @property
    def worst(self) -> float:
        """The worst error among the answers, in units of eps of the dtype."""
        return max((o.error for o in self.outcomes if o.answer.kind == "ok"), default=np.nan)


def tasks(page: Page, count: int, seed: int, dtype: str) -> list[Task]:
    """The golden vectors, then ``count`` random cases."""
    found = []
    for vector in golden.load(page):
        case = Case(vector.id, vector.comment, vector.inputs)
        if dtype == "float64":
            found.append(Task(case, reference.Expected(vector.outputs, vector.output_scales), vector.cotangents,
                              reference.Expected(vector.gradients, vector.gradient_scales)))
        else:  # other inputs after rounding, so other results
            found.append(prepare(page, case, vector.cotangents, dtype))
    for case in random_cases(page, count, seed):
        by = cotangents(page, seeded(f"{case.id} cotangent"), case.inputs)
        found.append(prepare(page, case, by, dtype))
    return found


def judge_function(offer: Offer, todo: Sequence[Task], call: Call, dtype: str, *, shrinks: bool = True,
                   known: Known = lambda outcome: (), said: Callable[[int], Any] = lambda done: None) -> Judgement:
    """Run one function through ``todo`` and look into what went wrong; ``shrinks`` by calling it on more cases."""
    page = find(offer.page)
    outcomes: list[Outcome] = []
    began = time.monotonic()
    for done, task in enumerate(todo):
        said(done)
        if offer.gradient and task.gradients is None:
            continue
        outcomes.append(judge(task, call(task), offer.gradient, dtype))
        if any(sum(o.kind == kind for o in outcomes) == most for kind, most in MOST.items()):
            break
        if time.monotonic() - began > BUDGET:
            break
    slow = time.monotonic() - began > len(outcomes)  # more than a second a call: shrinking would take minutes
    failures = []
    for (kind, _), group in _grouped(outcomes, known).items():
        smallest = min((o for o, _ in group), key=lambda o: o.task.size)
        covering = {i for _, covers in group for i in covers}
        # A hang costs its whole time at each try, a death a new process, and a rounding error has no smallest case.
        if shrinks and not slow and kind not in ("hangs", "died", "float32"):
            smallest = _shrunk(page, offer, smallest, call, dtype, known)
        failures.append(Failure(kind, len(group), smallest, tuple(sorted(covering))))
    wrong = any(failure.kind == "differs" for failure in failures)
    mistakes, partly = diagnose(page, outcomes, offer.gradient) if wrong else ([], None)
    return Judgement(offer, tuple(outcomes), tuple(failures), tuple(mistakes), partly)


Group = list[tuple[Outcome, tuple[int, ...]]]  # each with the recorded divergences that cover it


def _grouped(outcomes: Sequence[Outcome], known: Known) -> dict[tuple[str, tuple[int, ...]], Group]:
    """The failing outcomes by kind, worst first, and by the first recorded divergence that covers them.

    Losses of precision, which have many small causes at once, are only told apart by whether one covers them.
    """
    groups: dict[tuple[str, tuple[int, ...]], Group] = {}
    for kind in ("hangs", "died", "raised", "malformed", "differs", "float32"):
        failing = [(o, known(o)) for o in outcomes if o.kind == kind]
        for outcome, covers in sorted(failing, key=lambda each: each[1][:1]):
            first = covers[:1] if kind != "float32" else (0,) if covers else ()
            groups.setdefault((kind, first), []).append((outcome, covers))
    return groups


def _shrunk(page: Page, offer: Offer, failing: Outcome, call: Call, dtype: str, known: Known) -> Outcome:
    """A smaller case that fails in the same way and is covered by the same recorded divergence, if by any."""
    @np.errstate(over="ignore", invalid="ignore")  # an input made smaller may leave larger quotients
    def again(inputs: Any) -> Outcome:
        ones = {name: np.ones(shape) for name, shape in page.shapes(inputs).items()} if offer.gradient else None
        task = prepare(page, Case("shrunk", failing.task.case.id, inputs), ones, dtype)
        return judge(task, call(task), offer.gradient, dtype)

    def covering(inputs: Any) -> tuple[int, ...]:
        case = failing.task.case._replace(inputs=inputs)
        return known(failing._replace(task=failing.task._replace(case=case)))[:1]

    def fails(inputs: Any) -> bool:
        return covering(inputs) == first and again(inputs).kind == failing.kind  # asked first, as it costs less

    start, first = failing.task.case.inputs, known(failing)[:1]
    smaller = shrink(page, start, fails)
    return failing if smaller is start else again(smaller)


def verify(worker: Worker, references: Sequence[str], count: int, seed: int, dtype: str,
           said: Callable[[str], Any] = lambda line: None) -> Iterator[Judgement]:
    """A judgement for each function of the backend whose page is in ``references``, as each is reached."""
    prepared: dict[str, list[Task]] = {}
    for offer in worker.offers:
        if offer.page not in references:
            continue
        if offer.page not in prepared:
            said(f"{offer.page}: preparing cases")
            prepared[offer.page] = tasks(find(offer.page), count, seed, dtype)
        todo = prepared[offer.page]
        part = "gradients" if offer.gradient else "values"

        def call(task: Task, offer: Offer = offer) -> Answer:
            return worker.call(offer, task.case.inputs, task.cotangents if offer.gradient else None)

        def progress(done: int, name: str = f"{offer.label} {part}", total: int = len(todo)) -> None:
            said(f"{name}: {done}/{total}")

        def known(outcome: Outcome, offer: Offer = offer) -> tuple[int, ...]:
            return tuple(worker.recorded(offer, outcome.task.case.inputs, EFFECTS[outcome.kind]))

        yield judge_function(offer, todo, call, dtype, known=known, said=progress)
