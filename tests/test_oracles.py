"""Every page against torchrl and rlax, on what Hypothesis finds: loop, vectorized and vjp, and the library's own form.

Where something is recorded in a backend's DIVERGENCES it may show, in the way recorded and in no other; everywhere else
they must agree. That each does show is seen in tests/test_backends.py.
"""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from rlref.conformance import reference
from rlref.conformance.cases import Case
from rlref.conformance.judge import judge, prepare
from rlref.conformance.verify import EFFECTS
from rlref.conformance.worker import answer, covers, offers
from rlref.pages import find, pages

MODULES = {name: importlib.import_module(f"rlref.backends.{name}") for name in ("torchrl", "rlax")}
OFFERS = [pytest.param(module, offer, id=f"{name}-{offer.function}")
          for name, module in MODULES.items() for offer in offers(list(vars(module)))]
# A library expresses only some inputs; if none of the first few hundred is among them, Hypothesis fails the test. A
# loss module takes longer to build than to call, and ``rlref verify`` has judged it on a hundred cases already.
CHECKS = [HealthCheck.filter_too_much, HealthCheck.too_slow]
MANY, FEW = (settings(max_examples=count, suppress_health_check=CHECKS) for count in (13, 4))


@pytest.mark.parametrize(("module", "offer"), OFFERS)
def test_the_library_agrees(module, offer, examples):
    page = find(offer.page)
    recorded = [one for one in module.DIVERGENCES if one.implementation == offer.function]
    rough = any(one.effect != "float32" for one in recorded)  # then only some of the examples are compared to the end

    @(MANY if rough or page.name.startswith("returns.") else FEW)
    @given(st.data())
    def agrees(data):
        inputs, cotangents = data.draw(examples(page))
        known = {one.effect for one in recorded if one.when(inputs)}
        task = prepare(page, Case("drawn", "", inputs), cotangents, "float64")
        assume(not offer.gradient or task.gradients is not None)
        got = answer(getattr(module, offer.function), page, inputs, task.cotangents if offer.gradient else None)
        assume(got.kind != "not offered")
        outcome = judge(task, got, offer.gradient, "float64")
        assert outcome.kind == "ok" or any(covers(one, offer, inputs, EFFECTS[outcome.kind]) for one in recorded), (
            outcome.error, got.text)
        if known - {"float32"}:
            return
        own = (page.gradients(page.vjp(page.output(**cotangents), **inputs)) if offer.gradient
               else page.vectorized(**inputs)._asdict())
        expected = task.expected(offer.gradient)
        for name, theirs in zip(expected.values, got.arrays, strict=True):
            eps = 2.0**-23 if known else reference.EPS
            x = own[name]
            units = reference.GRADIENT_UNITS + reference.UNITS + page.steps(inputs)[0]  # each may be off by its own
            assert reference.worst_error(x, np.asarray(theirs), expected.scales[name], eps) <= units

    agrees()


def test_every_page_is_compared():
    compared = {name: {param.values[1].page for param in OFFERS if param.values[0] is module}
                for name, module in MODULES.items()}
    assert compared["torchrl"] == {name for name, page in pages().items() if page.section("TorchRL") != "none"}
    names = ("gae", "reward_to_go", "td0", "td1", "td_lambda", "vtrace")
    assert compared["rlax"] >= {f"returns.{name}" for name in names}
