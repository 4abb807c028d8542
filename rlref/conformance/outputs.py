"""Judging a backend in another language by a file of what it gave for the golden vectors."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rlref.conformance import golden
from rlref.conformance.answers import shapes_of
from rlref.conformance.judge import Task
from rlref.conformance.verify import Judgement, judge_function, tasks
from rlref.conformance.worker import Answer, BackendError, Offer, said, well_formed
from rlref.pages import find, pages


def read(path: Path) -> dict[str, Any]:
    """The file's content: {"backend": ..., "results": {page: {case id: {"outputs": ..., "gradients": ...}}}}."""
    try:
        content = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise BackendError(f"outputs: expected a readable file, got {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise BackendError(f"outputs: expected JSON, got {path}: {error}") from error
    results = content.get("results") if isinstance(content, dict) else None
    if not isinstance(results, dict) or not all(isinstance(cases, dict) for cases in results.values()):
        raise BackendError('outputs: expected {"results": {page: {case id: {"outputs": ...}}}}, see vectors/README.md')
    unknown = sorted(set(results) - set(pages()))
    if unknown:
        raise BackendError(f"outputs: expected pages among {', '.join(pages())}, got {', '.join(unknown)}")
    for page, cases in results.items():
        strange = sorted(set(cases) - {vector.id for vector in golden.load(page)})
        if strange:
            raise BackendError(f"outputs: {page} has no case called {', '.join(strange[:3])}")
        for name, case in cases.items():
            if not isinstance(case, dict) or not case or not case.keys() <= {"outputs", "gradients", "error"}:
                raise BackendError(f'outputs: {page}, {name}: expected {{"outputs": ..., "gradients": ...}} or '
                                   f'{{"error": ...}}, got {json.dumps(case)[:60]}')
    return content


def judgements(content: Mapping[str, Any], references: list[str], dtype: str) -> Iterator[Judgement]:
    """A judgement for the values, and one for the gradients, of each page that the file answers."""
    for name, cases in content["results"].items():
        if name not in references:
            continue
        todo = tasks(find(name), 0, 0, dtype)
        for gradient, part in ((False, "outputs"), (True, "gradients")):
            if any("error" in case or part in case for case in cases.values()):
                offer = Offer(find(name).short, name, "", gradient)

                def call(task: Task, cases: Any = cases, offer: Offer = offer, part: str = part) -> Answer:
                    return _answer(cases.get(task.case.id, {}), offer, part, task)

                yield judge_function(offer, todo, call, dtype, shrinks=False)


def _answer(case: Mapping[str, Any], offer: Offer, part: str, task: Task) -> Answer:
    if "error" in case:
        return Answer("raised", text=said(case["error"]))
    if part not in case:
        return Answer("not offered", text="no such case in the file")
    expected = task.expected(offer.gradient)
    assert expected is not None
    fields = list(expected.values)
    if not isinstance(case[part], dict) or set(case[part]) != set(fields):
        return Answer("malformed", text=f"expected {part} {', '.join(fields)}, got {json.dumps(case[part])[:60]}")
    try:
        decoded = {field: np.asarray(_decode(case[part][field]), np.float64) for field in fields}
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        return Answer("malformed", text=f"expected arrays as in the golden vectors: {type(error).__name__}: {error}")
    return well_formed(decoded, shapes_of(expected.values))


def _decode(x: Any) -> Any:
    """An encoded array, or a plain nested list."""
    if isinstance(x, dict) and any(type(n) is not int or n < 1 for n in x["shape"]):
        raise ValueError(f"expected a shape of whole numbers, got {x['shape']}")
    return golden.decode(x) if isinstance(x, dict) else [
        _decode(each) if isinstance(each, list) else golden.WORDS.get(each, each) for each in x]
