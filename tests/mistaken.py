"""What the tests of known mistakes share: the cases they are tried on, what each gives, and when two agree."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np

from rlref.conformance import reference
from rlref.conformance.cases import cotangents, random_cases, seeded
from rlref.conformance.edges import edges
from rlref.conformance.mistakes import known
from rlref.pages import find

COUNT = {"returns.standardize": 800}  # a deviation between a floor and its root is rare
SHORT = 12  # steps


@cache
def tried(page):
    """The page's edges, its short random cases, and what the loop gives for each of both."""
    first = list(edges(find(page)))
    then = [case for case in random_cases(find(page), COUNT.get(page, 80), "mistakes")
            if find(page).steps(case.inputs)[0] <= SHORT]
    return first, then, [reference.outputs(find(page), case.inputs) for case in first + then]


@cache
def gradients(page):
    """What the loop gives for the gradients."""
    first, then, _ = tried(page)
    return [reference.gradients(find(page), case.inputs, by(page, case)) for case in first + then]


def right(page, name):
    """What should be given in place of what this mistake gives."""
    return gradients(page) if known(page)[name].gradient else tried(page)[2]


@cache
def outputs(page, name):
    """What a mistake gives for all of them, by name; a warning is an error, and so is an input that was written to."""
    first, then, _ = tried(page)
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for case in first + then:
            given = copied(case.inputs)
            found.append(known(page)[name].answer(find(page), given, by(page, case)))
            written = [arg for arg, x in case.inputs.items() if np.array(given[arg]).tobytes() != np.array(x).tobytes()]
            assert not written, (case.id, written)
    return found


def copied(inputs):
    """The same arrays elsewhere."""
    return {name: x.copy() if isinstance(x, np.ndarray) else x for name, x in inputs.items()}


def by(page, case):
    """Its cotangents."""
    return _cotangents(page)[case.id]


@cache
def _cotangents(page):
    first, then, _ = tried(page)
    return {case.id: cotangents(find(page), seeded(f"{page} {case.id} cotangent"), case.inputs)
            for case in first + then}


def error(got, expected):
    return max(reference.worst_error(np.asarray(got[name]), x, expected.scales[name])
               for name, x in expected.values.items())


def same(one, other, expected):
    """Whether two outputs agree to the tolerance of the page; NaN agrees with NaN."""
    return all(np.array_equal(np.isnan(one[name]), np.isnan(other[name])) and
               reference.worst_error(np.nan_to_num(one[name]), np.nan_to_num(other[name]), scale) <= reference.UNITS
               for name, scale in expected.scales.items())
