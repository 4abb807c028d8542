"""The golden vectors are what they say: regenerable, described by their schema, right, and with true flags."""

import json
import re
from importlib import resources

import jsonschema
import numpy as np
import pytest

from rlref.conformance import exact, generate, golden
from rlref.conformance.mistakes import known
from rlref.conformance.outside import every_outside
from rlref.conformance.reference import GRADIENT_UNITS, UNITS, worst_error
from rlref.pages import find, pages

PAGES = list(pages())


@pytest.mark.parametrize("name", PAGES)
def test_regenerated_bit_for_bit(name):
    assert generate.text(find(name)) == golden.installed(find(name)), "rlref golden --write rlref/conformance/vectors"


@pytest.mark.parametrize("name", PAGES)
def test_follows_the_schema(name):
    schema = json.loads(resources.files("rlref.conformance").joinpath("vectors", "schema.json").read_text())
    content = json.loads(golden.installed(find(name)), parse_constant=pytest.fail)  # NaN is not JSON
    jsonschema.Draft202012Validator(schema).validate(content)
    for case in content["cases"]:
        assert set(case["inputs"]) == set(find(name).arguments)
        assert set(case["outputs"]) == set(case["output_scales"]) == set(case["cotangents"]) == set(find(name).outputs)
        assert set(case["gradients"]) == set(case["gradient_scales"])
        assert list(case["gradients"]) == [derivative.name for derivative in find(name).derivatives]
        for group in golden.GROUPS:
            assert all(len(a["data"]) == np.prod(a["shape"], dtype=int) for a in case[group].values())


@pytest.mark.parametrize("name", PAGES)
def test_enough_cases_with_distinct_ids(name):
    vectors = golden.load(name)
    assert len(vectors) >= 40
    assert len({v.id for v in vectors}) == len(vectors)
    assert sum(bool(v.source) for v in vectors) >= 3
    assert all(v.comment for v in vectors)


@pytest.mark.parametrize("name", PAGES)
def test_every_mistake_is_caught_and_every_flag_is_true(name):
    page, caught = find(name), set()
    for vector in golden.load(name):
        for flag in vector.flags:
            one = known(name)[flag]
            wrong = one.answer(page, vector.inputs, vector.cotangents)
            right, scales, units = (vector.gradients, vector.gradient_scales, GRADIENT_UNITS) if one.gradient else (
                vector.outputs, vector.output_scales, UNITS)
            assert max(worst_error(wrong[field], x, scales[field], eps=2.0**-23)
                       for field, x in right.items()) > units, (vector.id, flag)
        caught.update(vector.flags)
    assert caught == set(known(name))


@pytest.mark.parametrize("case", every_outside(), ids=lambda one: f"{one.page}-{one.id}")
def test_numbers_from_elsewhere_are_ours(case):
    ours = exact.outputs(find(case.page), case.inputs)
    assert case.published
    for name, published in case.published.items():
        np.testing.assert_allclose(ours[name], published, rtol=0, atol=case.within)
    vector = next(v for v in golden.load(case.page) if v.id == case.id)
    assert vector.source == case.source


@pytest.mark.parametrize("name", PAGES)
def test_reading_gives_the_same_bits(name):
    for vector in golden.load(name):
        for group in golden.GROUPS:
            for x in getattr(vector, group).values():
                again = golden.decode(json.loads(json.dumps(golden.encode(x), allow_nan=False)))
                assert np.asarray(again).tobytes() == np.asarray(x).tobytes()


def test_vector_checks_an_answer():
    page = find("gae")
    vector = next(v for v in golden.load(page) if v.id == "truncated-inside")
    right = page.vectorized(**vector.inputs)
    vector.check(right)
    vector.check(right._asdict())
    vector.check_gradients(page.vjp(page.output(**vector.cotangents), **vector.inputs))
    for wrong, message in [
        ((right.advantage,), "expected 2 outputs"),
        ((right.advantage[1:], right.value_target), "advantage: expected shape"),
        ((right.advantage * (1 + 1e-13), right.value_target), "advantage: off by"),
        ((right.advantage * np.nan, right.value_target), "off by inf units"),
        ({"advantage": right.advantage}, "expected outputs advantage, value_target, got advantage"),
    ]:
        with pytest.raises(AssertionError, match=message):
            vector.check(wrong)
    vector.check((right.advantage.astype(np.float32), right.value_target), eps=2.0**-23)


@pytest.mark.parametrize("form", ["json", "npz"])
def test_export(tmp_path, form):
    path = golden.export(find("vtrace"), tmp_path, form)
    assert path == tmp_path / "returns" / f"vtrace.{form}"
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    vectors = golden.load("vtrace")
    if form == "json":
        assert [v.id for v in golden.parse(path.read_text())] == [v.id for v in vectors]
        return
    with np.load(path, allow_pickle=False) as arrays:
        for vector in vectors:
            for group in golden.GROUPS:
                for name, x in getattr(vector, group).items():
                    np.testing.assert_array_equal(arrays[f"{vector.id}/{group}/{name}"], x)


def test_failed_write_leaves_nothing(tmp_path):
    target = tmp_path / "vectors.json"
    target.mkdir()  # cannot be replaced by a file
    with pytest.raises(OSError, match=re.escape("vectors.json")):
        golden.write_whole(target, b"half")
    assert [p.name for p in tmp_path.iterdir()] == ["vectors.json"]


def test_check_sees_one_changed_bit(monkeypatch):
    page, said = find("td0"), []
    text = golden.installed(page)
    at = text.index("0.5", text.index('"outputs"'))
    monkeypatch.setattr(golden, "installed", lambda page: text[:at] + "0.5000000000000001" + text[at + 3 :])
    assert generate.check([page], said.append) == ["returns.td0"]
    assert said == ["returns.td0: DIFFERS"]
