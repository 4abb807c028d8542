"""Holding other code to rlref: ``check`` a function here, or a whole backend with ``rlref verify``."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

__all__ = ["check"]


def check(reference: str, function: Callable[..., Any], *, vjp: Callable[..., Any] | None = None,
          dtype: Any = "float64", cases: int = 20, seed: int = 0, timeout: float = 10.0) -> None:
    """Hold ``function`` to the page ``reference``, such as "returns.gae": golden vectors, then ``cases`` random ones.

    It is called with the page's arguments by name, as NumPy arrays of ``dtype``, and returns the outputs in order.
    ``vjp``, where given, is called with the cotangent first and returns the gradients in order. Raising
    NotImplementedError says that a case is not offered.

    Raises AssertionError with the smallest failing case and a diagnosis; ValueError for an unknown page.
    """
    import numpy as np

    from rlref.conformance.report import details
    from rlref.conformance.verify import judge_function, tasks
    from rlref.conformance.worker import Answer, Offer, answer
    from rlref.pages import find

    page = find(reference)
    dtype = np.dtype(dtype).name
    if dtype not in ("float64", "float32"):
        raise ValueError(f"dtype: expected float64 or float32, got {dtype}")
    if cases < 0:
        raise ValueError(f"cases: expected 0 or more, got {cases}")
    todo = tasks(page, cases, seed, dtype)
    lines: list[str] = []
    for gradient, given in ((False, function), (True, vjp)):
        if given is None:
            continue

        def call(task: Any, given: Callable[..., Any] = given, gradient: bool = gradient) -> Answer:
            answers: list[Answer] = []
            by = task.cotangents if gradient else None
            thread = threading.Thread(target=lambda: answers.append(answer(given, page, task.case.inputs, by)),
                                      daemon=True)
            thread.start()
            thread.join(timeout)
            return answers[0] if answers else Answer("hangs", text=f"no answer within {timeout:g} s")

        found = judge_function(Offer(page.short, page.name, "", gradient), todo, call, dtype)
        if found.verdict == "not offered":
            lines.append(f"{page.name}: the function offers none of the cases")
        lines += details(found, ())
    if lines:
        raise AssertionError("\n".join(lines).strip())
