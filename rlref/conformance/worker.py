"""A backend in a process of its own, so that one that hangs or dies takes nothing with it."""

from __future__ import annotations

import importlib
import importlib.util
import multiprocessing
import os
import re
import sys
import time
import traceback
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from rlref.backends import Divergence
from rlref.conformance.answers import Shapes, arrays
from rlref.pages import Page, find, pages

IMPORT_SECONDS = 120.0
MOST = 400  # characters of a backend's words that are repeated
BUILT_IN = ("numpy", "torchrl", "rlax", "example")


class Offer(NamedTuple):
    """A function of a backend: an implementation of a page, or of its gradient."""

    function: str
    page: str
    variant: str  # "" or, for gae__vec, "vec"
    gradient: bool

    @property
    def label(self) -> str:
        """The page and, where there are several, the implementation: "returns.gae (vec)"."""
        return f"{self.page} ({self.variant})" if self.variant else self.page


class Answer(NamedTuple):
    """What a call gave: "ok" and arrays, or "raised", "died", "malformed", "not offered", "hangs" and a sentence."""

    kind: str
    arrays: list[np.ndarray] | None = None
    text: str = ""


class BackendError(Exception):
    """The backend as a whole cannot be used."""


def load(spec: str) -> ModuleType:
    """The backend module: a built-in name, a path to a .py file, or a dotted module name."""
    if spec in BUILT_IN:
        return importlib.import_module(f"rlref.backends.{spec}")
    if spec.endswith(".py"):
        path = Path(spec).resolve()
        if not path.is_file():
            raise BackendError(f"backend: expected a Python file, but there is none at {spec}")
        sys.path.append(str(path.parent))
        found = importlib.util.spec_from_file_location(f"_rlref_backend_{path.stem}", path)  # it may be called numpy.py
        assert found is not None and found.loader is not None
        module = importlib.util.module_from_spec(found)
        sys.modules[module.__name__] = module
        found.loader.exec_module(module)
        return module
    sys.path.insert(0, "")
    return importlib.import_module(spec)


def offers(names: list[str]) -> list[Offer]:
    """Which of a module's functions are implementations: page, page_vjp, page__variant, page__variant_vjp."""
    found = []
    for page in pages().values():
        for name in names:
            match = re.fullmatch(rf"{page.short}(?:__(\w+?))?(_vjp)?", name)
            if match:
                found.append(Offer(name, page.name, match[1] or "", bool(match[2])))
    return found


class Worker:
    """Calls a backend's functions in another process, and starts a new one after a hang or a crash."""

    def __init__(self, spec: str, timeout: float) -> None:
        if not timeout > 0:
            raise BackendError(f"timeout: expected a positive number of seconds, got {timeout}")
        self.spec, self.timeout, self.asked = spec, timeout, 0
        self.process: Any = None
        self.version, names = self._start()
        self.offers = offers(names)

    def _start(self) -> Any:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, self.spec), daemon=True)
        self.process.start()
        theirs.close()
        try:
            patience = max(IMPORT_SECONDS, self.timeout)
            kind, content = self.connection.recv() if self.connection.poll(patience) else (
                "failed", f"it was not imported within {patience:g} s")
        except EOFError:
            kind, content = "failed", "its process died while importing it"
        if kind == "failed":
            self.stop()
            raise BackendError(f"backend {self.spec}: {content}")
        return content

    def _ask(self, *question: Any) -> Any:
        """The answer to one question, or None after ``timeout`` seconds. Answers to earlier ones are dropped."""
        if self.process is None:
            self._start()
        self.asked += 1
        self.connection.send((self.asked, *question))
        deadline = time.monotonic() + self.timeout
        while self.connection.poll(max(deadline - time.monotonic(), 0)):
            number, content = self.connection.recv()
            if number == self.asked:
                return content
        return None

    def call(self, offer: Offer, inputs: Mapping[str, Any], cotangents: Mapping[str, Any] | None = None) -> Answer:
        """One call, in at most ``timeout`` seconds."""
        try:
            found = self._ask("call", offer, dict(inputs), cotangents)
        except (EOFError, BrokenPipeError, ConnectionResetError):
            self.process.join()
            code = self.process.exitcode
            self.stop()
            return Answer("died", text=f"its process died with exit code {code}")
        if found is None:
            self.stop()
            return Answer("hangs", text=f"no answer within {self.timeout:g} s")
        return found

    def recorded(self, offer: Offer, inputs: Mapping[str, Any], effect: str) -> list[int]:
        """Which of the backend's recorded divergences cover this case."""
        return self._ask("recorded", offer, dict(inputs), effect) or []

    def divergences(self) -> list[dict[str, str]]:
        """The backend's recorded divergences, as text."""
        return self._ask("divergences", None, None, None) or []

    def stop(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.connection.close()
            self.process = None

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *details: object) -> None:
        self.stop()


def _serve(connection: Connection, spec: str) -> None:
    os.dup2(2, 1)  # what a backend prints must not end up in a report
    sys.stdout = sys.stderr
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # cases are small: threads cost more than they bring
    me = os.getpid()
    try:
        module = load(spec)
        names = [name for name, value in list(vars(module).items()) if callable(value) and not name.startswith("_")]
        recorded = tuple(getattr(module, "DIVERGENCES", ()))
        if not all(isinstance(one, Divergence) for one in recorded):
            raise BackendError("DIVERGENCES: expected a tuple of rlref.backends.Divergence")
        version = said(getattr(module, "VERSION", ""))
    except BackendError as error:
        connection.send(("failed", said(error)))
        return
    except BaseException as error:
        connection.send(("failed", f"{type(error).__name__}: {said(error)}"))
        return
    connection.send(("ready", (version, names)))
    while True:
        try:
            number, kind, offer, inputs, extra = connection.recv()
        except EOFError:
            return
        if kind == "call":
            found: Any = answer(getattr(module, offer.function), find(offer.page), inputs, extra)
        elif kind == "recorded":
            found = [i for i, one in enumerate(recorded) if covers(one, offer, inputs, extra)]
        else:
            found = [{key: str(value) for key, value in one._asdict().items() if key != "when"} for one in recorded]
        if os.getpid() != me:  # a child that the backend forked must not answer as well
            os._exit(0)
        connection.send((number, found))


def covers(one: Divergence, offer: Offer, inputs: dict[str, Any], effect: str) -> bool:
    """Whether a recorded divergence explains this effect of ``offer`` on these inputs."""
    # What is known to differ may weigh so little in some case that it shows as a loss of precision.
    effects = (effect, "differs") if effect == "float32" else (effect,)
    return one.implementation == offer.function and one.effect in effects and bool(one.when(inputs))


def said(thing: object) -> str:
    """``str(thing)``, whatever it does, short and fit to print."""
    try:
        text = str(thing)
    except Exception:
        text = f"<{type(thing).__name__} that cannot be printed>"
    text = "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text[:MOST])
    return text.encode("utf-8", "backslashreplace").decode() + ("..." if len(text) >= MOST else "")


def answer(function: Any, page: Page, inputs: dict[str, Any], cotangents: Mapping[str, Any] | None) -> Answer:
    """Call ``function`` on copies and make plain arrays of what it gives."""
    given = {name: np.array(x) if isinstance(x, np.ndarray) else x for name, x in inputs.items()}
    by = {each.name: np.shape(inputs[each.by]) for each in page.derivatives}
    shapes = page.shapes(inputs) if cotangents is None else by
    try:
        if cotangents is None:
            result = function(**given)
        else:
            result = function(page.output(**{name: np.array(x) for name, x in cotangents.items()}), **given)
    except NotImplementedError as error:
        return Answer("not offered", text=said(error))
    except BaseException as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(where.filename).name}:{where.lineno}"
        if where.filename == __file__:  # not in the backend at all: it could not even be called
            place = f"it is called by name: {', '.join(f'{name}=' for name in given)}"
        return Answer("raised", text=f"{type(error).__name__}: {said(error)} ({place})")
    changed = [name for name, x in inputs.items()
               if isinstance(x, np.ndarray) and not np.array_equal(x, given[name], equal_nan=x.dtype.kind == "f")]
    if changed:
        return Answer("malformed", text=f"it writes to its inputs: {', '.join(changed)}")
    return well_formed(result, shapes)


def well_formed(result: Any, shapes: Shapes) -> Answer:
    """The answer, if it has the right number of real arrays of the right shape."""
    try:
        return Answer("ok", arrays(result, shapes))
    except ValueError as error:
        return Answer("malformed", text=said(error))
    except BaseException as error:  # arrays of a kind that only looks like one
        return Answer("raised", text=f"{type(error).__name__}: {said(error)}")
