"""Lint and types, and the few rules of CONTRIBUTING that a program can check."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def run(*command):
    found = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


def test_ruff():
    run("ruff", "check", ".")


def test_mypy():
    run("mypy")


def test_files_stay_small():
    long = {str(path.relative_to(ROOT)): lines for folder in ("rlref", "tests", "figures")
            for path in (ROOT / folder).rglob("*.py") if (lines := len(path.read_text().splitlines())) > 300}
    assert long == {}


def test_nothing_unsafe_or_unfinished():
    words = ("allow_pickle=True", "pickle.load", " eval(", " exec(", "TODO", "FIXME", "XXX")
    found = [(path.name, word) for path in (ROOT / "rlref").rglob("*.py") for word in words if word in path.read_text()]
    assert found == []


def test_no_test_can_skip():
    words = ("import" + "orskip", "skip" + "if", "pytest." + "skip", "x" + "fail(")
    found = [(path.name, word) for path in (ROOT / "tests").rglob("*.py") for word in words if word in path.read_text()]
    assert found == []
