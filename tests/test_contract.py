"""What a caller gets wrong: one argument at a time, on every page and in each of its three functions.

Every message must name the argument, what was expected and what came.
"""

from __future__ import annotations

import re
from fractions import Fraction

import laws
import numpy as np
import pytest
import torch

from rlref.pages import find, pages
from rlref.returns import gae, standardize, vtrace

T, B = SHAPE = (3, 2)
PAGES = tuple(pages().values())
NUMBERS = {"gamma": 0.5, "lmbda": 0.5, "rho_thresh": 1.0, "c_thresh": 1.0, "rolling_gamma": True, "ddof": 1, "std_min": 1e-6}


def legal(page, form="loop"):
    """Arguments that every function of ``page`` accepts."""
    inputs = {}
    for name, entry in page.arguments.items():
        inputs[name] = NUMBERS[name] if name in NUMBERS else np.zeros(SHAPE, bool if entry.kind == "bool" else float)
    return inputs | ({"cotangent": page.output(*(np.ones(SHAPE) for _ in page.outputs))} if form == "vjp" else {})


def changed(value, index=(1, 0), start=0.5):
    """An array of ``start``, ``value`` at one place."""
    x = np.full(SHAPE, start)
    x[index] = value
    return x


def refused(page, form, error, name, expected, came, **wrong):
    """The call raises ``error``, and says ``name: ... expected ... came ...``."""
    with pytest.raises(error) as caught:
        getattr(page, form)(**{**legal(page, form), **wrong})
    message = str(caught.value)
    assert re.fullmatch(rf"{re.escape(name)}: expected .*{expected}.*, got .*{came}.*", message, re.S), message


def each(select, bad):
    """Every page and form, every argument that ``select`` takes by its entry, every row of ``bad``."""
    return pytest.mark.parametrize("page, form, name, case", [
        pytest.param(page, form, name, case, id=f"{page.short}-{form}-{name}-{case}")
        for page in PAGES for form in laws.FORMS
        for name, entry in page.arguments.items() if select(name, entry) for case in bad])


def is_real(name, entry):
    return entry.kind == "real" and not entry.setting


def is_real_step(name, entry):
    return entry.kind == "real" and entry.per_step


def is_mask(name, entry):
    return entry.kind == "bool" and entry.per_step


def is_fraction(name, entry):
    return name in ("gamma", "lmbda")


def is_threshold(name, entry):
    return name in ("rho_thresh", "c_thresh")


def is_parameter(name, entry):
    return not entry.per_step and not entry.setting


def test_legal_arguments_are_accepted():
    for page in PAGES:
        for form in laws.FORMS:
            getattr(page, form)(**legal(page, form))


SHAPES = {  # by what is wrong with it
    "shape": (T, B + 1), "axes-swapped": (B, T), "too-few-axes": (T,), "too-many-axes": (T, B, 1), "one-step": (1, B),
    "no-steps": (0, B), "empty-batch": (T, 0), "no-axes": (),
}


@each(lambda name, entry: entry.per_step, SHAPES)
def test_wrong_shape(page, form, name, case):
    """The first argument sets the shape; when it is the odd one out, the message still shows both."""
    first = next(iter(page.arguments))
    wrong = np.zeros(SHAPES[case], bool if page.arguments[name].kind == "bool" else float)
    came = re.escape(str(wrong.shape))
    if name != first:
        refused(page, form, ValueError, name, rf"shape \(3, 2\) like {first}", came, **{name: wrong})
    elif not wrong.size or not wrong.ndim:
        refused(page, form, ValueError, name, r"\[T, \*B\] with T >= 1", came, **{name: wrong})
    elif len(page.arguments) > 1 and list(page.arguments.values())[1].per_step:
        second = list(page.arguments)[1]
        refused(page, form, ValueError, second, f"{came} like {first}", r"\(3, 2\)", **{name: wrong})
    elif form == "vjp":
        refused(page, form, ValueError, "cotangent.advantage", came, r"\(3, 2\)", **{name: wrong})


@pytest.mark.parametrize("shape", [(0,), (0, 2), (3, 0), (3, 0, 2), ()], ids=str)
@pytest.mark.parametrize("form", laws.FORMS)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.short)
def test_nothing_at_all(page, form, shape):
    """Arrays that agree, but hold no step."""
    empty = {name: np.zeros(shape, bool if entry.kind == "bool" else float)
             for name, entry in page.arguments.items() if entry.per_step}
    refused(page, form, ValueError, next(iter(empty)), "T >= 1", re.escape(str(shape)), **empty)


NOT_NUMBERS = {  # value, what the message says came
    "complex": (np.zeros(SHAPE, complex), "complex128"),
    "none": (None, "object|None"),
    "array-of-none": (np.full(SHAPE, None), "object"),
    "fractions": (np.full(SHAPE, Fraction(1, 2)), "object"),
    "huge-int": ([[10**30] * B] * T, "object"),
    "masked-array": (np.ma.masked_array(np.zeros(SHAPE), np.zeros(SHAPE)), "masked array"),
    "list-of-masked-arrays": ([np.ma.masked_array([0.0, 0.0], [True, False])] * T, "masked"),
    "masked-constant": ([[0.0, np.ma.masked]] * T, "masked"),
    "string": ("0.5", "<U3"),
    "array-of-strings": (np.full(SHAPE, "0.5"), "<U3"),
    "bytes": (b"0.5", "S3"),
    "datetime": (np.zeros(SHAPE, "datetime64[s]"), "datetime64"),
    "timedelta": (np.zeros(SHAPE, "timedelta64[s]"), "timedelta64"),
    "records": (np.zeros(SHAPE, [("x", float)]), "x"),
    "ragged": ([[1.0, 2.0], [1.0], [1.0, 2.0]], "list"),
    "longdouble": (np.zeros(SHAPE, np.longdouble), np.dtype(np.longdouble).name),
    "dict": ({"x": 1.0}, "object|dict"),
    "function": (len, "object|function"),
    "tensor-requiring-grad": (torch.zeros(SHAPE, requires_grad=True), "requires grad"),
    "bfloat16-tensor": (torch.zeros(SHAPE, dtype=torch.bfloat16), "BFloat16"),
}


@each(is_real, [*NOT_NUMBERS, "bool"])
def test_not_real_numbers(page, form, name, case):
    value, came = (np.zeros(SHAPE, bool), "bool") if case == "bool" else NOT_NUMBERS[case]
    refused(page, form, TypeError, name, "real numbers", came, **{name: value})


NOT_MASKS = {
    "int": (np.zeros(SHAPE, int), "int64"), "ones": (np.ones(SHAPE, np.uint8), "uint8"),
    "float": (np.zeros(SHAPE), "float64"), "list-of-ints": ([[0] * B] * T, "int64"),
    "objects": (np.full(SHAPE, False, dtype=object), "object"),
}


@each(is_mask, [*NOT_NUMBERS, *NOT_MASKS])
def test_not_a_mask(page, form, name, case):
    value, came = (NOT_MASKS | NOT_NUMBERS)[case]
    if case == "masked-array":
        value = np.ma.masked_array(np.zeros(SHAPE, bool), np.zeros(SHAPE))
    if case == "list-of-masked-arrays":
        value = [np.ma.masked_array([False, False], [True, False])] * T
    refused(page, form, TypeError, name, "booleans", came, **{name: value})


@each(lambda name, entry: name == "terminated" and name, ["alone", "once", "beside-a-done"])
def test_terminated_without_done(page, form, name, case):
    if "done" not in page.arguments:  # td0 has no use for done, and cannot tell
        getattr(page, form)(**{**legal(page, form), "terminated": np.ones(SHAPE, bool)})
        return
    masks = {"alone": np.ones(SHAPE, bool), "once": changed(1, start=0).astype(bool), "beside-a-done": changed(1, start=0) > 0}
    done = {"done": changed(1, (2, 1), start=0) > 0} if case == "beside-a-done" else {}
    came = r"\(0, 0\)" if case == "alone" else r"\(1, 0\)"
    refused(page, form, ValueError, name, "done wherever terminated", came, terminated=masks[case], **done)


@each(is_real_step, ["nan", "inf", "-inf"])
def test_not_finite(page, form, name, case):
    """Once, in the middle. A log-probability of minus infinity is an impossible action, and legal for log_pi only."""
    value = changed(float(case))
    if (name, case) == ("log_pi", "-inf"):
        assert np.isfinite(np.concatenate(getattr(page, form)(**legal(page, form) | {name: value}))).all()
        return
    refused(page, form, ValueError, name, "finite", rf"{case} at index \(1, 0\)", **{name: value})


def test_infinities_that_cancel():
    """A sum over +inf and -inf is NaN; over numbers whose sum overflows it is inf, and they are legal."""
    opposite = changed(np.inf)
    opposite[0, 0] = -np.inf
    refused(find("gae"), "vectorized", ValueError, "reward", "finite", r"-inf at index \(0, 0\)", reward=opposite)
    large = np.array([[1e308], [1e308]])
    ends = np.ones((2, 1), bool)
    result = gae.vectorized(large, 0 * large, 0 * large, ends, ends, gamma=0.5, lmbda=0.5)
    assert np.array_equal(result.advantage, large)


NOT_A_FRACTION = {
    "above": (1.5, "1.5"), "just-above": (np.nextafter(1.0, 2.0), "1.0000000000000002"), "below": (-0.5, "-0.5"),
    "just-below": (-5e-324, "-5e-324"), "nan": (np.nan, "nan"), "inf": (np.inf, "inf"), "-inf": (-np.inf, "-inf"),
    "int": (2, "2"), "one-above": (changed(1.5), r"1.5 at index \(1, 0\)"),
    "one-nan": (changed(np.nan), r"nan at index \(1, 0\)"), "per-step": (np.full((T, 1), -1.0), r"-1.0 at index \(0, 0\)"),
}


@each(is_fraction, NOT_A_FRACTION)
def test_not_a_fraction(page, form, name, case):
    value, came = NOT_A_FRACTION[case]
    refused(page, form, ValueError, name, r"in \[0, 1\]", came, **{name: value})


NOT_A_THRESHOLD = {
    "negative": (-1.0, "-1.0"), "nan": (np.nan, "nan"), "inf": (np.inf, "inf"), "int": (-1, "-1"),
    "one-negative": (changed(-1.0), r"-1.0 at index \(1, 0\)"), "one-nan": (changed(np.nan), r"nan at index \(1, 0\)"),
    "one-inf": (changed(np.inf), r"inf at index \(1, 0\)"),
}


@each(is_threshold, NOT_A_THRESHOLD)
def test_not_a_threshold(page, form, name, case):
    value, came = NOT_A_THRESHOLD[case]
    refused(page, form, ValueError, name, ">= 0", came, **{name: value})


PARAMETER_SHAPES = {"per-step-without-batch-axis": (T,), "per-batch-entry-without-time-axis": (B,), "one": (1,),
                    "too-many-axes": (1, T, B), "swapped": (B, T), "too-long": (T + 1, B), "empty": (0,), "none": (T, 0)}


@each(is_parameter, PARAMETER_SHAPES)
def test_wrong_shape_of_a_parameter(page, form, name, case):
    """Axis by axis: NumPy alone would take a gamma of (B,), or of (T,) where T = B, as one for each trajectory."""
    shape = PARAMETER_SHAPES[case]
    refused(page, form, ValueError, name, r"scalar or .*\(3, 2\)", re.escape(str(shape)), **{name: np.full(shape, 0.5)})


def test_a_square_batch_hides_no_axis():
    x, mask = np.zeros((3, 3)), np.zeros((3, 3), bool)
    for function in (gae.loop, gae.vectorized):
        with pytest.raises(ValueError, match=r"gamma: expected a scalar or a shape .* \(3, 3\), got \(3,\)"):
            function(x, x, x, mask, mask, gamma=np.full(3, 0.5), lmbda=0.5)


SETTINGS = {
    "rolling_gamma": [(1, TypeError, "bool", "int64"), (None, TypeError, "bool", "object|None"),
                      ("yes", TypeError, "bool", "<U3"), (1.0, TypeError, "bool", "float64"),
                      ([True], ValueError, "scalar", r"\(1,\)"), (np.ones(SHAPE, bool), ValueError, "scalar", r"\(3, 2\)")],
    "ddof": [(2, ValueError, r"\[0, 1\]", "2"), (-1, ValueError, r"\[0, 1\]", "-1"), (1.0, TypeError, "integer", "float64"),
             (True, TypeError, "integer", "bool"), (None, TypeError, "integer", "object|None"),
             ("1", TypeError, "integer", "<U1"), ([1], ValueError, "scalar", r"\(1,\)")],
    "std_min": [(0.0, ValueError, "> 0", "0.0"), (-1.0, ValueError, "> 0", "-1.0"), (np.nan, ValueError, "> 0", "nan"),
                (np.inf, ValueError, "> 0, finite", "inf"), (None, TypeError, "real", "object|None"),
                (1j, TypeError, "real", "complex128"), (True, TypeError, "real", "bool"),
                ([1.0], ValueError, "scalar", r"\(1,\)")],
}


@pytest.mark.parametrize("form", laws.FORMS)
@pytest.mark.parametrize("page, name, case", [
    pytest.param(page, name, case, id=f"{page.short}-{name}-{case[0]!r}".replace("\n", ""))
    for page in PAGES for name in page.arguments if name in SETTINGS for case in SETTINGS[name]])
def test_settings(page, form, name, case):
    value, error, expected, came = case
    refused(page, form, error, name, expected, came, **{name: value})


@pytest.mark.parametrize("form", laws.FORMS)
@pytest.mark.parametrize("shape", [(1,), (1, 1)], ids=str)
def test_standardize_needs_more_elements_than_ddof(form, shape):
    wrong = {"advantage": np.zeros(shape)} | ({"cotangent": (np.zeros(shape),)} if form == "vjp" else {})
    refused(find("standardize"), form, ValueError, "advantage", "more than ddof = 1 elements", "1", **wrong)
    if form != "vjp":
        assert getattr(standardize, form)(np.full(shape, 7.0), ddof=0, std_min=1.0).advantage == np.zeros(shape)


@pytest.mark.parametrize("form", laws.FORMS)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.short)
class TestCalls:
    def test_a_missing_argument(self, page, form):
        for name in legal(page, form):
            arguments = legal(page, form)
            del arguments[name]
            with pytest.raises(TypeError, match=rf"missing a required argument: '{name}'"):
                getattr(page, form)(**arguments)

    def test_an_unknown_argument(self, page, form):
        with pytest.raises(TypeError, match="unexpected keyword argument 'discount'"):
            getattr(page, form)(**legal(page, form), discount=0.9)

    def test_a_misspelt_argument(self, page, form):
        """One missing, one unknown: whichever is named, it must not pass."""
        arguments = legal(page, form)
        name, value = arguments.popitem()
        with pytest.raises(TypeError, match=rf"'({name}|{name}s)'"):
            getattr(page, form)(**arguments, **{f"{name}s": value})

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
    "shape": ((ONE, np.ones((T, 3))), ValueError, r"shape \(3, 2\)", r"\(3, 3\)"),
    "axes": ((ONE, np.ones(T)), ValueError, r"shape \(3, 2\)", r"\(3,\)"),
    "scalar": ((ONE, 1.0), ValueError, r"shape \(3, 2\)", r"\(\)"),
    "nan": ((ONE, changed(np.nan)), ValueError, "finite", r"nan at index \(1, 0\)"),
    "inf": ((ONE, changed(np.inf)), ValueError, "finite", r"inf at index \(1, 0\)"),
    "none-inside": ((ONE, None), TypeError, "real numbers", "object|None"),
    "complex": ((ONE, ONE * 1j), TypeError, "real numbers", "complex128"),
    "bool": ((ONE, ONE > 0), TypeError, "real numbers", "bool"),
    "masked-array": ((ONE, np.ma.masked_array(ONE, ONE)), TypeError, "real numbers", "masked array"),
}


@pytest.mark.parametrize("case", COTANGENTS)
@pytest.mark.parametrize("page", [gae, vtrace], ids=["gae", "vtrace"])
def test_cotangent(page, case):
    value, error, expected, came = COTANGENTS[case]
    name = "cotangent.value_target" if expected else "cotangent"
    refused(find(page.__name__.rpartition(".")[2]), "vjp", error, name,
            expected or r"ValueEstimate\(advantage, value_target\)", came, cotangent=value)
