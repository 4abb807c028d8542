"""The pytest plugin: golden vectors in anybody's tests, at no cost where they are not used."""

import subprocess
import sys

from rlref.conformance import golden

pytest_plugins = ["pytester"]

MINE = """
import pytest
from rlref.returns import gae

@pytest.mark.golden("returns.gae")
def test_mine(golden):
    golden.check(gae.vectorized(**{arguments}))
"""


def run(pytester, *arguments):
    """In a process of its own, where the installed entry point loads the plugin."""
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)


def test_runs_once_per_case_with_readable_ids(pytester):
    pytester.makepyfile(MINE.format(arguments="golden.inputs"))
    result = run(pytester, "-v", "--strict-markers")
    result.assert_outcomes(passed=len(golden.load("gae")))
    result.stdout.fnmatch_lines(["*test_mine?truncated-inside? PASSED*"])


def test_wrong_code_fails_on_the_flagged_cases(pytester):
    pytester.makepyfile(MINE.format(arguments='golden.inputs | {"terminated": golden.inputs["done"]}'))
    vectors = golden.load("gae")
    flagged = sum("truncation-treated-as-termination" in vector.flags for vector in vectors)
    assert flagged
    run(pytester).assert_outcomes(passed=len(vectors) - flagged, failed=flagged)


def test_wrong_use_is_explained(pytester):
    pytester.makepyfile("import pytest\n@pytest.mark.golden('returns.gae')\ndef test_mine(): pass")
    run(pytester).stdout.fnmatch_lines(["*expected @pytest.mark.golden*argument golden*"])
    pytester.makepyfile("import pytest\n@pytest.mark.golden('returns.gea')\ndef test_mine(golden): pass")
    run(pytester).stdout.fnmatch_lines(["*expected one of *returns.gae*got 'returns.gea'*"])


def test_costs_nothing_when_unused():
    code = "import sys, rlref.pytest_plugin; print([m for m in sys.modules if m.split('.')[0] in ('numpy', 'scipy')])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_is_an_entry_point():
    import configparser
    from pathlib import Path

    config = configparser.ConfigParser(interpolation=None)
    config.read(Path(__file__).parents[1] / "setup.cfg")
    assert "rlref = rlref.pytest_plugin" in config["options.entry_points"]["pytest11"]
