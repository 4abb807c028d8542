"""What is installed: the vectors, the command, light dependencies, and the README's commands in .ci/run."""

import configparser
import importlib
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from rlref.pages import pages

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def setup():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    return config


def test_wheel_contains_vectors_and_nothing_else(tmp_path):
    subprocess.run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
                    "--wheel-dir", tmp_path, ROOT], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for page in pages():
        assert f"rlref/conformance/vectors/{page.replace('.', '/')}.json" in names
    for name in ("rlref/conformance/vectors/schema.json", "rlref/conformance/vectors/README.md", "rlref/py.typed",
                 "rlref/cli.py", "rlref/backends/torchrl.py"):
        assert name in names
    assert {name.split("/")[0] for name in names} == {"rlref", wheel.name.split("-py3")[0] + ".dist-info"}
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "rlref").rglob("*.py")}
    assert modules == {name for name in names if name.endswith(".py")}


def test_every_page_is_imported_with_its_family():
    for page in pages():
        family, name = page.split(".")
        assert name in importlib.import_module(f"rlref.{family}").__all__


def test_runtime_needs_numpy_and_scipy_only(setup):
    needed = {re.split(r"[<>=]", line)[0] for line in setup["options"]["install_requires"].split()}
    assert needed == {"numpy", "scipy"}


def test_oracles_are_pinned(setup):
    extras = setup["options.extras_require"]
    assert extras["torchrl"].split() == ["torch==2.13.0", "torchrl==0.14.1"]
    assert extras["rlax"].split() == ["jax==0.10.2", "rlax==0.1.9"]
    assert set(extras) >= {"torchrl", "rlax", "plots", "golden", "test", "tutorials"}


def test_pyproject_holds_build_system_and_tools_only():
    import tomllib

    assert set(tomllib.loads((ROOT / "pyproject.toml").read_text())) == {"build-system", "tool"}


def test_ci_runs_the_commands_of_the_readme():
    script = (ROOT / ".ci" / "run").read_text().splitlines()
    commands = [line.strip() for line in (ROOT / "README.md").read_text().splitlines()
                if line.startswith("    python -m pip install")]
    assert commands == ["python -m pip install . && rlref verify",
                        "python -m pip install '.[test]' && python -m pytest"]
    assert [line for line in script if line in commands] == commands[::-1]
