"""Every figure is what its script draws."""

import os
import re
import subprocess
import sys
from itertools import zip_longest
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Comment, TreeBuilder, XMLParser

import numpy as np
import pytest

import rlref

FIGURES = Path(__file__).parents[1] / "figures"
SCRIPTS = sorted(FIGURES.glob("*.py"))
PACKAGE = Path(rlref.__file__).parents[1]
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
SVG = "{http://www.w3.org/2000/svg}"


def run(*arguments):
    """Run Python with the rlref that these tests test."""
    path = os.pathsep.join([str(PACKAGE), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run([sys.executable, *map(str, arguments)], env={**os.environ, "PYTHONPATH": path},
                          capture_output=True, text=True, timeout=120)


def marks(svg):
    """Texts and marks in drawing order, as (what, where); where in fractions of the axes that a mark is in.

    Fonts, generated names, the place of texts and legends and the layout of the axes are left out, as they
    differ between matplotlib's versions.
    """
    found = []

    def visit(node, frame):
        kind = node.get("id", "").partition("_")[0]
        if node.tag == f"{SVG}defs":  # glyphs, markers, clip paths
            return
        if kind == "text":
            found.append(("text " + " ".join(c.text.strip() for c in node.iter(Comment)), []))
            return
        if kind == "legend":
            frame = None
        if kind == "axes":
            background = next(node.iter(f"{SVG}path"))
            corners = np.array(numbers(background)).reshape(-1, 2)
            frame = corners.min(axis=0), np.ptp(corners, axis=0)
        if node.tag in (f"{SVG}path", f"{SVG}use"):
            colours = sorted(re.findall(r"(?:fill|stroke): #\w+", node.get("style", "")))
            commands = "".join(re.findall("[A-Za-z]", NUMBER.sub("", node.get("d", ""))))
            where = (np.array(numbers(node)).reshape(-1, 2) - frame[0]) / frame[1] if frame else []
            found.append((f"{commands or 'marker'} {colours}", np.ravel(where).tolist()))
        for child in node:
            if child.tag is not Comment:
                visit(child, frame)

    visit(ElementTree.fromstring(svg, XMLParser(target=TreeBuilder(insert_comments=True))), None)
    return found


def numbers(node):
    return [float(x) for x in NUMBER.findall(node.get("d") or f"{node.get('x')} {node.get('y')}")]


def assert_same_picture(drawn, committed):
    for new, old in zip_longest(marks(drawn), marks(committed)):
        assert new and old, f"only in one of the two: {new or old}"
        assert new[0] == old[0]
        assert new[1] == pytest.approx(old[1], abs=0.01), new[0]


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
    assert len(SCRIPTS) >= 11
    assert [path.stem for path in SCRIPTS] == sorted(path.stem for path in FIGURES.glob("*.svg"))


@pytest.mark.parametrize("change", [
    lambda svg: re.sub(r"<!-- terminated", "<!-- ended", svg, count=1),
    lambda svg: svg.replace("#0072b2", "#0072b3"),
    lambda svg: re.sub(r'(clip-path="[^"]*" style="[^"]*)#d55e00', r"\1#009e73", svg, count=1),
    lambda svg: re.sub(r'(#m[^>]* y=")(\d+)', lambda m: m[1] + str(int(m[2]) + 5), svg, count=1),
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
    modules = (PACKAGE / "rlref").rglob("*.py")
    assert [path.name for path in modules if "import matplotlib" in path.read_text()] == ["plots.py"]
