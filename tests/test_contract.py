"""What a caller gets wrong, one argument at a time: the error names it, what was expected and what came."""

from __future__ import annotations

import re
from fractions import Fraction

import numpy as np
import pytest
import torch
from contracts import OFF, PAGES, SHAPE, B, T, each, full, legal, once, refused
from module_laws import FORMS

from rlref.conformance.edges import SIZES
from rlref.pages import find
from rlref.returns import gae


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
    first, *others = (name for name, entry in page.arguments.items() if entry.per_step)
    wrong = full(SHAPES[case], page.arguments[name])
    came = re.escape(str(wrong.shape))

    def shape(steps, entry):
        return re.escape(str(full(steps, entry).shape))

    if name != first:  # an axis that no argument before it has is shown by its name
        arguments = list(page.arguments)
        seen = {axis for other in arguments[: arguments.index(name)] for axis in page.arguments[other].named}
        axes = [str(SIZES[axis]) if axis in seen else axis for axis in page.arguments[name].named]
        refused(page, ValueError, name, rf"shape \({', '.join([*map(str, SHAPE), *axes])}\) like {first}", came,
                **{name: wrong})
    elif not wrong.size or not SHAPES[case]:
        refused(page, ValueError, name, r"\[T, \*B.*\] with T >= 1", came, **{name: wrong})
    elif not others:  # only the cotangent has a shape to keep
        refused(page, ValueError, f"cotangent.{page.outputs[0]}", re.escape(str(SHAPES[case])[:-1]), r"\(3, 2.*\)",
                forms=["vjp"], **{name: wrong})
    else:
        entry = page.arguments[others[0]]
        axes = [SIZES[axis] if axis in page.arguments[name].named else axis for axis in entry.named]
        expected = re.escape(str((*SHAPES[case], *axes)).replace("'", ""))
        refused(page, ValueError, others[0], rf"{expected} like {name}", shape(SHAPE, entry), **{name: wrong})


def test_named_axes():
    """An axis that two arguments share has one size; none is empty; an index points into its axis."""
    for page in PAGES:
        seen = {}
        for name, entry in page.arguments.items():
            for axis in entry.named if entry.per_step else ():
                empty = [0 if other == axis else SIZES[other] for other in entry.named]
                dtype = bool if entry.kind == "bool" else float
                refused(page, ValueError, name, "shape", re.escape(str((*SHAPE, *empty))), **{
                    name: np.zeros((*SHAPE, *empty), dtype)})
                if axis in seen:
                    wide = [SIZES[other] + (other == axis) for other in entry.named]
                    refused(page, ValueError, name, rf"\(3, 2.* like {next(iter(page.arguments))}",
                            re.escape(str((*SHAPE, *wide))), **{name: np.zeros((*SHAPE, *wide), dtype)})
                seen[axis] = name
            if entry.below and entry.per_step:
                for index in (-1, SIZES[entry.below]):
                    wrong = full(SHAPE, entry)
                    wrong[1, 0] = index
                    refused(page, ValueError, name, rf"index in \[0, {entry.below}\)", rf"{index} at index \(1, 0\)",
                            **{name: wrong})


@pytest.mark.parametrize("page", [page for page in PAGES if "action_mask" in page.arguments], ids=lambda p: p.short)
def test_no_legal_action(page):
    wrong = np.ones((*SHAPE, SIZES["A"]), bool)
    wrong[1, 0] = False
    refused(page, ValueError, "action_mask", "True somewhere along A", r"False alone at index \(1, 0\)",
            action_mask=wrong)
    if "action" in page.arguments:
        wrong[1, 0] = [False, True, True]
        refused(page, ValueError, "action", "one that action_mask allows", r"0 at index \(1, 0\)", action_mask=wrong)


@pytest.mark.parametrize("page", [page for page in PAGES if "low" in page.arguments], ids=lambda p: p.short)
def test_bounds(page):
    """Something lies between them; a sample does. At a bound it is legal."""
    for high in (-1.0, np.array([1.0, -1.5])):
        refused(page, ValueError, "high", "above low", r"-1.* for -1.0 at index", high=high)
    if "sample" in page.arguments:
        for x in (1.0, -1.0):
            page.vectorized(**legal(page, "vectorized") | {"sample": np.full((*SHAPE, SIZES["D"]), x)})
        for x in (np.nextafter(1.0, 2.0), -1.5):
            wrong = np.zeros((*SHAPE, SIZES["D"]))
            wrong[1, 0, 1] = x
            refused(page, ValueError, "sample", r"in \[low, high\] = \[-1.0, 1.0\]", rf"{x} at index \(1, 0, 1\)",
                    sample=wrong)


@pytest.mark.parametrize("shape", [(0,), (0, 2), (3, 0), (3, 0, 2), ()], ids=str)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.short)
def test_no_steps_at_all(page, shape):
    """Arrays that agree, but hold nothing."""
    empty = {name: full(shape, entry) for name, entry in page.arguments.items() if entry.per_step}
    refused(page, ValueError, next(iter(empty)), "T >= 1", re.escape(str(next(iter(empty.values())).shape)), **empty)


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
    entry = page.arguments[name]
    wrong = full(SHAPE, entry)
    index = (1, *(0 for _ in wrong.shape[1:]))
    wrong[index] = float(case)
    if float(case) == entry.infinite:
        # What is illegal is so by every argument that says so: both networks of double_q, policy and values.
        together = {other: wrong[(..., *[0] * (len(entry.named) - len(same.named)))] for other, same in
                    page.arguments.items() if same.infinite == entry.infinite and same.per_step
                    and len(same.named) <= len(entry.named)}
        for form in FORMS:
            getattr(page, form)(**legal(page, form) | together)
    else:
        refused(page, ValueError, name, r"(finite|in \[0, 1\])", rf"{case} at index {re.escape(str(index))}",
                **{name: wrong})


@each(["-inf"], lambda name, entry: entry.possible)
def test_nothing_possible(page, name, case):
    """Minus infinity is one action that cannot be taken; not all of them."""
    wrong = full(SHAPE, page.arguments[name])
    wrong[1, 0] = -np.inf
    refused(page, ValueError, name, "a finite value somewhere along", r"-inf alone at index \(1, 0", **{name: wrong})


def test_sums_that_hide_what_they_sum():
    """The sum of +inf and -inf is NaN and refused; the sum of 1e308 and 1e308 is inf, and both are legal."""
    opposite = once(np.inf)
    opposite[0, 0] = -np.inf
    refused(find("gae"), ValueError, "reward", "finite", r"-inf at index \(0, 0\)", reward=opposite)
    x, ends = np.array([1e308, 1e308]), np.array([True, True])
    assert np.array_equal(gae.vectorized(x, 0 * x, 0 * x, ends, ends, gamma=0.5, lmbda=0.5).advantage, x)
