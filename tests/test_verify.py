"""verify tells every way of being wrong from every other, goes on after each, and names the mistake."""

from pathlib import Path

import numpy as np
import pytest

from rlref.conformance import check
from rlref.conformance.report import as_json, details, table
from rlref.conformance.verify import verify
from rlref.conformance.worker import BackendError, Worker, offers
from rlref.returns import gae, reward_to_go, vtrace

BROKEN = str(Path(__file__).parent / "broken_backend.py")


@pytest.fixture(scope="module")
def judged():
    with Worker(BROKEN, timeout=2.0) as worker:
        found = list(verify(worker, ["returns.gae", "returns.td_lambda"], 6, 0, "float64"))
        version = worker.version
    assert version == "of many mistakes"
    return {(one.offer.variant or one.offer.function) + ("_vjp" if one.offer.gradient else ""): one for one in found}


@pytest.mark.parametrize(("variant", "verdict"), [
    ("right", "conforms"), ("right_vjp", "conforms"), ("as_dict", "conforms"), ("td_lambda", "conforms"),
    ("partial", "conforms"), ("float32", "float32 only"), ("nan", "differs"), ("one_mistake", "differs"),
    ("two_mistakes", "differs"), ("nobody_knows", "differs"), ("stop_gradient", "conforms"),
    ("stop_gradient_vjp", "differs"), ("one_output", "malformed"), ("shape", "malformed"), ("integers", "malformed"),
    ("objects", "malformed"), ("scribbles", "malformed"), ("raises", "crashes"), ("dies", "crashes"),
    ("hangs", "hangs"), ("never", "not offered"),
    ("by_name", "conforms"), ("forks", "conforms"), ("masked", "malformed"), ("complex", "malformed"),
    ("dies_always", "crashes"), ("cannot_say", "crashes"), ("says_too_much", "crashes"), ("positional", "crashes"),
])
def test_verdict(judged, variant, verdict):
    assert judged[variant].verdict == verdict
    assert judged[variant].conforms == (verdict in ("conforms", "not offered"))


@pytest.mark.parametrize(("variant", "sentence"), [
    ("one_output", "expected 2 outputs (advantage, value_target), got 1"),
    ("integers", "advantage: expected floating-point numbers, got dtype int64"),
    ("objects", "advantage: expected floating-point numbers, got dtype object"),
    ("shape", "advantage: expected shape [1], got [1, 1]"),
    ("scribbles", "it writes to its inputs: reward"),
    ("raises", "IndexError: no step goes on (broken_backend.py:"),
    ("dies", "its process died with exit code 7"),
    ("hangs", "no answer within 2 s"),
    ("masked", "advantage: expected a plain array, got a masked one"),
    ("complex", "advantage: expected floating-point numbers, got dtype complex128"),
    ("cannot_say", "_Silent: <_Silent that cannot be printed> (broken_backend.py:"),
    ("says_too_much", r"ValueError: \x1b[31m\ud800\nxxx"),
    ("positional", "it is called by name: reward=, state_value="),
])
def test_reason(judged, variant, sentence):
    assert sentence in judged[variant].failures[0].smallest.answer.text
    assert sentence.split(" (")[0] in " ".join(" ".join(details(judged[variant], ())).split())


def test_run_goes_on_after_a_failure(judged):
    for variant in ("raises", "dies", "nan"):
        kinds = [outcome.kind for outcome in judged[variant].outcomes]
        assert kinds.count("ok") > len(kinds) / 2
        assert kinds[-1] == "ok" or "ok" in kinds[kinds.index(judged[variant].failures[0].kind):]


def test_a_backend_that_always_dies_is_left_alone(judged):
    assert len(judged["dies_always"].outcomes) == 4


def test_single_mistake_is_named(judged):
    assert [m.name for m in judged["one_mistake"].mistakes] == ["truncation-treated-as-termination"]


def test_pair_of_mistakes_is_named(judged):
    assert {m.name for m in judged["two_mistakes"].mistakes} == {
        "truncation-treated-as-termination", "next-value-is-post-reset"}


def test_unknown_mistake_is_not_guessed(judged):
    assert judged["nobody_knows"].mistakes == ()
    assert judged["nan"].mistakes == ()
    assert any("nor any two together" in line for line in details(judged["nobody_knows"], ()))


def test_smallest_case_is_small_and_still_fails(judged):
    smallest = judged["one_mistake"].failures[0].smallest
    inputs = smallest.task.case.inputs
    assert inputs["reward"].shape == (1,)
    assert inputs["done"].tolist() == [True]
    assert inputs["terminated"].tolist() == [False]
    assert smallest.where == ("advantage", (0,))
    wrong = inputs | {"terminated": inputs["done"]}
    assert not np.array_equal(gae.loop(**inputs).advantage, gae.loop(**wrong).advantage)


def test_stopped_gradient_is_hinted(judged):
    text = " ".join(" ".join(details(judged["stop_gradient_vjp"], ())).split())
    assert "the derivative by next_state_value is zero on every case: a stop-gradient?" in text


def test_report_fits_a_terminal(judged):
    lines = [line for one in judged.values() for line in details(one, ())] + list(table(list(judged.values())))
    assert lines
    assert [line for line in lines if len(line) > 80 and "http" not in line] == []


def test_json_report_is_plain(judged):
    import json

    report = as_json("broken", "", "float64", list(judged.values()), [])
    again = json.loads(json.dumps(report, allow_nan=False))
    assert again["conforms"] is False
    one = next(j for j in again["judgements"] if j["variant"] == "one_mistake")
    assert one["mistakes"][0]["name"] == "truncation-treated-as-termination"
    assert one["failures"][0]["first"] == {"output": "advantage", "index": [0]}


def test_offers_reads_names():
    found = offers(["gae", "gae__vec_vjp", "gae_vjp", "gael", "td_lambda__a_b", "helper", "td0_", "np"])
    assert [(o.page, o.variant, o.gradient) for o in found] == [
        ("returns.gae", "", False), ("returns.gae", "vec", True), ("returns.gae", "", True),
        ("returns.td_lambda", "a_b", False)]


@pytest.mark.parametrize("spec", ["no/such/file.py", "no_such_module_at_all"])
def test_missing_backend_is_an_error(spec):
    with pytest.raises(BackendError, match=r"no_such_module_at_all|no/such/file\.py"):
        Worker(spec, 1.0)


def test_backend_that_dies_on_import(tmp_path):
    path = tmp_path / "dies.py"
    path.write_text("import os; os._exit(3)")
    with pytest.raises(BackendError, match="died while importing"):
        Worker(str(path), 1.0)


@pytest.mark.parametrize(("name", "text", "message"), [
    ("list.py", "DIVERGENCES = [1]", "expected a tuple of rlref.backends.Divergence"),
    ("syntax.py", "def", "SyntaxError"), ("exits.py", "raise SystemExit(3)", "SystemExit: 3"),
])
def test_backend_that_cannot_be_used(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(BackendError, match=message):
        Worker(str(tmp_path / name), 1.0)


def test_backend_may_be_called_numpy(tmp_path):
    (tmp_path / "numpy.py").write_text("def td0(reward, **x): raise NotImplementedError")
    with Worker(str(tmp_path / "numpy.py"), 5.0) as worker:
        assert [one.verdict for one in verify(worker, ["returns.td0"], 0, 0, "float64")] == ["not offered"]


def test_one_output_may_be_a_plain_list():
    check("returns.reward_to_go", lambda **x: reward_to_go.vectorized(**x).reward_to_go.tolist(), cases=2)


def test_float32_inputs_are_judged_in_float32():
    def mine(**x):
        assert x["reward"].dtype == np.float32
        return [out.astype(np.float32) for out in gae.vectorized(**x)]

    check("returns.gae", mine, dtype="float32", cases=4)
    with pytest.raises(AssertionError, match="float32 precision only"):
        check("returns.gae", lambda **x: [out.astype(np.float32) for out in gae.vectorized(**x)], cases=0)


def test_check_passes_what_is_right():
    check("gae", gae.vectorized, vjp=gae.vjp, cases=5)
    check("returns.vtrace", vtrace.loop, cases=5)


def test_check_says_what_is_wrong():
    def mine(**x):
        return gae.vectorized(**x | {"terminated": x["done"]})

    with pytest.raises(AssertionError) as failure:
        check("returns.gae", mine)
    text = str(failure.value)
    for part in ("returns.gae, values: differs on", "done = [True]", "t = 0, advantage", "expected", "got",
                 "truncation-treated-as-termination", "https://"):
        assert part in text


def test_check_notices_a_hang():
    import time

    with pytest.raises(AssertionError, match="hangs on 2 of 2 cases"):
        check("returns.gae", lambda **x: time.sleep(30), cases=0, timeout=0.05)


@pytest.mark.parametrize(("wrong", "message"), [
    ({"dtype": "float16"}, "dtype: expected float64 or float32, got float16"), ({"cases": -1}, "cases: expected 0")])
def test_check_refuses_bad_arguments(wrong, message):
    with pytest.raises(ValueError, match=message):
        check("returns.gae", gae.vectorized, **wrong)


def test_check_refuses_unknown_pages():
    with pytest.raises(ValueError, match=r"reference: expected one of .*returns\.gae.*, got 'returns\.gea'"):
        check("returns.gea", gae.vectorized)
