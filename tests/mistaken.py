"""What the tests of known mistakes share: the cases they are tried on, what each gives, and when two agree."""

from __future__ import annotations

import copy
import warnings
from functools import cache

import numpy as np

from rlref.conformance import reference
from rlref.conformance.cases import random_cases
from rlref.conformance.edges import edges
from rlref.conformance.mistakes import known, unchecked
from rlref.pages import find

COUNT = {"returns.standardize": 800}  # a deviation between a floor and its root is rare
SHORT = 12  # steps


@cache
def tried(page):
    """The page's edges, its short random cases, and what the loop gives for each of both."""
    first = list(edges(find(page)))
    then = [case for case in random_cases(find(page), COUNT.get(page, 80), "mistakes") if steps(case.inputs) <= SHORT]
    return first, then, [reference.outputs(find(page), case.inputs) for case in first + then]


@cache
def outputs(page, name):
    """What a mistake gives for all of them; a warning is an error."""
    wrong = known(page)[name].apply(unchecked(find(page)))
    first, then, _ = tried(page)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return [wrong(**copy.deepcopy(case.inputs)) for case in first + then]


def steps(inputs):
    return len(next(iter(inputs.values())))


def error(got, expected):
    return max(reference.worst_error(np.asarray(x), expected.values[name], expected.scales[name])
               for name, x in zip(expected.values, got, strict=True))


def same(one, other, expected):
    """Whether two outputs agree to the tolerance of the page; NaN agrees with NaN."""
    return all(np.array_equal(np.isnan(a), np.isnan(b)) and
               reference.worst_error(np.nan_to_num(a), np.nan_to_num(b), scale) <= reference.UNITS
               for a, b, scale in zip(one, other, expected.scales.values(), strict=True))
