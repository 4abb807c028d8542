"""The sampler reaches what has caught people out, gives nothing that a page refuses, and never changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlref.conformance import cases
from rlref.conformance.edges import edges, every_edge
from rlref.pages import find, pages

PAGES = tuple(pages().values())
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.short)


def same(one, other):
    return one.keys() == other.keys() and all(
        np.asarray(x).tobytes() == np.asarray(other[name]).tobytes() and np.shape(x) == np.shape(other[name])
        for name, x in one.items())


def test_the_stream_is_the_same_everywhere():
    """Python's Mersenne Twister: random.Random(0) gives 0.8444, 0.7579, 0.4205, 0.2589, 0.5112, 0.4049, 0.7837."""
    pick = cases.seeded(0)
    assert [pick(1000) for _ in range(7)] == [844, 757, 420, 258, 511, 404, 783]
    pick = cases.seeded("a")
    assert [pick(1000) for _ in range(8)] == [272, 67, 599, 644, 175, 590, 557, 970]


def test_a_sample_is_the_same_everywhere():
    """Should one of these numbers change, every golden vector changes with it."""
    inputs = cases.sample(find("td_lambda"), cases.seeded("pin"))
    expected = {
        "reward": [[-3.75, -0.375], [0.125, -2.5]], "state_value": [[0.75, -3.75], [2.25, -2.875]],
        "next_state_value": [[2.375, 2.125], [4.0, -1.5]], "done": [[True, False], [False, False]],
        "terminated": [[True, False], [False, False]], "gamma": 0.9, "lmbda": [[0.5, 0.5], [1.0, 0.95]],
        "rolling_gamma": True}
    assert {name: np.asarray(x).tolist() for name, x in inputs.items()} == expected


@every_page
def test_what_it_gives_is_legal(page):
    """All three functions take it, and give finite numbers; so do edges and the long random cases."""
    found = [cases.sample(page, cases.seeded(i), full=i % 2 == 1) for i in range(100)]
    found += [case.inputs for case in (*edges(page), *cases.random_cases(page, 20, 0))]
    for inputs in found:
        assert list(inputs) == list(page.arguments)
        cotangent = page.output(**cases.cotangents(page, cases.seeded(1), inputs))
        for result in (page.vectorized(**inputs)._asdict(), page.gradients(page.vjp(cotangent, **inputs))):
            for name, x in result.items():  # kl_approx is infinite where the new policy never takes the action
                assert np.isfinite(x).all() or (name == "kl_approx" and (np.isfinite(x) | (x == np.inf)).all()), name


@every_page
@given(data=st.data())
def test_what_hypothesis_draws_is_legal(page, examples, data):
    inputs, cotangents = data.draw(examples(page))
    page.loop(**inputs)
    assert cotangents.keys() == set(page.outputs)


def features(page, inputs):
    """What there is to be found in one sample, in words."""
    shape = page.steps(inputs)
    yield from (f"{len(shape)} axes", "one step" if shape[0] == 1 else "steps")
    for name, entry in page.arguments.items():
        x = inputs[name]
        if entry.setting:
            yield f"{name} {x}"
        elif entry.parameter:
            yield f"{name} {'scalar' if np.ndim(x) == 0 else 'full' if x.shape == shape else 'per step'}"
            if np.size(x) > 1 and np.ptp(np.nan_to_num(x)) > 0:
                yield f"{name} varies"
            yield from (f"{name} {value:g}" for value in np.unique(x) if value in (0.0, 1e-8, 0.5, 0.9, 1.0, np.inf))
        elif entry.kind == "real":
            yield from (f"{name} {word}" for word, found in {
                "nan": np.isnan(x), "-inf": x == -np.inf, "zero": x == 0, "800": x == 800, "-800": x == -800,
                "all bits": np.abs(x[np.isfinite(x)]) * 2.0**20 % 1 > 0, "above 1000": np.abs(x) > 1000,
                "below 1e-3": (np.abs(x) < 1e-3) & (x != 0),
            }.items() if found.any())
    if {"done", "terminated"} <= inputs.keys():
        done, terminated = inputs["done"], inputs["terminated"]
        yield from (word for word, found in {
            "truncated inside": (done & ~terminated)[:-1], "terminated inside": terminated[:-1], "goes on": ~done[-1:],
            "terminated last": terminated[-1:], "two ends running": done[1:] & done[:-1]}.items() if found.any())
    if "log_pi" in inputs:
        tie = (inputs["log_pi"] == inputs["log_mu"]) & (np.broadcast_to(inputs["rho_thresh"], shape) == 1)
        yield from ["tie with rho_bar"] * bool(tie.any())


ENDS = {"truncated inside", "terminated inside", "goes on", "terminated last", "two ends running"}
WANTED = {
    "gamma": {"scalar", "full", "per step", "varies", "0", "1e-08", "0.5", "0.9", "1"},
    "lmbda": {"scalar", "full", "per step", "varies", "0", "1e-08", "0.5", "0.9", "1"},
    "rho_thresh": {"scalar", "full", "per step", "varies", "0", "0.5", "1", "inf"},
    "c_thresh": {"scalar", "full", "per step", "varies", "0", "0.5", "1", "inf"},
    "rolling_gamma": {"True", "False"}, "ddof": {"0", "1"}, "std_min": {"1e-06", "0.0001", "1.0"},
    "reward": {"zero", "all bits", "above 1000", "below 1e-3"}, "advantage": {"zero", "all bits", "above 1000"},
    "state_value": {"zero", "all bits"}, "next_state_value": {"nan", "zero", "all bits"},
    "log_pi": {"-inf", "800", "-800", "all bits"}, "log_mu": {"800", "-800", "all bits"},
}


@every_page
def test_it_reaches(page):
    """In 600 samples, each of what is known to go wrong in other people's code."""
    found = set()
    for i in range(600):
        found |= set(features(page, cases.sample(page, cases.seeded(i), full=i % 3 == 2)))
    wanted = {f"{name} {word}" for name in page.arguments for word in WANTED.get(name, ())}
    wanted |= {"1 axes", "2 axes", "3 axes", "one step", "steps"}
    wanted |= ENDS if {"done", "terminated"} <= page.arguments.keys() else set()
    wanted |= {"tie with rho_bar"} if "log_pi" in page.arguments else set()
    wanted -= {"next_state_value nan"} if "terminated" not in page.arguments else set()  # then all of it is read
    assert not wanted - found


def test_every_argument_is_looked_for():
    returns = [page for page in PAGES if page.name.startswith("returns.")]
    assert {name for page in returns for name in page.arguments} - {"done", "terminated"} == WANTED.keys()


@every_page
def test_numbers_that_are_short_to_print(page):
    """Unless all bits are asked for, multiples of 1/8: exact in float32, and in print."""
    for i in range(50):
        inputs = cases.sample(page, cases.seeded(i))
        for name, entry in page.arguments.items():
            if entry.kind == "real" and entry.per_step:
                assert np.all(np.nan_to_num(inputs[name], neginf=0.0) * 8 % 1 == 0)


@every_page
def test_masks_say_what_nothing_reads(page):
    """NaN is only where the glossary says that nobody reads."""
    for inputs in (cases.sample(page, cases.seeded(i)) for i in range(100)):
        for name, entry in page.arguments.items():
            nan = np.isnan(np.asarray(inputs[name], float)) if entry.kind != "choice" else np.array(False)
            unread = entry.unread_in(inputs)
            assert not (nan & ~unread).any() if unread is not None else not nan.any()


@every_page
def test_random_cases(page):
    """Reproducible, told apart by seed, every tenth hundreds of steps long, every fourth with all bits."""
    first, again, other = (list(cases.random_cases(page, 20, seed)) for seed in (3, 3, 4))
    assert all(same(a.inputs, b.inputs) and a.id == b.id for a, b in zip(first, again, strict=True))
    assert not any(same(a.inputs, b.inputs) for a, b in zip(first, other, strict=True))
    assert len({case.id for case in first + other}) == 40
    assert [page.steps(case.inputs)[0] >= 100 for case in first] == ([False] * 9 + [True]) * 2


@every_page
def test_edges(page):
    """25 a page of returns, but for standardize; pages without time, ends or discounts need fewer."""
    found = list(edges(page))
    assert len(found) >= (25 if page.name.startswith("returns.") and page.short != "standardize" else 12)
    assert len({case.id for case in found}) == len(found) and all(case.comment for case in found)
    assert all(same(a.inputs, b.inputs) for a, b in zip(found, edges(page), strict=True))
    assert not any(same(a.inputs, b.inputs) for i, a in enumerate(found) for b in found[:i]), "an edge twice"


def test_every_edge_is_some_page_s():
    used = {case.id for page in PAGES for case in edges(page)}
    assert used == {edge.id for edge in every_edge()}


def edge(page, name):
    return next(case.inputs for case in edges(find(page)) if case.id == name)


def test_edges_are_what_they_are_called():
    assert edge("gae", "one-step")["reward"].shape == (1,)
    x = edge("gae", "truncated-inside")
    assert x["done"].tolist() == [False, False, True, False, False] and not x["terminated"].any()
    x = edge("gae", "terminated-inside")
    assert x["done"].tolist() == x["terminated"].tolist() == [False, False, True, False, False]
    x = edge("td1", "nan-after-the-end")
    assert np.isnan(x["next_state_value"]).tolist() == x["terminated"].tolist() == [False, True, False, True, False]
    x = edge("td_lambda", "consistent-values")
    inside = ~x["done"][:-1]
    assert np.array_equal(x["next_state_value"][:-1][inside], x["state_value"][1:][inside]) and not inside.all()
    assert edge("td_lambda", "lambda-per-return")["rolling_gamma"] is False
    assert edge("gae", "gamma-per-batch-entry")["gamma"].shape == (1, 3)
    x = edge("vtrace", "on-policy")
    assert np.array_equal(x["log_pi"], x["log_mu"]) and x["rho_thresh"] == x["c_thresh"] == 1.0
    assert max(edge("vtrace", "log-ratio-800")["log_pi"] - edge("vtrace", "log-ratio-800")["log_mu"]) == 800.0
    assert np.std(edge("standardize", "deviation-at-floor")["advantage"]) == 1.0
