"""Hypothesis profiles, and the one strategy of the suite: what ``rlref.conformance.cases`` samples, made to shrink.

The default profile always tries the same examples. ``HYPOTHESIS_PROFILE=release`` (or ``--hypothesis-profile=release``)
tries 2000 new ones a test. After a run that counted rounding errors, the worst of each page are printed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import laws
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from rlref.conformance import cases, golden

COMMON = {"deadline": None, "database": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("default", derandomize=True, max_examples=15, **COMMON)
settings.register_profile("release", derandomize=False, max_examples=2000, print_blob=True, **COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture
def torch_float64():
    """Torch makes float64 tensors where it is not told otherwise."""
    import torch

    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@st.composite
def _examples(draw, page):
    def pick(n):
        return draw(st.integers(0, n - 1))

    full = draw(st.booleans())
    # Where no step reads another, a few show as much as many, and take less time.
    shape = (1 + pick(3), *cases.BATCHES[pick(len(cases.BATCHES))]) if page.loop.unit == "sample" else None
    inputs = cases.sample(page, pick, shape, full=full)
    return inputs, cases.cotangents(page, pick, inputs, full=full)


@pytest.fixture(scope="session")
def examples():
    """examples(page) is the strategy of inputs and cotangents for it, short or with all their bits."""
    return _examples


def pytest_terminal_summary(terminalreporter):
    if laws.WORST:
        terminalreporter.section("worst errors, in eps-units")
        for page, worst in sorted(laws.WORST.items()):
            terminalreporter.line(f"{page:22}" + "".join(f"  {form} {units:5.2f}" for form, units in worst.items()))


@pytest.fixture(scope="session")
def verified(tmp_path_factory):
    """verified(backend): the report of ``rlref verify backend``, run once a session, and its "text"."""
    reports = {}
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if os.environ.get("PYTEST_XDIST_WORKER") else shared  # that of all processes

    def run(backend):
        path = shared / f"verified-{backend}.json"
        if backend not in reports:
            try:
                os.close(os.open(path.with_suffix(".begun"), os.O_CREAT | os.O_EXCL))
            except FileExistsError:  # another process verifies it
                until = time.monotonic() + 600
                while not path.exists() and time.monotonic() < until:
                    time.sleep(0.5)
            else:
                report = path.with_suffix(".report")
                found = subprocess.run([sys.executable, "-m", "rlref", "verify", backend, "--json", report],
                                       capture_output=True, text=True, check=False)
                assert found.returncode in (0, 1), found.stderr
                whole = json.dumps(json.loads(report.read_text()) | {"text": found.stdout})
                golden.write_whole(path, whole.encode())
            reports[backend] = json.loads(path.read_text())
        return reports[backend]

    return run
