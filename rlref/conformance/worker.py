"""A backend in a process of its own, so that one that hangs or dies takes nothing with it."""

from __future__ import annotations

import importlib
import importlib.util
import multiprocessing
import re
import sys
import traceback
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from rlref.pages import Page, find, pages

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
    """What a call gave: "ok" and arrays, or "raised", "malformed", "not offered", "hangs" and a sentence."""

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
        sys.path.insert(0, str(path.parent))
        found = importlib.util.spec_from_file_location(path.stem, path)
        assert found is not None and found.loader is not None
        module = importlib.util.module_from_spec(found)
        sys.modules[path.stem] = module
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
        self.spec, self.timeout = spec, timeout
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
            kind, content = self.connection.recv()
        except EOFError:
            kind, content = "failed", "its process died while importing it"
        if kind == "failed":
            raise BackendError(f"backend {self.spec}: {content}")
        return content

    def call(self, offer: Offer, inputs: Mapping[str, Any], cotangents: Mapping[str, Any] | None = None) -> Answer:
        """One call, in at most ``timeout`` seconds."""
        if self.process is None:
            self._start()
        try:
            self.connection.send(("call", offer, dict(inputs), cotangents))
            if not self.connection.poll(self.timeout):
                self.stop()
                return Answer("hangs", text=f"no answer within {self.timeout:g} s")
            return self.connection.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            self.process.join()
            code = self.process.exitcode
            self.stop()
            return Answer("raised", text=f"its process died with exit code {code}")

    def recorded(self, offer: Offer, inputs: Mapping[str, Any], effect: str) -> list[int]:
        """Which of the backend's recorded divergences cover this case."""
        if self.process is None:
            self._start()
        self.connection.send(("recorded", offer, dict(inputs), effect))
        return self.connection.recv()

    def divergences(self) -> list[dict[str, str]]:
        """The backend's recorded divergences, as text."""
        if self.process is None:
            self._start()
        self.connection.send(("divergences", None, None, None))
        return self.connection.recv()

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
    sys.stdout = sys.stderr  # what a backend prints must not end up in a report
    try:
        module = load(spec)
        names = [name for name in vars(module) if callable(getattr(module, name)) and not name.startswith("_")]
    except BaseException as error:
        connection.send(("failed", f"{type(error).__name__}: {error}"))
        return
    connection.send(("ready", (str(getattr(module, "VERSION", "")), names)))
    recorded = getattr(module, "DIVERGENCES", ())
    while True:
        try:
            kind, offer, inputs, extra = connection.recv()
        except EOFError:
            return
        if kind == "call":
            connection.send(answer(getattr(module, offer.function), find(offer.page), inputs, extra))
        elif kind == "recorded":
            # What is known to differ may weigh so little in some case that it shows as a loss of precision.
            effects = (extra, "differs") if extra == "float32" else (extra,)
            connection.send([i for i, one in enumerate(recorded) if one.implementation == offer.function
                             and one.effect in effects and one.when(inputs)])
        else:
            connection.send([{key: str(value) for key, value in one._asdict().items() if key != "when"}
                             for one in recorded])


def answer(function: Any, page: Page, inputs: dict[str, Any], cotangents: Mapping[str, Any] | None) -> Answer:
    """Call ``function`` on copies and make plain arrays of what it gives."""
    given = {name: np.array(x) if isinstance(x, np.ndarray) else x for name, x in inputs.items()}
    fields = page.outputs if cotangents is None else page.differentiable
    try:
        if cotangents is None:
            result = function(**given)
        else:
            result = function(page.output(**{name: np.array(x) for name, x in cotangents.items()}), **given)
        if isinstance(result, Mapping):
            if set(result) != set(fields):
                return Answer("malformed", text=f"expected outputs {', '.join(fields)}, got {', '.join(result)}")
            result = [result[name] for name in fields]
        elif not isinstance(result, (tuple, list)):
            result = [result]
        arrays = [np.asarray(x.detach().cpu() if hasattr(x, "detach") else x) for x in result]
    except NotImplementedError as error:
        return Answer("not offered", text=str(error))
    except BaseException as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        return Answer("raised", text=f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})")
    changed = [name for name, x in inputs.items()
               if isinstance(x, np.ndarray) and not np.array_equal(x, given[name], equal_nan=x.dtype.kind == "f")]
    if changed:
        return Answer("malformed", text=f"it writes to its inputs: {', '.join(changed)}")
    return well_formed(arrays, fields, next(np.shape(inputs[name]) for name, entry in page.arguments.items()
                                             if entry.per_step))


def well_formed(arrays: list[np.ndarray], fields: tuple[str, ...], shape: tuple[int, ...]) -> Answer:
    """The answer, if it has the right number of real arrays of the right shape."""
    if len(arrays) != len(fields):
        return Answer("malformed", text=f"expected {len(fields)} outputs ({', '.join(fields)}), got {len(arrays)}")
    for name, x in zip(fields, arrays, strict=True):
        if x.dtype.kind != "f":
            return Answer("malformed", text=f"{name}: expected floating-point numbers, got dtype {x.dtype}")
        if x.shape != shape:
            return Answer("malformed", text=f"{name}: expected shape {list(shape)}, got {list(x.shape)}")
    return Answer("ok", [x.astype(np.float64) for x in arrays])
