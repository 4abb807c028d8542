"""Everything in the README that can be run is run, and everything generated is up to date."""

import contextlib
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import readme

from rlref.pages import pages

TEXT = readme.README.read_text("utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", TEXT, re.DOTALL)


def blocks(language):
    return [body for kind, body in BLOCKS if kind == language]


def test_generated_parts_are_up_to_date():
    assert readme.filled(TEXT) == TEXT, "run: python tests/readme.py"


def test_table_has_a_row_a_page():
    assert len(re.findall(r"^\| \[`", TEXT, re.MULTILINE)) == len(pages())
    assert json.loads(readme.MEASURED.read_text())["cases"] >= 2000


def test_no_block_is_forgotten():
    """Python: 2 forms, 3 examples, a module, a check, a golden test. Text: the excerpt, the examples' outputs."""
    assert "```\n```" not in TEXT
    assert sorted(kind for kind, _ in BLOCKS) == ["json"] + ["python"] * 8 + ["text"] * 4
    outside = re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL)
    commands = re.findall(r"^    (.+)$", outside, re.MULTILINE)
    assert [line for line in commands if not line.startswith("python -m pip install")] == [
        "rlref verify my_module.py", "rlref golden --out vectors", "rlref verify --outputs outputs.json"]


@pytest.mark.xdist_group("verified")
def test_excerpt_is_what_verify_prints(verified):
    printed = rounded(verified("torchrl")["text"]).splitlines()
    excerpt = rounded(blocks("text")[0]).splitlines()
    assert len(excerpt) > 20
    assert [line for line in excerpt if line.strip() != "..." and line not in printed] == []
    assert max(map(len, excerpt)) <= 80


def rounded(text):
    """Without the digits of an error in a library's single precision, which depend on the processor."""
    return re.sub(r"\d\.\de\+(\d\d)", r"Xe+\1", text)


def test_example_prints_what_it_says():
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        here = {}
        for example in blocks("python")[2:5]:
            exec(example, here)
    assert out.getvalue() == "".join(blocks("text")[1:])


def test_own_backend_in_python(tmp_path):
    module, checks, golden = blocks("python")[5:]
    (tmp_path / "my_module.py").write_text(module)
    (tmp_path / "test_mine.py").write_text(checks + golden)
    verify = run("-m", "rlref", "verify", "my_module.py", cwd=tmp_path)
    assert verify.returncode == 0, verify.stdout + verify.stderr
    tests = run("-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=tmp_path)
    assert tests.returncode == 0, tests.stdout
    assert int(re.search(r"(\d+) passed", tests.stdout)[1]) > 40


def test_own_backend_in_another_language(tmp_path):
    exported = run("-m", "rlref", "golden", "--out", "vectors", cwd=tmp_path)
    assert exported.returncode == 0, exported.stderr
    assert json.loads((tmp_path / "vectors" / "returns" / "gae.json").read_text())["page"] == "returns.gae"
    (tmp_path / "outputs.json").write_text(blocks("json")[0])
    verify = run("-m", "rlref", "verify", "--outputs", "outputs.json", cwd=tmp_path)
    assert verify.returncode == 0, verify.stdout + verify.stderr
    assert "my C++ port" in verify.stdout and "2/2" in verify.stdout


def test_links_lead_somewhere():
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", TEXT) if not link.startswith("http")]
    assert len(links) >= 4 + len(pages())
    assert [link for link in links if not (readme.ROOT / link).exists()] == []


def run(*arguments, cwd: Path):
    return subprocess.run([sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, check=False)
