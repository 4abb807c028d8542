"""Every law of ``laws`` and ``module_laws`` on every page: edges, Hypothesis's samples, long and wide inputs."""

from __future__ import annotations

import laws
import module_laws
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlref.conformance import cases, golden, reference
from rlref.conformance.edges import edges
from rlref.pages import find, pages

PAGES = tuple(pages().values())
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.short)
every_page_in_time = pytest.mark.parametrize(
    "page", [page for page in PAGES if module_laws.split(page) == "per_trajectory"], ids=lambda page: page.short)
every_law = pytest.mark.parametrize(
    "page, law", [pytest.param(page, law, id=f"{page.short}-{law.__name__}")
                  for page in PAGES for law in laws.BEHAVIOUR if laws.applies(law, page)])


def example(page, seed, shape=None, full=True):
    pick = cases.seeded(seed)
    inputs = cases.sample(page, pick, shape, full=full)
    return inputs, cases.cotangents(page, pick, inputs, full=full)


def test_the_first_pages_are_found():
    assert {page.short for page in PAGES} >= {"gae", "reward_to_go", "standardize", "td0", "td1", "td_lambda", "vtrace"}


@pytest.mark.parametrize("law", module_laws.MODULE, ids=lambda law: law.__name__)
@every_page
def test_module(page, law):
    law(page)


EXACT = (laws.exact_values, laws.exact_gradients)
OF_FORM = (laws.any_array, laws.any_parameter, laws.batch_of_one, laws.linear)  # what they are about is not the numbers


@every_law
def test_edges(page, law):
    """The golden vectors are the exact numbers of every edge; laws of form are tried on every fourth."""
    if law not in EXACT:
        for case in list(edges(page))[:: 4 if law in OF_FORM else 1]:
            law(page, case.inputs, cases.cotangents(page, cases.seeded(case.id), case.inputs))
        return
    for vector in golden.load(page):
        if law is laws.exact_values:
            scales = reference.outputs(page, vector.inputs).scales
            for form in ("loop", "vectorized"):
                laws.close(page, form, getattr(page, form)(**vector.inputs)._asdict(), vector.outputs, scales)
        else:
            forward = reference.gradients(page, vector.inputs, vector.cotangents)
            got = page.gradients(page.vjp(page.output(**vector.cotangents), **vector.inputs))
            for x in (got, forward.values):
                laws.close(page, "vjp", x, vector.gradients, forward.scales)


@every_law
@given(data=st.data())
def test_samples(page, law, examples, data):
    law(page, *data.draw(examples(page)))


@pytest.mark.parametrize("shape", [(150,), (120, 3)], ids=str)
@every_page
def test_hundreds_of_steps(page, shape):
    for seed in range(3):
        inputs, cotangents = example(page, f"long {seed}", shape)
        laws.exact_values(page, inputs, cotangents)
        laws.forward_gradients(page, inputs, cotangents)


@every_page_in_time
def test_thousands_of_steps(page):
    """More than ``recurrence`` takes in one block, and each reaches the first: no end, no discount, no rounding."""
    inputs, cotangents = example(page, "very long", (20_000,), full=False)
    for name in inputs.keys() & {"gamma", "lmbda", "rho_thresh", "c_thresh", "rolling_gamma"}:
        inputs[name] = True if name == "rolling_gamma" else 1.0
    for name in inputs.keys() & {"done", "terminated"}:
        inputs[name] = np.zeros(20_000, bool)
    inputs = {name: np.nan_to_num(x, nan=1.0) for name, x in inputs.items()}
    laws.exact_values(page, inputs, cotangents)


@pytest.mark.parametrize("log_pi, log_mu", [(800.0, 0.0), (0.0, 800.0), (1e308, -1e308), (-1e308, 1e308)])
def test_weights_of_any_log_probability(log_pi, log_mu):
    """The log-ratio is clipped without an overflow on the way, even where float64 cannot hold the ratio's logarithm."""
    page = find("vtrace")
    inputs, cotangents = example(page, "weights", (5,), full=False)
    inputs |= {"log_pi": np.full(5, log_pi), "log_mu": np.full(5, log_mu), "rho_thresh": 1.0, "c_thresh": 0.5}
    laws.silent(page, inputs, cotangents)
    laws.exact_values(page, inputs, cotangents)
    laws.exact_gradients(page, inputs, cotangents)


@pytest.mark.parametrize("steps", [6, 20_000])
@every_page_in_time
def test_a_wide_batch_is_its_trajectories(page, steps):
    """129 columns take another way through ``recurrence`` than one does, 20 000 steps more than one block."""
    inputs, cotangents = example(page, "wide", (steps,))
    inputs |= {"rolling_gamma": True} if "rolling_gamma" in inputs else {}
    narrow = laws.outcome(page, inputs, cotangents)
    wide = [{name: np.broadcast_to(x[:, None], (steps, 129)) if np.ndim(x) else x for name, x in part.items()}
            for part in (inputs, cotangents)]
    results = {"vectorized": page.vectorized(**wide[0]), "vjp": page.vjp(page.output(**wide[1]), **wide[0])}
    for form, result in results.items():
        for name, x in result._asdict().items():
            expected = narrow[form][name]
            assert np.array_equal(x, np.broadcast_to(x[:, :1], x.shape))
            assert np.max(np.abs(x[:, 0] - expected)) <= 16 * reference.EPS * np.max(np.abs(expected))
