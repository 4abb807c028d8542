"""Hyper-parameters, cotangents and calls that a caller gets wrong: the rest of tests/test_contract.py."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from contracts import PAGES, SHAPE, B, T, each, legal, once, refused
from module_laws import FORMS

from rlref.pages import find
from rlref.returns import gae, vtrace

NOT_FRACTIONS = {
    "above": (1.5, "1.5"), "just-above": (np.nextafter(1.0, 2.0), "1.0000000000000002"), "below": (-0.5, "-0.5"),
    "just-below": (-5e-324, "-5e-324"), "nan": (np.nan, "nan"), "inf": (np.inf, "inf"), "-inf": (-np.inf, "-inf"),
    "int": (2, "2"), "per-step": (np.full((T, 1), -1.0), r"-1.0 at index \(0, 0\)"),
    "one-above": (once(1.5), r"1.5 at index \(1, 0\)"), "one-nan": (once(np.nan), r"nan at index \(1, 0\)"),
}


@each(NOT_FRACTIONS, lambda name, entry: name in ("gamma", "lmbda"))
def test_not_a_fraction(page, name, case):
    value, came = NOT_FRACTIONS[case]
    refused(page, ValueError, name, r"in \[0, 1\]", came, **{name: value})


NOT_THRESHOLDS = {
    "negative": (-1.0, "-1.0"), "nan": (np.nan, "nan"), "-inf": (-np.inf, "-inf"), "int": (-1, "-1"),
    "one-negative": (once(-1.0), r"-1.0 at index \(1, 0\)"), "one-nan": (once(np.nan), r"nan at index \(1, 0\)"),
}


@each(NOT_THRESHOLDS, lambda name, entry: name in ("rho_thresh", "c_thresh"))
def test_not_a_threshold(page, name, case):
    value, came = NOT_THRESHOLDS[case]
    refused(page, ValueError, name, ">= 0", came, **{name: value})


@pytest.mark.parametrize("name", ["rho_thresh", "c_thresh"])
def test_a_weight_that_overflows(name):
    """Only an infinite threshold lets it, and only at the step that it is for."""
    page, log_pi = find("vtrace"), once(701.0)
    for limit in (np.inf, once(np.inf)):
        refused(page, ValueError, "log_pi", f"<= 700 where {name} is infinite", "701", log_pi=log_pi, **{name: limit})
    vtrace.vectorized(**legal(page, "vectorized") | {"log_pi": log_pi, name: once(np.inf, (0, 0))})


PARAMETER_SHAPES = {
    "per-step-without-batch-axis": (T,), "per-batch-entry-without-time-axis": (B,), "one": (1,), "swapped": (B, T),
    "too-many-axes": (1, T, B), "too-long": (T + 1, B), "empty": (0,), "no-batch": (T, 0),
}


@each(PARAMETER_SHAPES, lambda name, entry: entry.parameter)
def test_wrong_shape_of_a_parameter(page, name, case):
    """Axis by axis: NumPy alone would take a gamma of (B,), or of (T,) where T = B, as one for each trajectory."""
    shape = PARAMETER_SHAPES[case]
    refused(page, ValueError, name, r"scalar or .*\(3, 2\)", re.escape(str(shape)), **{name: np.full(shape, 0.5)})


def test_a_square_batch_hides_no_axis():
    x, mask = np.zeros((3, 3)), np.zeros((3, 3), bool)
    with pytest.raises(ValueError, match=r"gamma: expected a scalar or a shape .* \(3, 3\), got \(3,\)"):
        gae.vectorized(x, x, x, mask, mask, gamma=x[0], lmbda=0.5)


SETTINGS = {  # value, error, expected, came
    "rolling_gamma": [
        (1, TypeError, "bool", "int64"), (None, TypeError, "bool", "object|None"), ("yes", TypeError, "bool", "<U3"),
        (1.0, TypeError, "bool", "float64"), ([True], ValueError, "scalar", r"\(1,\)"),
    ],
    "ddof": [
        (2, ValueError, r"\[0, 1\]", "2"), (-1, ValueError, r"\[0, 1\]", "-1"), (1.0, TypeError, "integer", "float64"),
        (True, TypeError, "integer", "bool"), (None, TypeError, "integer", "object|None"),
        ("1", TypeError, "integer", "<U1"), ([1], ValueError, "scalar", r"\(1,\)"),
    ],
    "std_min": [
        (0.0, ValueError, "> 0", "0.0"), (-1.0, ValueError, "> 0", "-1.0"), (np.nan, ValueError, "> 0", "nan"),
        (np.inf, ValueError, "> 0, finite", "inf"), (None, TypeError, "real", "object|None"),
        (1j, TypeError, "real", "complex128"), (True, TypeError, "real", "bool"),
        ([1.0], ValueError, "scalar", r"\(1,\)"),
    ],
    "support": [
        (1.0, ValueError, r"shape \(5,\)", r"\(\)"), (np.arange(4.0), ValueError, r"shape \(5,\)", r"\(4,\)"),
        (np.eye(5), ValueError, r"shape \(5,\)", r"\(5, 5\)"), (None, TypeError, "real", "object|None"),
        ([0.0, 1.0, np.nan, 3.0, 4.0], ValueError, "finite", "nan at index 2"),
        ([0.0, 1.0, 2.0, 3.0, np.inf], ValueError, "finite", "inf at index 4"),
        ([0.0, 1.0, 1.0, 3.0, 4.0], ValueError, "increasing order", "1.0 not above the atom before it at index 1"),
        ([4.0, 3.0, 2.0, 1.0, 0.0], ValueError, "increasing order", "3.0 not above the atom before it"),
    ],
}


def out_of_place(entry):
    """Rows for any setting, from what the glossary says of it."""
    yield from ((None, TypeError, "", "object|None"), (1j, TypeError, "", "complex"))
    if entry.kind == "choice":
        yield from (("huber", ValueError, "one of", "huber"), (["l1"], TypeError, "one of", "list"))
        return
    if not entry.named:
        row = [True if entry.kind == "bool" else entry.usual[0] if entry.usual else 1]
        yield row, ValueError, "a scalar", r"\(1,\)"
    if entry.kind == "real":
        yield from ((True, TypeError, "real", "bool"), (math.nan, ValueError, "", "nan"))
        for wrong in {entry.low - 1, entry.high + 1, -math.inf, math.inf} - {entry.infinite}:
            yield wrong, ValueError, "", re.escape(str(wrong))
    if entry.kind == "int" and entry.low > -math.inf:
        yield from ((entry.low - 1, ValueError, ">=", str(entry.low - 1)), (1.0, TypeError, "integer", "float64"))


@pytest.mark.parametrize("page, name, case", [
    pytest.param(page, name, case, id=f"{page.short}-{name}-{case[0]}")
    for page in PAGES for name, entry in page.arguments.items() if entry.setting
    for case in SETTINGS.get(name) or out_of_place(entry)])
def test_settings(page, name, case):
    value, error, expected, came = case
    refused(page, error, name, expected, came, **{name: value})


@pytest.mark.parametrize("form", FORMS)
def test_standardize_needs_more_elements_than_ddof(form):
    wrong = {"advantage": [0.0]} | ({"cotangent": ([0.0],)} if form == "vjp" else {})
    refused(find("standardize"), ValueError, "advantage", "more than ddof = 1 elements", "1", forms=[form], **wrong)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.short)
class TestCalls:
    def test_a_missing_argument(self, page, form):
        for name in legal(page, form):
            arguments = legal(page, form)
            del arguments[name]
            with pytest.raises(TypeError, match=rf"missing a required argument: '{name}'"):
                getattr(page, form)(**arguments)

    def test_an_unknown_argument(self, page, form):
        with pytest.raises(TypeError, match="unexpected keyword argument 'gama'"):
            getattr(page, form)(**legal(page, form), gama=0.9)

    def test_a_hyper_parameter_without_its_name(self, page, form):
        arguments = legal(page, form)
        cotangent = [arguments.pop("cotangent")] if form == "vjp" else []
        more = [] if any(not entry.per_step for entry in page.arguments.values()) else [0.5]  # where there is none
        with pytest.raises(TypeError, match="too many positional arguments"):
            getattr(page, form)(*cotangent, *arguments.values(), *more)

    def test_an_argument_given_twice(self, page, form):
        with pytest.raises(TypeError, match="multiple values for argument"):
            getattr(page, form)(np.zeros(SHAPE), **legal(page, form))


ONE = np.ones(SHAPE)
COTANGENTS = {
    "none": (None, TypeError, "", "NoneType"), "array": (np.ones((2, *SHAPE)), TypeError, "", "ndarray"),
    "number": (1.0, TypeError, "", "float"), "too-short": ((ONE,), TypeError, "", "1 of them"),
    "too-long": ((ONE, ONE, ONE), TypeError, "", "3 of them"),
    "dict": ({"advantage": ONE, "value_target": ONE}, TypeError, "", "dict"),
    "wider": ((ONE, np.ones((T, 3))), ValueError, r"\(3, 2\)", r"\(3, 3\)"),
    "axes": ((ONE, ONE[0]), ValueError, r"\(3, 2\)", r"\(2,\)"),
    "scalar": ((ONE, 1.0), ValueError, r"\(3, 2\)", r"\(\)"),
    "nan": ((ONE, once(np.nan)), ValueError, "finite", r"nan at index \(1, 0\)"),
    "inf": ((ONE, once(np.inf)), ValueError, "finite", r"inf at index \(1, 0\)"),
    "none-inside": ((ONE, None), TypeError, "real", "object|None"), "bool": ((ONE, ONE > 0), TypeError, "real", "bool"),
    "complex": ((ONE, ONE * 1j), TypeError, "real", "complex128"),
    "masked-array": ((ONE, np.ma.masked_array(ONE, ONE)), TypeError, "real", "masked array"),
}


@pytest.mark.parametrize("case", COTANGENTS)
@pytest.mark.parametrize("page", [page for page in PAGES if page.outputs == ("advantage", "value_target")],
                         ids=lambda page: page.short)
def test_cotangent(page, case):
    value, error, expected, came = COTANGENTS[case]
    name = "cotangent.value_target" if expected else "cotangent"
    expected = expected or r"ValueEstimate\(advantage, value_target\)"
    refused(page, error, name, expected, came, forms=["vjp"], cotangent=value)


@pytest.mark.parametrize("value", [ONE, (ONE, ONE), ONE[0], 1.0, None], ids=["array", "two", "row", "number", "none"])
@pytest.mark.parametrize("page", [page for page in PAGES if len(page.outputs) == 1], ids=lambda page: page.short)
def test_cotangent_of_one_output(page, value):
    """An array alone is not taken for a tuple of one, nor for one of its rows."""
    expected = rf"{page.output.__name__}\({page.outputs[0]}\)"
    refused(page, TypeError, "cotangent", expected, "2 of them|ndarray|float|NoneType", forms=["vjp"], cotangent=value)
