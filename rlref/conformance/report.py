"""What verify found, for people (80 columns) and for programs (JSON)."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from rlref.conformance import golden
from rlref.conformance.judge import Outcome
from rlref.conformance.verify import Judgement

WIDTH = 80
SHOWN = 8  # rows of a case printed


def table(judgements: Sequence[Judgement], dtype: str = "float64") -> Iterator[str]:
    """A row an implementation: values and gradients, cases right of cases tried, worst error."""
    rows: dict[str, list[Judgement | None]] = {}
    for one in judgements:
        rows.setdefault(one.offer.label, [None, None])[one.offer.gradient] = one
    yield f"{'reference':31}{'values':13}{'right':>7}{'worst':>8} {'gradients':12}{'worst':>8}"
    for label, (values, gradients) in rows.items():
        if len(label) > 30:
            yield label
            label = ""
        line = f"{label:30} {_verdict(values):13}{_count(values):>7}{_worst(values):>8}"
        yield f"{line} {_verdict(gradients):12}{_worst(gradients):>8}".rstrip()
    yield f"worst: the largest error, in units of eps of {dtype} times the size of its terms"


def _verdict(one: Judgement | None) -> str:
    return one.verdict if one else "not offered"


def _count(one: Judgement | None) -> str:
    if one is None:
        return ""
    tried = [o for o in one.outcomes if o.kind != "not offered"]
    return f"{sum(not o.failed for o in tried)}/{len(tried)}" if tried else ""


def _worst(one: Judgement | None) -> str:
    if one is None or np.isnan(one.worst):
        return ""
    if one.worst < 1000:
        return f"{one.worst:.1f}"
    return "inf/nan" if np.isinf(one.worst) else f"{one.worst:.1e}" if one.worst < 1e99 else f"{one.worst:.0e}"


def details(one: Judgement, divergences: Sequence[dict[str, str]] = (),
            shown: set[tuple[str, str, int]] | None = None) -> Iterator[str]:
    """Every way in which one function fails, its smallest case, and why, as far as that is known.

    What is in ``shown``, (page, kind of failure, number of the recorded cause), is not shown in full again.
    """
    part = "gradients" if one.offer.gradient else "values"
    causes = _causes(divergences)
    for failure in one.failures:
        tried = sum(o.kind != "not offered" for o in one.outcomes)
        numbers = sorted({causes[divergences[i]["cause"]] for i in failure.recorded})
        key = (one.offer.page, failure.kind, numbers[0] if numbers else 0)
        again = shown is not None and key in shown and bool(numbers)
        if shown is not None:
            shown.add(key)
        yield ""
        what = _name(failure.kind)
        if failure.kind == "float32" and one.verdict != "float32 only":
            what = "differs by no more than float32 rounds"
        yield from _wrap(f"{one.offer.label}, {part}: {what} on {failure.times} of {tried} cases", "")
        if failure.kind == "float32":
            worst = max((o for o in one.outcomes if o.kind == "float32"), key=lambda o: o.error)
            yield f"  largest error: {worst.error:.1e} eps, case {worst.task.case.id}"
        elif not again:
            yield from _case(failure.smallest, one.offer.gradient)
        if divergences:
            yield "  recorded: " + " ".join(f"[{number}]" for number in numbers) if numbers else "  NOT recorded"
    if any(failure.kind == "differs" for failure in one.failures):
        lines = list(_diagnosis(one))
        if lines and len(one.failures) > 1:
            yield from ("", f"{one.offer.label}, {part}, all in all:")
        yield from lines


def _causes(divergences: Sequence[dict[str, str]]) -> dict[str, int]:
    """The causes of the backend's divergences, each once, by number."""
    return {cause: i + 1 for i, cause in enumerate(dict.fromkeys(each["cause"] for each in divergences))}


def recorded(judgements: Sequence[Judgement], divergences: Sequence[dict[str, str]]) -> Iterator[str]:
    """What rlref knows to be wrong in the backend and saw again: cause, size, link."""
    seen = {divergences[i]["cause"]: divergences[i] for one in judgements for i in one.recorded}
    if seen:
        yield ""
        yield "Recorded before as wrong in this backend, and seen again:"
    for cause, number in _causes(divergences).items():
        if cause in seen:
            yield from _wrap(f"[{number}] {cause} (size: {seen[cause]['size']})")
            if seen[cause]["link"]:
                yield f"      {seen[cause]['link']}"


def _name(kind: str) -> str:
    return {"raised": "crashes", "died": "crashes", "float32": "float32 precision only"}.get(kind, kind)


def _diagnosis(one: Judgement) -> Iterator[str]:
    if one.offer.gradient and not one.mistakes:
        yield from _wrap(_gradient_hint(one))
        return
    answered = sum(o.answer.arrays is not None for o in one.outcomes)
    if not one.mistakes:
        yield "  known mistake: none, nor any two together, gives all of these numbers"
        if one.partly is not None:
            failing = sum(o.kind == "differs" for o in one.outcomes)
            yield from _wrap(f"    {one.partly[0].name} gives {one.partly[1]} of the {failing} wrong ones: "
                             f"{one.partly[0].what}")
        return
    for mistake in one.mistakes:
        yield from _wrap(f"known mistake: {mistake.name}: {mistake.what}")
        yield f"      seen: {mistake.seen}"
    yield f"      {'its' if len(one.mistakes) == 1 else 'their joint'} output matches on all {answered} answers"


def _gradient_hint(one: Judgement) -> str:
    first = next(o for o in one.outcomes if o.kind == "differs")
    assert first.task.gradients is not None
    names = list(first.task.gradients.values)
    hints = []
    for i, name in enumerate(names):
        pairs = [(o.answer.arrays[i], o.task.gradients.values[name]) for o in one.outcomes
                 if o.answer.arrays is not None and o.task.gradients is not None]
        if all(not np.any(got) for got, _ in pairs) and any(np.any(right) for _, right in pairs):
            hints.append(f"by {name} is zero on every case: a stop-gradient?")
        elif any(np.isnan(got).any() for got, _ in pairs):
            hints.append(f"by {name} is NaN on some")
    return "hint: the derivative " + "; ".join(hints) if hints else ""


def _case(outcome: Outcome, gradient: bool) -> Iterator[str]:
    if outcome.answer.kind != "ok":
        yield from _wrap(outcome.answer.text)
    case = outcome.task.case
    yield (f"  smallest case (shrunk from {case.comment}):" if case.id == "shrunk" else
           f"  smallest failing case tried ({case.id}):")
    for name, x in case.inputs.items():
        yield from _wrap(f"{name} = {short(x)}", "    ")
    if outcome.where is None or outcome.answer.arrays is None:
        return
    expected = outcome.task.expected(gradient)
    assert expected is not None
    name, index = outcome.where
    got = outcome.answer.arrays[list(expected.values).index(name)]
    what = f"{'derivative by ' if gradient else ''}{name}"
    if not index:
        yield f"  {what}: expected {expected.values[name]:.17g}, got {got:.17g}"
        return
    yield f"  first step that differs: t = {index[0]}, {what}" + (f" at {list(index)}" if len(index) > 1 else "")
    yield f"    {'t':>4}{'expected':>26}{'got':>26}"
    steps = range(max(0, index[0] - SHOWN // 2), min(len(got), index[0] + SHOWN // 2))
    for t in steps:
        at = (t, *index[1:])
        mark = "  <--" if t == index[0] else ""
        yield f"    {t:>4}{expected.values[name][at]:>26.17g}{got[at]:>26.17g}{mark}"


def short(x: Any) -> str:
    """An array on a line or two, long ones by their shape and ends."""
    if np.ndim(x) == 0:
        return repr(x)
    if np.size(x) > 24:
        flat = ", ".join(map(_plain, np.ravel(x)[:3].tolist()))
        return f"array of shape {list(np.shape(x))}, [{flat}, ...]"
    return _nested(np.asarray(x).tolist())


def _nested(x: Any) -> str:
    return "[" + ", ".join(map(_nested, x)) + "]" if isinstance(x, list) else _plain(x)


def _plain(x: Any) -> str:
    return f"{x:g}" if isinstance(x, float) and float(f"{x:g}") == x else repr(x)


def _wrap(text: str, indent: str = "  ") -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent + "    ",
                         break_long_words="http" not in text, break_on_hyphens=False)


def as_json(backend: str, version: str, dtype: str, judgements: Sequence[Judgement],
            divergences: Sequence[dict[str, str]]) -> dict[str, Any]:
    """The same for programs. Arrays are encoded as in the golden vectors."""
    return {
        "backend": backend, "version": version, "dtype": dtype, "conforms": all(one.conforms for one in judgements),
        "judgements": [{
            "reference": one.offer.page, "variant": one.offer.variant,
            "part": "gradients" if one.offer.gradient else "values", "function": one.offer.function,
            "verdict": one.verdict, "worst": golden.encode(one.worst)["data"][0],
            "cases": len(one.outcomes), "not_offered": sum(o.kind == "not offered" for o in one.outcomes),
            "mistakes": [{"name": m.name, "what": m.what, "seen": m.seen} for m in one.mistakes],
            "recorded": [divergences[i] for i in one.recorded], "recorded_indices": list(one.recorded),
            "unexpected": one.unexpected,
            "failures": [{
                "kind": failure.kind, "count": failure.times, "message": failure.smallest.answer.text,
                "inputs": {name: golden.encode(x) for name, x in failure.smallest.task.case.inputs.items()},
                "first": _first(failure.smallest),
                "cases": [o.task.case.id for o in one.outcomes if o.kind == failure.kind],
            } for failure in one.failures],
        } for one in judgements],
    }


def _first(outcome: Outcome) -> dict[str, Any] | None:
    return {"output": outcome.where[0], "index": list(outcome.where[1])} if outcome.where else None
