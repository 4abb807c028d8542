"""The laws of a page's functions on one example, each written once: ``test_laws`` applies them to every page,
``test_broken_pages`` sees each of them fail. The laws of its module are in ``module_laws``.

A law is ``law(page, inputs, cotangents)`` and raises AssertionError where it is broken. ``applies(law, page)`` says
whether a page can have the property at all.
"""

from __future__ import annotations

import warnings

import numpy as np
from module_laws import FORMS, split

from rlref.conformance import cases, exact, reference
from rlref.glossary import GLOSSARY
from rlref.pages import pages

LIMITS = {"loop": reference.UNITS, "vectorized": reference.UNITS, "vjp": reference.GRADIENT_UNITS}
LOSS = GLOSSARY["loss"]  # real, as every cotangent is
WORST: dict[str, dict[str, float]] = {}  # by page and form: the largest error met, in eps-units


def exact_values(page, inputs, cotangents):
    """loop = vectorized = the loop at 60 digits, within 16 units."""
    expected, scales = exact.outputs(page, inputs), reference.outputs(page, inputs).scales
    for form in ("loop", "vectorized"):
        close(page, form, getattr(page, form)(**inputs)._asdict(), expected, scales, note=True)


def exact_gradients(page, inputs, cotangents):
    """vjp = the derivative of the loop at 60 digits, within 64 units; and so is what ``reference`` gives."""
    expected, forward = exact.gradients(page, inputs, cotangents), reference.gradients(page, inputs, cotangents)
    close(page, "vjp", _vjp(page, inputs, cotangents), expected, forward.scales, note=True)
    close(page, "vjp", forward.values, expected, forward.scales)


def forward_gradients(page, inputs, cotangents):
    """vjp = the derivative of the loop by forward differentiation, for inputs too long for the exact one."""
    forward = reference.gradients(page, inputs, cotangents)
    close(page, "vjp", _vjp(page, inputs, cotangents), forward.values, forward.scales)


def untouched(page, inputs, cotangents):
    """No input is written to."""
    given = inputs | {f"cotangent.{name}": c for name, c in cotangents.items()}
    before = {name: np.array(x).tobytes() for name, x in given.items()}
    outcome(page, inputs, cotangents)
    changed = [name for name, x in given.items() if np.array(x).tobytes() != before[name]]
    assert not changed, f"{page.name} changes {changed}"


def own_arrays(page, inputs, cotangents):
    """The results are new float64 arrays of the right shape, writable and apart from the inputs and each other."""
    right = page.shapes(inputs) | {each.name: np.shape(inputs[each.by]) for each in page.derivatives}
    given = [x for x in (*inputs.values(), *cotangents.values()) if isinstance(x, np.ndarray)]
    for form, result in outcome(page, inputs, cotangents).items():
        for name, x in result.items():
            assert isinstance(x, np.ndarray) and x.dtype == np.float64, f"{page.name}: {form}.{name} is {type(x)}"
            shape = right[name] if form != "vjp" else np.shape(inputs[name.rpartition(".")[2]])
            assert x.shape == shape and x.flags.writeable, f"{page.name}: {form}.{name}, {x.shape}, {x.flags}"
            others = [*given, *(y for other, y in result.items() if other != name)]
            assert not any(np.shares_memory(x, y) for y in others), f"{page.name}: {form}.{name} shares memory"


def silent(page, inputs, cotangents):
    """No warning, and no floating-point error but underflow."""
    try:
        with np.errstate(all="raise", under="ignore"), warnings.catch_warnings():
            warnings.simplefilter("error")
            outcome(page, inputs, cotangents)
    except (FloatingPointError, Warning) as error:
        raise AssertionError(f"{page.name}: {error}") from error


def unread(page, inputs, cotangents):
    """What is never read may be anything: NaN and infinity change no bit, and the derivative by it is 0."""
    masks = {name: entry.unread_in(inputs) for name, entry in page.arguments.items()}
    for name, mask in ((name, mask) for name, mask in masks.items() if mask is not None):
        expected = outcome(page, inputs | {name: np.where(mask, 0.0, inputs[name])}, cotangents)
        for each in page.derivatives:
            wrong = each.by == name and np.any(expected["vjp"][each.name][mask])
            assert not wrong, f"{page.name}: a derivative by what is not read"
        for junk in (np.nan, np.inf, -np.inf, 1e308):
            changed = inputs | {name: np.where(mask, junk, inputs[name])}
            silent(page, changed, cotangents)
            _same(page, outcome(page, changed, cotangents), expected, slice(None), f"with {name} {junk}")


def batch_of_one(page, inputs, cotangents):
    """A batch is one trajectory at a time; where the loop is per sample, one step at a time."""
    shape = page.steps(inputs)
    whole = outcome(page, inputs, cotangents)
    rows = [slice(None)] if split(page) == "per_trajectory" else [slice(t, t + 1) for t in range(shape[0])]
    for index in ((row, *b) for b in np.ndindex(shape[1:]) for row in rows):
        _alike(page, _part(page, whole, index), *_piece(page, inputs, cotangents, index))


def any_order(page, inputs, cotangents):
    """Of a whole batch, neither the order of the elements nor its shape matters."""
    axes = len(page.steps(inputs))

    def turn(name, x):
        return x if _whole(page, name, x) else x.reshape(-1, *x.shape[axes:])[::-1]

    whole = outcome(page, inputs, cotangents)
    turned = [{name: turn(name, x) for name, x in given.items()} for given in (inputs, cotangents)]
    _alike(page, {form: {name: turn(name, x) for name, x in result.items()} for form, result in whole.items()},
           *turned)


def apart(page, inputs, cotangents):
    """What comes after an end changes nothing up to it, what came before it nothing after it; nor does the cut."""
    shape, pick = page.steps(inputs), cases.seeded(0)
    sizes = {axis: np.shape(inputs[name])[len(shape) + i] for name, entry in page.arguments.items() if entry.per_step
             for i, axis in enumerate(entry.named)}
    settings = {name: x for name, x in inputs.items() if page.arguments[name].setting}
    drawn = cases.sample(page, pick, shape, sizes=sizes, settings=settings)
    other = _steps(page, drawn, shape), cases.cotangents(page, pick, inputs)
    for end in sorted({0, shape[0] // 2, shape[0] - 2} - {-1, shape[0] - 1}):
        first = _steps(page, inputs, shape), cotangents
        for given in (first[0], other[0]):
            if "done" in given:
                given["done"][end] = True
        expected = outcome(page, *first)
        until, after = slice(end + 1), slice(end + 1, None)
        changed = [{name: a[name] if _whole(page, name, a[name]) else np.concatenate([a[name][until], b[name][after]])
                    for name in a} for a, b in zip(first, other, strict=True)]
        _same(page, outcome(page, *changed), expected, until, f"after the end at {end}")
        changed = [{name: a[name] if _whole(page, name, a[name]) else np.concatenate([b[name][until], a[name][after]])
                    for name in a} for a, b in zip(first, other, strict=True)]
        _same(page, outcome(page, *changed), expected, after, f"before the end at {end}")
        for piece in (until, after):
            _alike(page, _part(page, expected, piece), *_piece(page, *first, piece))


def any_array(page, inputs, cotangents):
    """Any memory layout, byte order, precision or nesting of lists gives what a plain float64 array gives."""
    def each(change, kinds="bif"):
        return [{name: change(x) if isinstance(x, np.ndarray) and x.ndim and x.dtype.kind in kinds else x
                 for name, x in given.items()} for given in (inputs, cotangents)]

    def read_only(x):
        x = x.copy()
        x.flags.writeable = False
        return x

    def single(x):
        return x.astype(np.float32)

    def whole(x):
        return np.rint(np.nan_to_num(x, nan=0.0, posinf=0.0, neginf=-800.0)).astype(np.int64)

    plain, scales = outcome(page, inputs, cotangents), _scales(page, inputs, cotangents)
    for change in (np.asfortranarray, lambda x: np.repeat(x, 2, axis=0)[::2], lambda x: x[::-1].copy()[::-1],
                   read_only, lambda x: x.astype(x.dtype.newbyteorder()), np.ndarray.tolist):
        _within(page, outcome(page, *each(change)), plain, scales)
    for change in (single, whole):
        given = each(change, "f")
        if change is whole and not cases.legal(page, given[0]):  # some values have no whole number near
            continue
        doubles = [{name: np.float64(x) if isinstance(x, np.ndarray) and page.arguments.get(name, LOSS).kind == "real"
                    else x for name, x in part.items()} for part in given]
        _alike(page, outcome(page, *given), *doubles)


def any_parameter(page, inputs, cotangents):
    """A parameter may be a number, an array of one, one a step or one an element."""
    shape = page.steps(inputs)
    plain, scales = outcome(page, inputs, cotangents), _scales(page, inputs, cotangents)
    for name, entry in page.arguments.items():
        if entry.parameter:
            value = inputs[name]
            forms = [np.broadcast_to(value, shape).copy()]
            if not np.ndim(value):
                forms += [np.float64(value), np.array(value), np.full((1,) * len(shape), value),
                          np.full((shape[0], *(1 for _ in shape[1:])), value)]
            for form in forms:
                _within(page, outcome(page, inputs | {name: form}, cotangents), plain, scales)


def linear(page, inputs, cotangents):
    """vjp(3 c - d / 2) = 3 vjp(c) - vjp(d) / 2."""
    others = cases.cotangents(page, cases.seeded(1), inputs)
    mixed = {name: 3 * c - others[name] / 2 for name, c in cotangents.items()}
    size = {name: 3 * abs(c) + abs(others[name]) / 2 for name, c in cotangents.items()}
    got, by_c, by_d = (_vjp(page, inputs, c) for c in (mixed, cotangents, others))
    expected = {name: 3 * by_c[name] - by_d[name] / 2 for name in got}
    close(page, "vjp", got, expected, reference.gradients(page, inputs, size).scales)


BEHAVIOUR = (exact_values, exact_gradients, untouched, own_arrays, silent, unread, batch_of_one, any_order, apart,
             any_array, any_parameter, linear)


def applies(law, page):
    """Whether ``page`` can have the property: an end needs time, an order needs none."""
    if law is unread:
        return any(entry.unread for entry in page.arguments.values())
    if law is any_parameter:
        return any(entry.parameter for entry in page.arguments.values())
    if law is apart:  # single samples are, by batch_of_one; and without a done no trajectory ends
        return split(page) == "per_trajectory" and "done" in page.arguments
    if law is batch_of_one:
        return split(page) != "per_batch"
    return law is not any_order or split(page) == "per_batch"


def outcome(page, inputs, cotangents):
    """What the three forms give, by form and name."""
    return {"loop": page.loop(**inputs)._asdict(), "vectorized": page.vectorized(**inputs)._asdict(),
            "vjp": _vjp(page, inputs, cotangents)}


def _vjp(page, inputs, cotangents):
    return page.gradients(page.vjp(page.output(**cotangents), **inputs))


def _steps(page, inputs, shape):
    """All but the settings as arrays of one value a step, to be written to."""
    return {name: np.array(np.broadcast_to(x, shape)) if page.arguments[name].parameter
            else x if page.arguments[name].setting else x.copy() for name, x in inputs.items()}


def _whole(page, name, x):
    """Whether it is a setting, a derivative by one, or an output of the whole batch, which has no steps."""
    by = page.arguments.get(name.rpartition(".")[2])
    return not np.ndim(x) or (by is not None and by.setting)


def _piece(page, inputs, cotangents, index):
    inputs = _steps(page, inputs, page.steps(inputs))
    return tuple({name: x if _whole(page, name, x) else x[index] for name, x in given.items()}
                 for given in (inputs, cotangents))


def _part(page, results, index):
    """The steps at ``index``; a derivative by a setting is of all steps, and left out."""
    return {form: {name: x[index] for name, x in result.items() if not _whole(page, name, x)}
            for form, result in results.items()}


def _same(page, got, expected, index, what):
    """Equal to the last bit, within ``index``."""
    for form, result in _part(page, got, index).items():
        for name, x in result.items():
            assert np.array_equal(x, expected[form][name][index]), f"{page.name}: {form}.{name} changes {what}"


def _alike(page, got, inputs, cotangents):
    """What the forms give for these inputs, within the limits of each form."""
    _within(page, got, outcome(page, inputs, cotangents), _scales(page, inputs, cotangents))


def _scales(page, inputs, cotangents):
    """In what each form's errors are counted."""
    values = reference.outputs(page, inputs).scales
    return {"loop": values, "vectorized": values, "vjp": reference.gradients(page, inputs, cotangents).scales}


def _within(page, got, expected, scales):
    for form in FORMS:
        both = {name: x for name, x in expected[form].items() if name in got[form]}  # a part has no whole derivative
        close(page, form, got[form], both, scales[form])


def close(page, form, got, expected, scales, note=False):
    for name, x in expected.items():
        units = reference.worst_error(got[name], x, scales[name])
        if note and page.name in pages():
            worst = WORST.setdefault(page.name, dict.fromkeys(FORMS, 0.0))
            worst[form] = max(worst[form], units)
        assert units <= LIMITS[form], f"{page.name}: {form}.{name} is {units:.3g} units from {x}, got {got[name]}"
