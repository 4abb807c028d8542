"""Every figure is what its script draws."""

import os
import re
import subprocess
import sys
from itertools import zip_longest
from pathlib import Path

import pytest

import rlref

FIGURES = Path(__file__).parents[1] / "figures"
SCRIPTS = sorted(FIGURES.glob("*.py"))
PACKAGE = Path(rlref.__file__).parents[1]
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
POINTS = 2.0  # how far matplotlib's versions may move a mark; a picture is about 600 points wide


def run(*arguments):
    """Run Python with the rlref that these tests test."""
    path = os.pathsep.join([str(PACKAGE), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run([sys.executable, *map(str, arguments)], env={**os.environ, "PYTHONPATH": path},
                          capture_output=True, text=True, timeout=120)


def marks(svg):
    """The picture's texts and marks in order, as (what, numbers). Fonts and generated names are left out."""
    svg = re.sub(r"<defs>.*?</defs>", "", svg, flags=re.DOTALL)  # glyphs, markers, clip paths
    texts = re.compile(r'<g id="text_\d+">\s*<!-- (?P<text>.*?) -->(?:(?!<g id=).)*', re.DOTALL)
    shapes = re.compile(r"<path (?P<path>[^>]*)/>|<use (?P<use>[^>]*)/>", re.DOTALL)
    found = [("text " + m["text"], []) for m in texts.finditer(svg)]
    for m in shapes.finditer(texts.sub("", svg)):
        attributes = dict(re.findall(r'([\w:-]+)="([^"]*)"', m["path"] or m["use"]))
        colours = sorted(re.findall(r"(?:fill|stroke): #\w+", attributes.get("style", "")))
        where = attributes.get("d") or f"M {attributes['x']} {attributes['y']}"
        commands = "".join(re.findall("[A-Za-z]", NUMBER.sub("", where)))
        found.append((f"{commands} {colours}", [float(x) for x in NUMBER.findall(where)]))
    return found


def assert_same_picture(drawn, committed):
    for new, old in zip_longest(marks(drawn), marks(committed)):
        assert new and old, f"only in one of the two: {new or old}"
        assert new[0] == old[0]
        assert new[1] == pytest.approx(old[1], abs=POINTS), new[0]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_the_committed_svg_is_what_the_script_draws(script, tmp_path):
    done = run(script, tmp_path)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [f"{script.stem}.svg"]
    assert_same_picture((tmp_path / f"{script.stem}.svg").read_text(), script.with_suffix(".svg").read_text())


def test_a_script_draws_the_same_bytes_every_time(tmp_path):
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        assert run(FIGURES / "truncation_vs_termination.py", folder).returncode == 0
    one, two = (path.read_bytes() for path in sorted(tmp_path.rglob("*.svg")))
    assert one == two


def test_every_svg_has_its_script_and_every_script_its_svg():
    assert len(SCRIPTS) >= 4
    assert [path.stem for path in SCRIPTS] == sorted(path.stem for path in FIGURES.glob("*.svg"))


@pytest.mark.parametrize("change", [
    lambda svg: re.sub(r"<!-- terminated", "<!-- ended", svg, count=1),
    lambda svg: svg.replace("#0072b2", "#0072b3"),
    lambda svg: re.sub(r'(clip-path="[^"]*" style="[^"]*)#d55e00', r"\1#009e73", svg, count=1),
    lambda svg: re.sub(r'(<use [^>]*y=")(\d+)', lambda m: m[1] + str(int(m[2]) + 5), svg, count=1),
    lambda svg: re.sub(r"<path (?=[^>]*clip-path)[^>]*/>", "", svg, count=1),
], ids=["text", "colour", "one-colour", "moved", "missing"])
def test_the_comparison_sees_a_changed_picture(change):
    svg = (FIGURES / "truncation_vs_termination.svg").read_text()
    assert_same_picture(svg, svg)
    assert change(svg) != svg
    with pytest.raises(AssertionError):
        assert_same_picture(change(svg), svg)


def test_without_matplotlib_the_message_says_what_to_install():
    done = run("-c", "import sys; sys.modules['matplotlib'] = None; import rlref.plots")
    assert done.returncode == 1
    assert "pip install 'rlref[plots]'" in done.stderr.splitlines()[-1]


def test_only_plots_imports_matplotlib():
    users = [path.name for path in (PACKAGE / "rlref").rglob("*.py") if "import matplotlib" in path.read_text()]
    assert users == ["plots.py"]
