"""The command line: what it prints, its exit codes, its errors, and that a failure leaves nothing behind."""

import json
import subprocess
import sys

import numpy as np
import pytest

import rlref
from rlref.cli import main
from rlref.conformance import golden
from rlref.pages import find, pages
from rlref.returns import gae


def run(*arguments, **options):
    return subprocess.run([sys.executable, "-m", "rlref", *arguments], capture_output=True, text=True, check=False,
                          timeout=300, **options)


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"rlref {rlref.__version__}\n"


@pytest.mark.parametrize("command", ["list", "show", "verify", "golden"])
def test_help_has_an_example(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert f"example: rlref {command}" in capsys.readouterr().out


def test_list_has_a_row_a_page(capsys):
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    for page in pages().values():
        assert page.name in out and page.title in " ".join(out.split()) and page.citation in out
    assert max(map(len, out.splitlines())) <= 80
    assert main(["list", "--json"]) == 0
    assert [row["name"] for row in json.loads(capsys.readouterr().out)] == list(pages())


def test_show_prints_loop_above_vectorized(capsys):
    assert main(["show", "returns.gae"]) == 0
    out = capsys.readouterr().out
    order = [out.index(part) for part in ("(1)", "Source    Schulman", "def loop(", "def vectorized(")]
    assert order == sorted(order)
    assert "def vjp" not in out


def test_wrong_calls_exit_with_2(capsys, tmp_path):
    for arguments, message in [
        (["show", "returns.gea"], "reference: expected one of"),
        (["verify", "numpy", "--reference", "nope"], "reference: expected one of"),
        (["verify", "no_such_module_xyz"], "backend no_such_module_xyz"),
        (["verify", str(tmp_path / "none.py")], "there is none at"),
        (["verify", "--outputs", str(tmp_path / "none.json")], "outputs: expected a readable file"),
        (["verify", "numpy", "--outputs", "x.json"], "expected either a backend or --outputs"),
        (["golden", "--out", str(tmp_path), "--reference", "nope"], "reference: expected one of"),
    ]:
        assert main(arguments) == 2, arguments
        assert message in capsys.readouterr().err
    assert main([]) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["verify", "--cases", "-1"], ["verify", "--dtype", "int8"], ["golden"], ["wat"]])
def test_wrong_options_exit_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2


def test_empty_backend_is_a_wrong_call(tmp_path, capsys):
    (tmp_path / "empty.py").write_text("x = 1\n")
    assert main(["verify", str(tmp_path / "empty.py")]) == 2
    assert "expected a function named like a page" in capsys.readouterr().err


def test_verify_without_arguments_shows_both_verdicts(capsys):
    assert main(["verify"]) == 0
    out = capsys.readouterr().out
    assert out.index("numpy") < out.index("wrong on purpose") < out.index("truncation-treated-as-termination")
    assert out.count("conforms") >= 2 * len(pages())
    assert "rlref's own code conforms." in out
    assert max(len(line) for line in out.splitlines() if "http" not in line) <= 80


def test_verify_a_file_and_a_module(tmp_path):
    (tmp_path / "mine.py").write_text("from rlref.returns import td0 as page\ntd0 = page.loop\n")
    for spec in ("mine.py", str(tmp_path / "mine.py"), "mine"):
        found = run("verify", spec, "--reference", "td0", "--cases", "5", cwd=tmp_path)
        assert found.returncode == 0, found.stderr
        assert "returns.td0" in found.stdout


def test_verify_json_report(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from rlref.returns import gae as page\n"
        "def gae(**x): return page.vectorized(**x | {'terminated': x['done']})\n")
    found = run("verify", "mine.py", "--cases", "3", "--seed", "4", "--json", "report.json", cwd=tmp_path)
    assert found.returncode == 1, found.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["conforms"] is False
    (judgement,) = report["judgements"]
    assert judgement["verdict"] == "differs"
    assert judgement["mistakes"][0]["name"] == "truncation-treated-as-termination"
    assert sorted(p.name for p in tmp_path.iterdir() if p.suffix) == ["mine.py", "report.json"]


def outputs_file(path, function, **more):
    """What a program in another language would write: flat arrays by case id."""
    results = {}
    for vector in golden.load("gae"):
        outputs = function(**vector.inputs)._asdict()
        results[vector.id] = {"outputs": {name: golden.encode(x) for name, x in outputs.items()}}
    content = {"backend": "elsewhere", "results": {"returns.gae": results}} | more
    path.write_text(json.dumps(content))
    return content


def test_outputs_of_another_language(tmp_path, capsys):
    path = tmp_path / "outputs.json"
    outputs_file(path, gae.loop)
    assert main(["verify", "--outputs", str(path)]) == 0
    assert "conforms" in capsys.readouterr().out

    outputs_file(path, lambda **x: gae.loop(**x | {"terminated": x["done"]}))
    assert main(["verify", "--outputs", str(path), "--json", str(tmp_path / "report.json")]) == 1
    out = capsys.readouterr().out
    assert "elsewhere" in out and "truncation-treated-as-termination" in out
    assert json.loads((tmp_path / "report.json").read_text())["backend"] == "elsewhere"


def test_outputs_with_every_kind_of_trouble(tmp_path, capsys):
    path = tmp_path / "outputs.json"
    content = outputs_file(path, gae.loop)
    cases = content["results"]["returns.gae"]
    ids = iter(list(cases))
    cases[next(ids)] = {"error": "segmentation fault"}
    cases[next(ids)] = {"outputs": {"advantage": cases[next(ids)]["outputs"]["advantage"]}}
    cases[next(ids)]["outputs"]["advantage"] = {"shape": [2, 2], "data": [0, 0, 0, 0]}
    cases[next(ids)]["outputs"]["advantage"] = "zero"
    cases[next(ids)]["outputs"]["advantage"] = {"shape": [7], "data": ["NaN"] * 7}
    plain = next(ids)
    cases[plain]["outputs"] = {name: golden.decode(x).tolist() for name, x in cases[plain]["outputs"].items()}
    del cases[next(ids)]
    path.write_text(json.dumps(content))
    assert main(["verify", "--outputs", str(path)]) == 1
    out = capsys.readouterr().out
    for part in ("crashes on 1 of", "segmentation fault", "malformed on 4 of"):
        assert part in out
    assert f"{len(cases) - 5}/{len(cases)}" in out


@pytest.mark.parametrize(("content", "message"), [
    ("{", "expected JSON"), ("[]", 'expected {"results"'), ('{"results": {"returns.gea": {}}}', "got returns.gea"),
    ('{"results": {"returns.gae": {"no-such": {}}}}', "no case called no-such"), ("[" * 100_000, "expected JSON"),
    ('{"results": {"returns.gae": {"no-end": null}}}', "no-end: expected {"), ('{"results": {}}', "at least one case"),
    ('{"results": {"returns.gae": {"no-end": {"values": 1}}}}', "no-end: expected {"),
])
def test_bad_outputs_files(tmp_path, capsys, content, message):
    path = tmp_path / "outputs.json"
    path.write_text(content)
    assert main(["verify", "--outputs", str(path)]) == 2
    assert message in capsys.readouterr().err


def test_nothing_judged_is_a_wrong_call(tmp_path, capsys):
    (tmp_path / "never.py").write_text("def gae(**x): raise NotImplementedError")
    assert main(["verify", str(tmp_path / "never.py")]) == 2
    assert "expected at least one case to judge" in capsys.readouterr().err
    assert main(["verify", "numpy", "--timeout", "-1"]) == 2
    assert "timeout: expected a positive number" in capsys.readouterr().err


def test_golden_export_and_check(tmp_path, capsys):
    assert main(["golden", "--out", str(tmp_path), "--format", "npz", "--reference", "td0"]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "returns" / "td0.npz")
    with np.load(tmp_path / "returns" / "td0.npz", allow_pickle=False) as arrays:
        assert len(arrays.files) > 40
    assert main(["golden", "--check", "--reference", "td0"]) == 0
    assert "returns.td0: the same, bit for bit" in capsys.readouterr().out
    assert main(["golden", "--write", str(tmp_path), "--reference", "td0"]) == 0
    assert (tmp_path / "returns" / "td0.json").read_text() == golden.installed(find("td0"))


@pytest.mark.parametrize(("blocked", "arguments", "extra"), [
    ("mpmath", ["golden", "--check"], "rlref[golden]"), ("torchrl", ["verify", "torchrl"], "rlref[torchrl]"),
    ("torch", ["verify", "torchrl"], "rlref[torchrl]"), ("rlax", ["verify", "rlax"], "rlref[rlax]"),
    ("jax", ["verify", "rlax"], "rlref[rlax]"),
])
def test_missing_extra_is_named(tmp_path, blocked, arguments, extra):
    (tmp_path / f"{blocked}.py").write_text("raise ImportError('not installed')\n")
    found = run(*arguments, env={"PYTHONPATH": str(tmp_path), "PATH": ""})
    assert found.returncode == 2
    assert f"pip install '{extra}'" in found.stderr


def test_core_needs_only_numpy_and_scipy():
    code = ("import sys; from rlref.cli import main; main(['verify', '--reference', 'td0']);"
            "heavy = {'torch', 'jax', 'mpmath', 'hypothesis', 'matplotlib', 'pytest'};"
            "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)")
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
