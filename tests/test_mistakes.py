"""The known mistakes are mistakes: each is caught, named once, told apart from the rest."""

from __future__ import annotations

import importlib
import re
from itertools import combinations

import numpy as np
import pytest
from mistaken import by, copied, error, outputs, right, same, tried

from rlref.conformance import reference
from rlref.conformance.generate import FLOAT32
from rlref.conformance.mistakes import known
from rlref.pages import find, pages

EACH = [pytest.param(page, name, id=f"{page}:{name}", marks=pytest.mark.xdist_group(f"mistakes of {page}"))
        for page in pages() for name in known(page)]  # a page's cases are tried once, in one process


@pytest.mark.parametrize(("page", "name"), EACH)
def test_is_caught_by_an_edge_and_by_a_random_case(page, name):
    first, then, _ = tried(page)
    visible = (reference.GRADIENT_UNITS if known(page)[name].gradient else reference.UNITS) * FLOAT32
    both = list(zip(outputs(page, name), right(page, name), strict=True))
    assert any(error(*each) > visible for each in both[: len(first)]), "no edge catches it"
    assert any(error(*each) > visible for each in both[len(first):]), f"none of {len(then)} random cases catches it"


@pytest.mark.parametrize(("page", "name"), EACH)
def test_keeps_shape_and_type(page, name):
    first, then, _ = tried(page)
    for case, got, expected in zip(first + then, outputs(page, name), right(page, name), strict=True):
        assert got.keys() == expected.values.keys()
        for out, x in got.items():
            assert x.shape == expected.values[out].shape and x.dtype == np.float64, (case.id, out)


@pytest.mark.parametrize(("page", "name"), EACH)
def test_passes_on_only_what_the_contract_allows(page, name):
    first, then, _ = tried(page)
    one = known(page)[name]
    wrong = one.apply(find(page).vjp if one.gradient else find(page).vectorized)
    for case in first + then[:80]:
        wrong(*[find(page).output(**by(page, case))] * one.gradient, **copied(case.inputs))


def test_random_cases_have_every_kind_of_shape():
    for page in pages():
        cases = [case.inputs for case in tried(page)[1]]
        assert {len(find(page).steps(x)) for x in cases} == {1, 2, 3}
        for arg in (arg for arg, entry in find(page).arguments.items() if entry.parameter):
            assert {np.ndim(x[arg]) for x in cases} == {0, 1, 2, 3}, (page, arg)


@pytest.mark.parametrize("page", pages())
def test_no_two_are_the_same_function(page):
    for gradient in (False, True):
        names = [name for name, one in known(page).items() if one.gradient is gradient]
        for one, other in combinations(names, 2):
            pairs = zip(outputs(page, one), outputs(page, other), right(page, one), strict=True)
            assert not all(same(*each) for each in pairs), f"{one} is {other}"


@pytest.mark.parametrize("page", pages())
def test_each_is_named_explained_and_linked(page):
    for name, one in known(page).items():
        assert one.name == name and re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", name)
        assert re.fullmatch(r"folklore|https://github\.com/\S+/(issues|pull|commit)/\w+", one.seen), name
        assert "\n" not in one.what and 5 < len(one.what) < 200 and not one.what.endswith("."), name


def test_one_name_is_one_mistake():
    for page in pages():
        names = [value.name for value in vars(_module(page)).values() if hasattr(value, "apply")]
        assert sorted(names) == sorted(set(names)) and names == list(known(page))
    links = {}
    for page in pages():
        for one in known(page).values():
            assert links.setdefault(one.name, one.seen) == one.seen, one.name


def _module(page):
    return importlib.import_module(f"rlref.conformance.mistakes.{find(page).short}")
