"""The built-in backends: rlref's own conforms; of torchrl and rlax exactly what is recorded is wrong, no more, no less.

The report is that of ``rlref verify torchrl`` itself, run once for the whole test session.
"""

import importlib
import json

import pytest

from rlref.conformance.verify import EFFECTS
from rlref.pages import pages

pytestmark = pytest.mark.xdist_group("verified")  # one process, so that each library is verified once
VERDICT_EFFECTS = {kind: effect for kind, effect in EFFECTS.items() if kind not in ("ok", "not offered")}


def load(backend):
    return importlib.import_module(f"rlref.backends.{backend}")


def divergences():
    return [pytest.param(backend, i, id=f"{backend}-{one.implementation}-{one.effect}-{i}")
            for backend in ("torchrl", "rlax") for i, one in enumerate(load(backend).DIVERGENCES)]


def test_own_code_conforms(verified):
    report = verified("numpy")
    assert report["conforms"] is True
    assert {j["verdict"] for j in report["judgements"]} == {"conforms"}
    assert len(report["judgements"]) == 2 * len(pages())


@pytest.mark.parametrize("backend", ["torchrl", "rlax"])
def test_every_failure_is_recorded(backend, verified):
    new = [(j["function"], j["verdict"], j["unexpected"], [f["kind"] for f in j["failures"]])
           for j in verified(backend)["judgements"] if j["unexpected"]]
    assert new == [], "not recorded in DIVERGENCES: a new divergence of the library, or an error of ours"


@pytest.mark.parametrize(("backend", "index"), divergences())
def test_every_recorded_divergence_still_shows(backend, index, verified):
    one = load(backend).DIVERGENCES[index]
    seen = [i for j in verified(backend)["judgements"] if j["function"] == one.implementation
            for i in j["recorded_indices"]]
    assert index in seen, f"gone: {one.cause}"


@pytest.mark.parametrize("backend", ["torchrl", "rlax"])
def test_divergences_are_complete(backend):
    module = load(backend)
    for one in module.DIVERGENCES:
        assert hasattr(module, one.implementation), one.implementation
        assert one.effect in VERDICT_EFFECTS.values()
        assert one.cause and one.size
        assert one.link == "" or one.link.startswith("https://")


def test_versions_are_the_pinned_ones(verified):
    assert "0.14.1" in verified("torchrl")["version"]
    assert "0.1.9" in verified("rlax")["version"]


def test_every_page_is_judged_against_torchrl(verified):
    judged = {(j["reference"], j["part"]) for j in verified("torchrl")["judgements"] if j["verdict"] != "not offered"}
    has = {name for name, page in pages().items() if page.section("TorchRL") != "none"}
    trained = {name for name in has if not name.startswith(("bootstraps.", "targets."))}  # it holds these still
    assert judged == {(name, "values") for name in has} | {(name, "gradients") for name in trained}


def test_known_torchrl_bugs_are_found(verified):
    """Measured by others before this backend was written: whatever else is recorded, these must be seen."""
    verdicts = {(j["function"], j["part"]): json.dumps(j["failures"]) for j in verified("torchrl")["judgements"]}
    assert "nan-after-the-end" in verdicts["gae__loop", "values"]
    assert "IndexError" in verdicts["gae__vec", "values"]
    assert "gamma-tiny" in verdicts["td_lambda__vec", "values"]
    assert "lambda-per-step" in verdicts["td_lambda__vec", "values"]
