"""The known mistakes are mistakes: each is caught, named once, told apart from the rest."""

from __future__ import annotations

import copy
import importlib
import re
from itertools import combinations

import numpy as np
import pytest
from mistaken import error, outputs, same, tried

from rlref.conformance.generate import VISIBLE
from rlref.conformance.mistakes import known, unchecked
from rlref.pages import find, pages

EACH = [pytest.param(page, name, id=f"{page}:{name}") for page in pages() for name in known(page)]



@pytest.mark.parametrize(("page", "name"), EACH)
def test_is_caught_by_an_edge_and_by_a_random_case(page, name):
    first, then, expected = tried(page)
    errors = [error(got, right) for got, right in zip(outputs(page, name), expected, strict=True)]
    assert max(errors[: len(first)]) > VISIBLE, "no edge catches it"
    assert max(errors[len(first):]) > VISIBLE, f"none of {len(then)} random cases catches it"


@pytest.mark.parametrize(("page", "name"), EACH)
def test_keeps_shape_and_type_and_its_inputs(page, name):
    first, then, _ = tried(page)
    wrong = known(page)[name].apply(unchecked(find(page)))
    for case, got in zip(first + then, outputs(page, name), strict=True):
        shape = next(np.shape(x) for arg, x in case.inputs.items() if find(page).arguments[arg].per_step)
        assert isinstance(got, find(page).output)
        assert all(x.shape == shape and x.dtype == np.float64 for x in got), case.id
    for case in first:
        given = copy.deepcopy(case.inputs)
        wrong(**given)
        for arg, x in case.inputs.items():
            np.testing.assert_array_equal(given[arg], x, err_msg=f"{case.id} {arg}")


@pytest.mark.parametrize(("page", "name"), EACH)
def test_passes_on_only_what_the_contract_allows(page, name):
    first, then, _ = tried(page)
    wrong = known(page)[name].apply(find(page).vectorized)
    for case in first + then[:80]:
        wrong(**copy.deepcopy(case.inputs))


def test_random_cases_have_every_kind_of_shape():
    for page in pages():
        cases = [case.inputs for case in tried(page)[1]]
        assert {np.ndim(next(iter(x.values()))) for x in cases} == {1, 2, 3}
        for arg in {"gamma", "lmbda", "rho_thresh", "c_thresh"} & find(page).arguments.keys():
            assert {np.ndim(x[arg]) for x in cases} == {0, 1, 2, 3}, (page, arg)


@pytest.mark.parametrize("page", pages())
def test_no_two_are_the_same_function(page):
    expected = tried(page)[2]
    for one, other in combinations(known(page), 2):
        assert not all(map(same, outputs(page, one), outputs(page, other), expected)), f"{one} is {other}"


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
