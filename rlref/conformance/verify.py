"""Judge a backend: every function it offers, on the golden vectors and on random cases."""

from __future__ import annotations

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

HANGS = 2  # after so many, an implementation is not called again
Call = Callable[[Task], Answer]
VERDICTS = {
    "ok": "conforms", "float32": "float32 only", "differs": "differs", "malformed": "malformed", "raised": "crashes",
    "hangs": "hangs", "not offered": "not offered",
}
EFFECTS = VERDICTS | {"float32": "float32"}  # as a backend's Divergence calls them


class Failure(NamedTuple):
    """One way of failing: how often, and its smallest case."""

    kind: str
    times: int
    smallest: Outcome


class Judgement(NamedTuple):
    """What was found of one function of a backend."""

    offer: Offer
    outcomes: tuple[Outcome, ...]
    failures: tuple[Failure, ...]  # worst kind first
    mistakes: tuple[Mistake, ...]  # that explain every answer, if any do
    recorded: tuple[int, ...] = ()  # indices of the backend's divergences that were seen
    unexpected: int = 0  # failing cases that no recorded divergence covers

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
        """The worst error among the answers, in units of eps of float64."""
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
        shape = next(np.shape(x) for name, x in case.inputs.items() if page.arguments[name].per_step)
        found.append(prepare(page, case, cotangents(page, seeded(f"{case.id} cotangent"), shape), dtype))
    return found


def judge_function(offer: Offer, todo: Sequence[Task], call: Call, dtype: str, *, shrinks: bool = True,
                   said: Callable[[int], Any] = lambda done: None) -> Judgement:
    """Run one function through ``todo`` and look into what went wrong; ``shrinks`` by calling it on more cases."""
    page = find(offer.page)
    outcomes: list[Outcome] = []
    for done, task in enumerate(todo):
        said(done)
        if offer.gradient and task.gradients is None:
            continue
        outcomes.append(judge(task, call(task), offer.gradient, dtype))
        if sum(o.kind == "hangs" for o in outcomes) == HANGS:
            break
    failures = []
    for kind in ("hangs", "raised", "malformed", "differs", "float32"):
        failing = [o for o in outcomes if o.kind == kind]
        if failing:
            smallest = min(failing, key=lambda o: o.task.size)
            # A hang costs its whole time at each try, and a rounding error has no smallest case.
            if shrinks and kind not in ("hangs", "float32"):
                smallest = _shrunk(page, offer, smallest, call, dtype)
            failures.append(Failure(kind, len(failing), smallest))
    wrong = any(failure.kind == "differs" for failure in failures)
    mistakes = diagnose(page, outcomes) if wrong and not offer.gradient else []
    return Judgement(offer, tuple(outcomes), tuple(failures), tuple(mistakes))


def _shrunk(page: Page, offer: Offer, failing: Outcome, call: Call, dtype: str) -> Outcome:
    def again(inputs: Any) -> Outcome:
        shape = next(np.shape(x) for name, x in inputs.items() if page.arguments[name].per_step)
        ones = {name: np.ones(shape) for name in page.outputs} if offer.gradient else None
        task = prepare(page, Case("shrunk", failing.task.case.id, inputs), ones, dtype)
        return judge(task, call(task), offer.gradient, dtype)

    start = failing.task.case.inputs
    smaller = shrink(page, start, lambda inputs: again(inputs).kind == failing.kind)
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

        found = judge_function(offer, todo, call, dtype, said=progress)
        if not found.conforms:
            covering = [worker.recorded(offer, o.task.case.inputs, EFFECTS[o.kind])
                        for o in found.outcomes if o.failed]
            found = found._replace(recorded=tuple(sorted({i for each in covering for i in each})),
                                   unexpected=sum(not each for each in covering))
        yield found
