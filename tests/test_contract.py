"""What a caller gets wrong, one argument at a time: the error names it, what was expected and what came."""

from __future__ import annotations

import re
from fractions import Fraction

import numpy as np
import pytest
import torch
from module_laws import FORMS

from rlref.pages import find, pages
from rlref.returns import gae, vtrace

T, B = SHAPE = (3, 2)
PAGES = tuple(pages().values())
OFF = np.zeros(SHAPE, bool)
PARAMETERS = {"gamma": 0.5, "lmbda": 0.5, "rho_thresh": 1.0, "c_thresh": 1.0}
LEGAL = PARAMETERS | {"rolling_gamma": True, "ddof": 1, "std_min": 1.0}


def legal(page, form):
    """Arguments that every function of ``page`` accepts."""
    inputs = {name: LEGAL.get(name, OFF if entry.kind == "bool" else np.zeros(SHAPE))
              for name, entry in page.arguments.items()}
    return inputs | ({"cotangent": page.output(*(np.ones(SHAPE) for _ in page.outputs))} if form == "vjp" else {})


def once(value, index=(1, 0), elsewhere=0.5):
    """An array with ``value`` at one place."""
    x = np.full(SHAPE, elsewhere)
    x[index] = value
    return x


def refused(page, error, name, expected, came, forms=FORMS, **wrong):
    """All three functions raise ``error``, and say ``name: expected ..., got ...``."""
    for form in forms:
        with pytest.raises(error) as caught:
            getattr(page, form)(**{**legal(page, form), **wrong})
        message = str(caught.value)
        assert re.fullmatch(rf"{re.escape(name)}: expected .*{expected}.*, got .*(?:{came}).*", message, re.S), message


def each(bad, select):
    """Every page, every argument of it that ``select`` takes by its name and entry, every row of ``bad``."""
    return pytest.mark.parametrize("page, name, case", [
        pytest.param(page, name, case, id=f"{page.short}-{name}-{case}")
        for page in PAGES for name, entry in page.arguments.items() if select(name, entry) for case in bad])


def is_mask(name, entry):
    return entry.kind == "bool" and entry.per_step


def test_legal_arguments_are_accepted():
    for page in PAGES:
        for form in FORMS:
            getattr(page, form)(**legal(page, form))


SHAPES = {  # by what is wrong with it
    "wider": (T, B + 1), "axes-swapped": (B, T), "too-few-axes": (T,), "too-many-axes": (T, B, 1), "one-step": (1, B),
    "no-steps": (0, B), "empty-batch": (T, 0), "no-axes": (),
}


@each(SHAPES, lambda name, entry: entry.per_step)
def test_wrong_shape(page, name, case):
    """The first argument sets the shape of all. If it is the odd one out, the second is named, and both are shown."""
    first, second, *_ = page.arguments
    wrong = np.zeros(SHAPES[case], bool if is_mask(name, page.arguments[name]) else float)
    came = re.escape(str(wrong.shape))
    if name != first:
        refused(page, ValueError, name, rf"shape \(3, 2\) like {first}", came, **{name: wrong})
    elif not wrong.size or not wrong.ndim:
        refused(page, ValueError, name, r"\[T, \*B\] with T >= 1", came, **{name: wrong})
    elif page.short == "standardize":  # only the cotangent has a shape to keep
        refused(page, ValueError, "cotangent.advantage", came, r"\(3, 2\)", forms=["vjp"], **{name: wrong})
    else:
        refused(page, ValueError, second, rf"{came} like {name}", r"\(3, 2\)", **{name: wrong})


@pytest.mark.parametrize("shape", [(0,), (0, 2), (3, 0), (3, 0, 2), ()], ids=str)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.short)
def test_no_steps_at_all(page, shape):
    """Arrays that agree, but hold nothing."""
    empty = {name: np.zeros(shape, bool if entry.kind == "bool" else float)
             for name, entry in page.arguments.items() if entry.per_step}
    refused(page, ValueError, next(iter(empty)), "T >= 1", re.escape(str(shape)), **empty)


NOT_NUMBERS = {  # value, what the message says came
    "complex": (np.zeros(SHAPE, complex), "complex128"), "longdouble": (np.zeros(SHAPE, np.longdouble), "float|long"),
    "none": (None, "object|None"), "array-of-none": (np.full(SHAPE, None), "object"),
    "fractions": (np.full(SHAPE, Fraction(1, 2)), "object"), "huge-int": ([[10**30] * B] * T, "object"),
    "masked-array": (np.ma.masked_array(np.zeros(SHAPE), OFF), "masked array"),
    "list-of-masked-arrays": ([np.ma.masked_array([0.0, 0.0], [True, False])] * T, "masked"),
    "masked-constant": ([[0.0, np.ma.masked]] * T, "masked"),
    "string": ("0.5", "<U3"), "array-of-strings": (np.full(SHAPE, "0.5"), "<U3"), "bytes": (b"0.5", "S3"),
    "datetime": (np.zeros(SHAPE, "datetime64[s]"), "datetime64"),
    "timedelta": (np.zeros(SHAPE, "timedelta64[s]"), "timedelta64"),
    "records": (np.zeros(SHAPE, [("x", float)]), "x"), "ragged": ([[1.0, 2.0], [1.0], [1.0, 2.0]], "list"),
    "tensor-requiring-grad": (torch.zeros(SHAPE, requires_grad=True), "requires grad"),
    "dict": ({"x": 1.0}, "object|dict"), "bfloat16-tensor": (torch.zeros(SHAPE, dtype=torch.bfloat16), "BFloat16"),
}


@each([*NOT_NUMBERS, "bool"], lambda name, entry: entry.kind == "real" and not entry.setting)
def test_not_real_numbers(page, name, case):
    value, came = (OFF, "bool") if case == "bool" else NOT_NUMBERS[case]
    refused(page, TypeError, name, "real numbers", came, **{name: value})


NOT_MASKS = NOT_NUMBERS | {
    "int": (np.zeros(SHAPE, int), "int64"), "ones": (np.ones(SHAPE, np.uint8), "uint8"),
    "float": (np.zeros(SHAPE), "float64"), "objects": (OFF.astype(object), "object"),
    "masked-array": (np.ma.masked_array(OFF, OFF), "masked array"),
    "list-of-masked-arrays": ([np.ma.masked_array([False, False], [True, False])] * T, "masked"),
}


@each(NOT_MASKS, is_mask)
def test_not_a_mask(page, name, case):
    value, came = NOT_MASKS[case]
    refused(page, TypeError, name, "booleans", came, **{name: value})


@pytest.mark.parametrize("page", [page for page in PAGES if {"done", "terminated"} <= page.arguments.keys()],
                         ids=lambda page: page.short)
def test_terminated_without_done(page):
    here, later = once(1, elsewhere=0) > 0, once(1, (2, 0), elsewhere=0) > 0
    for ends, done in ((here, OFF), (here, later), (here | later, later)):
        refused(page, ValueError, "terminated", "done wherever terminated", r"\(1, 0\)", terminated=ends, done=done)


@each(["nan", "inf", "-inf"], lambda name, entry: entry.kind == "real" and entry.per_step)
def test_not_finite(page, name, case):
    """Once, in the middle. A log-probability of minus infinity is an impossible action, and legal for log_pi only."""
    if (name, case) == ("log_pi", "-inf"):
        assert all(np.isfinite(getattr(page, f)(**legal(page, f) | {name: once(-np.inf)})).all() for f in FORMS)
    else:
        refused(page, ValueError, name, "finite", rf"{case} at index \(1, 0\)", **{name: once(float(case))})


def test_sums_that_hide_what_they_sum():
    """The sum of +inf and -inf is NaN and refused; the sum of 1e308 and 1e308 is inf, and both are legal."""
    opposite = once(np.inf)
    opposite[0, 0] = -np.inf
    refused(find("gae"), ValueError, "reward", "finite", r"-inf at index \(0, 0\)", reward=opposite)
    x, ends = np.array([1e308, 1e308]), np.array([True, True])
    assert np.array_equal(gae.vectorized(x, 0 * x, 0 * x, ends, ends, gamma=0.5, lmbda=0.5).advantage, x)


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


@each(PARAMETER_SHAPES, lambda name, entry: name in PARAMETERS)
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
}


@pytest.mark.parametrize("page, name, case", [
    pytest.param(page, name, case, id=f"{page.short}-{name}-{case[0]}")
    for page in PAGES for name in sorted(page.arguments.keys() & SETTINGS.keys()) for case in SETTINGS[name]])
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
        with pytest.raises(TypeError, match="too many positional arguments"):
            getattr(page, form)(*cotangent, *arguments.values())

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
@pytest.mark.parametrize("page", [page for page in PAGES if len(page.outputs) == 2], ids=lambda page: page.short)
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
