"""The laws that every page keeps, each written once: ``test_laws`` applies them, ``test_broken_pages`` breaks them.

STRUCTURE  laws of the module, ``law(page)``;
BEHAVIOUR  laws of its three functions on one example, ``law(page, inputs, cotangents)``.

A law that is broken raises AssertionError. ``applies(law, page)`` says whether a page can have the property at all.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import re
import warnings
from pathlib import Path

import numpy as np

from rlref import scalars
from rlref.conformance import cases, exact, reference
from rlref.glossary import GLOSSARY
from rlref.pages import pages

FORMS = ("loop", "vectorized", "vjp")
LIMITS = {"loop": reference.UNITS, "vectorized": reference.UNITS, "vjp": reference.GRADIENT_UNITS}
HEADINGS = ["Source", "Masks", "Limits", "TorchRL"]
WORST: dict[str, dict[str, float]] = {}  # by page and form: the largest error met, in eps-units


# The module


def parts(page):
    """An output NamedTuple (if it is the page's own), Gradient, loop, vectorized, vjp, in that order; 100 lines."""
    missing = [part for part in ("Gradient", *FORMS) if not hasattr(page.module, part)]
    assert not missing, f"{page.name} lacks {missing}"
    body = _tree(page).body
    named = [node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    named += [name.id for node in body if isinstance(node, ast.Assign | ast.AnnAssign)
              for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)]
    public = [name for name in named if not name.startswith("_")]
    needed = ["Gradient", *FORMS]
    assert public in (needed, [page.output.__name__, *needed]), f"{page.name} has {public}"
    for tuple_ in (page.output, page.module.Gradient):
        assert issubclass(tuple_, tuple) and hasattr(tuple_, "_fields"), f"{tuple_} is no NamedTuple"
    assert split(page) in ("per_sample", "per_trajectory", "per_batch")
    lines = len(Path(page.module.__file__).read_text().splitlines())
    assert lines <= 100, f"{page.name} has {lines} lines"


def documented(page):
    """A title, equations numbered from 1 that the loop carries, then the headings, the source with its equation."""
    doc = inspect.cleandoc(page.module.__doc__ or "")
    assert re.match(r"[^\n]+\.\n\n {4}", doc), f"{page.name} does not start with a title and equations"
    numbers = [int(n) for n in re.findall(r"^ {4}.*\((\d+)\)$", doc.partition("\nSource")[0], re.M)]
    assert numbers and numbers == list(range(1, len(numbers) + 1)), f"{page.name} numbers its equations {numbers}"
    first = page.loop.__doc__.splitlines()[0]
    assert first.startswith("(1)") and f"({len(numbers)})" in first, f"{page.name}: the loop carries {first}"
    headings = [h for h in re.findall(r"^([A-Z]\w+) {2,}\S", doc, re.M) if h in HEADINGS]
    assert headings == HEADINGS, f"{page.name} has the headings {headings}"
    assert re.search(r"\b(19|20)\d\d\b.*equation|\b(19|20)\d\d\b.*eq\. \d", page.section("Source")), page.name


def signatures(page):
    """All three take the same arguments without defaults, hyper-parameters by keyword only; vjp a cotangent first."""
    loop, vectorized, vjp = (inspect.signature(getattr(page, form)) for form in FORMS)
    assert loop.return_annotation is vectorized.return_annotation is page.output, page.name
    assert vjp.return_annotation is page.module.Gradient, page.name
    first, *rest = vjp.parameters.values()
    assert first.name == "cotangent" and first.annotation is page.output and first.default is first.empty, first
    assert rest == list(vectorized.parameters.values()) == list(loop.parameters.values()), page.name
    for parameter in rest:
        per_step = GLOSSARY[parameter.name].per_step
        kind = parameter.POSITIONAL_OR_KEYWORD if per_step else parameter.KEYWORD_ONLY
        assert parameter.kind is kind and parameter.default is parameter.empty, f"{page.name}: {parameter}"


def in_glossary(page):
    """Every argument and every output has an entry."""
    names = {*page.outputs, *inspect.signature(page.loop).parameters}
    assert names <= GLOSSARY.keys(), f"{page.name}: {sorted(names - GLOSSARY.keys())} not in the glossary"


def gradient_fields(page):
    """Gradient has the real inputs that have a value a step, and nothing else, in signature order."""
    real = [name for name, entry in page.arguments.items() if entry.kind == "real" and entry.per_step]
    assert list(page.differentiable) == real, f"{page.name} differentiates by {page.differentiable}"


def independent(page):
    """The loop uses Python, rlref.scalars and the page's own NamedTuples; the other two do not use the loop."""
    functions = {node.name: node for node in _tree(page).body if isinstance(node, ast.FunctionDef)}
    allowed = set(dir(builtins)) - {"__import__", "eval", "exec", "globals", "vars"} | {page.output.__name__}
    allowed |= {n for n in vars(scalars) if getattr(page.module, n, None) is getattr(scalars, n) and n[0] != "_"}
    assert not (outside := _names(functions["loop"]) - allowed), f"{page.name}: loop uses {outside}"
    for name in functions.keys() - {"loop"}:
        assert "loop" not in _names(functions[name]), f"{page.name}: {name} uses loop"


def helpful(page):
    """help() names each argument with its shape, range and unit, the errors and the source."""
    source = inspect.cleandoc(page.module.__doc__).partition("\nSource")[2].splitlines()[0].strip()
    for form in FORMS:
        text = getattr(page, form).__doc__
        for name, entry in page.arguments.items():
            line = re.search(rf"^ +{name}: (.*)\n +(.*)", text, re.M)
            assert line, f"{page.name}: help({form}) lacks {name}"
            for fact in (entry.kind, entry.axes, entry.range, entry.unit if entry.unit != "1" else ""):
                assert fact in line[1], f"{page.name}: help({form}) lacks {fact!r} of {name}"
            assert entry.symbol in line[2] and entry.meaning in line[2], f"{page.name}: help({form}), {name}"
        assert all(word in text for word in ("TypeError", "ValueError", "T = 0", "bool", "NaN", source)), page.name
    assert re.search(rf"^ +cotangent: {page.output.__name__} ", page.vjp.__doc__, re.M), page.name


STRUCTURE = (parts, documented, signatures, in_glossary, gradient_fields, independent, helpful)


# The functions


def exact_values(page, inputs, cotangents):
    """loop = vectorized = the loop at 60 digits, within 16 units."""
    expected, scales = exact.outputs(page, inputs), reference.outputs(page, inputs).scales
    for form in ("loop", "vectorized"):
        _close(page, form, getattr(page, form)(**inputs)._asdict(), expected, scales, note=True)


def exact_gradients(page, inputs, cotangents):
    """vjp = the derivative of the loop at 60 digits, within 64 units; and so is what ``reference`` gives."""
    expected, forward = exact.gradients(page, inputs, cotangents), reference.gradients(page, inputs, cotangents)
    _close(page, "vjp", _vjp(page, inputs, cotangents), expected, forward.scales, note=True)
    _close(page, "vjp", forward.values, expected, forward.scales)


def forward_gradients(page, inputs, cotangents):
    """vjp = the derivative of the loop by forward differentiation, for inputs too long for the exact one."""
    forward = reference.gradients(page, inputs, cotangents)
    _close(page, "vjp", _vjp(page, inputs, cotangents), forward.values, forward.scales)


def untouched(page, inputs, cotangents):
    """No input is written to."""
    given = inputs | {f"cotangent.{name}": c for name, c in cotangents.items()}
    before = {name: np.array(x).tobytes() for name, x in given.items()}
    outcome(page, inputs, cotangents)
    changed = [name for name, x in given.items() if np.array(x).tobytes() != before[name]]
    assert not changed, f"{page.name} changes {changed}"


def own_arrays(page, inputs, cotangents):
    """The results are new float64 arrays of the inputs' shape, writable and apart from the inputs and each other."""
    shape = shape_of(page, inputs)
    given = [x for x in (*inputs.values(), *cotangents.values()) if isinstance(x, np.ndarray)]
    for form, result in outcome(page, inputs, cotangents).items():
        for name, x in result.items():
            assert isinstance(x, np.ndarray) and x.dtype == np.float64, f"{page.name}: {form}.{name} is {type(x)}"
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
    for name, mask in ((name, inputs[entry.unread]) for name, entry in page.arguments.items() if entry.unread):
        expected = outcome(page, inputs | {name: np.where(mask, 0.0, inputs[name])}, cotangents)
        assert not np.any(expected["vjp"][name][mask]), f"{page.name}: a derivative by what is not read"
        for junk in (np.nan, np.inf, -np.inf, 1e308):
            changed = inputs | {name: np.where(mask, junk, inputs[name])}
            silent(page, changed, cotangents)
            _same(page, outcome(page, changed, cotangents), expected, slice(None), f"with {name} {junk}")


def batch_of_one(page, inputs, cotangents):
    """A batch is one trajectory at a time; where the loop is per sample, one step at a time."""
    shape = shape_of(page, inputs)
    whole = outcome(page, inputs, cotangents)
    rows = [slice(None)] if split(page) == "per_trajectory" else [slice(t, t + 1) for t in range(shape[0])]
    for index in ((row, *b) for b in np.ndindex(shape[1:]) for row in rows):
        _alike(page, _part(whole, index), *_piece(page, inputs, cotangents, index))


def any_order(page, inputs, cotangents):
    """Of a whole batch, neither the order of the elements nor its shape matters."""
    whole = outcome(page, inputs, cotangents)
    turned = [{name: np.ravel(x)[::-1] if np.ndim(x) else x for name, x in given.items()}
              for given in (inputs, cotangents)]
    _alike(page, {form: {name: x.ravel()[::-1] for name, x in result.items()} for form, result in whole.items()},
           *turned)


def apart(page, inputs, cotangents):
    """What comes after an end changes nothing up to it, what came before it nothing after it; nor does the cut."""
    shape = shape_of(page, inputs)
    pick = cases.seeded(0)
    other = _steps(page, cases.sample(page, pick, shape), shape), cases.cotangents(page, pick, shape)
    for end in sorted({0, shape[0] // 2, shape[0] - 2} - {-1, shape[0] - 1}):
        first = _steps(page, inputs, shape), cotangents
        for given in (first[0], other[0]):
            if "done" in given:
                given["done"][end] = True
        expected = outcome(page, *first)
        until, after = slice(end + 1), slice(end + 1, None)
        changed = [{name: np.concatenate([a[name][until], b[name][after]]) if np.ndim(a[name]) else a[name]
                    for name in a} for a, b in zip(first, other, strict=True)]
        _same(page, outcome(page, *changed), expected, until, f"after the end at {end}")
        changed = [{name: np.concatenate([b[name][until], a[name][after]]) if np.ndim(a[name]) else a[name]
                    for name in a} for a, b in zip(first, other, strict=True)]
        _same(page, outcome(page, *changed), expected, after, f"before the end at {end}")
        _alike(page, _part(expected, until), *_piece(page, *first, until))


def any_array(page, inputs, cotangents):
    """Any memory layout, byte order, precision or nesting of lists gives what a plain float64 array gives."""
    def each(change):
        return [{name: change(x) if isinstance(x, np.ndarray) and x.ndim else x for name, x in given.items()}
                for given in (inputs, cotangents)]

    def read_only(x):
        x = x.copy()
        x.flags.writeable = False
        return x

    def single(x):
        return x if x.dtype == bool else x.astype(np.float32)

    def whole(x):
        return x if x.dtype == bool else np.rint(np.nan_to_num(x, nan=0.0, posinf=0.0, neginf=-800.0)).astype(np.int64)

    plain = outcome(page, inputs, cotangents)
    for change in (np.asfortranarray, lambda x: np.repeat(x, 2, axis=0)[::2], lambda x: x[::-1].copy()[::-1],
                   read_only, lambda x: x.astype(x.dtype.newbyteorder()), np.ndarray.tolist):
        _alike(page, outcome(page, *each(change)), inputs, cotangents, plain)
    for change in (single, whole):
        given = each(change)
        doubles = [{name: x.astype(np.float64) if isinstance(x, np.ndarray) and x.dtype != bool else x
                    for name, x in part.items()} for part in given]
        _alike(page, outcome(page, *given), *doubles)


def any_parameter(page, inputs, cotangents):
    """A parameter may be a number, an array of one, one a step or one an element."""
    shape = shape_of(page, inputs)
    plain = outcome(page, inputs, cotangents)
    for name, entry in page.arguments.items():
        if not entry.per_step and not entry.setting:
            value = inputs[name]
            forms = [np.broadcast_to(value, shape).copy()]
            if not np.ndim(value):
                forms += [np.float64(value), np.array(value), np.full((1,) * len(shape), value),
                          np.full((shape[0], *(1 for _ in shape[1:])), value)]
            for form in forms:
                _alike(page, outcome(page, inputs | {name: form}, cotangents), inputs, cotangents, plain)


def linear(page, inputs, cotangents):
    """vjp(3 c - d / 2) = 3 vjp(c) - vjp(d) / 2."""
    others = cases.cotangents(page, cases.seeded(1), shape_of(page, inputs))
    mixed = {name: 3 * c - others[name] / 2 for name, c in cotangents.items()}
    size = {name: 3 * abs(c) + abs(others[name]) / 2 for name, c in cotangents.items()}
    got, by_c, by_d = (_vjp(page, inputs, c) for c in (mixed, cotangents, others))
    expected = {name: 3 * by_c[name] - by_d[name] / 2 for name in got}
    _close(page, "vjp", got, expected, reference.gradients(page, inputs, size).scales)


BEHAVIOUR = (exact_values, exact_gradients, untouched, own_arrays, silent, unread, batch_of_one, any_order, apart,
             any_array, any_parameter, linear)


def applies(law, page):
    """Whether ``page`` can have the property: an end needs time, an order needs none."""
    if law is unread:
        return any(entry.unread for entry in page.arguments.values())
    if law is any_parameter:
        return any(not entry.per_step and not entry.setting for entry in page.arguments.values())
    if law in (batch_of_one, apart):
        return split(page) != "per_batch"
    return law is not any_order or split(page) == "per_batch"


def split(page):
    """What the loop goes over at a time, as its decorator says."""
    loop = next(node for node in _tree(page).body if isinstance(node, ast.FunctionDef) and node.name == "loop")
    return ast.unparse(loop.decorator_list[0]).removeprefix("contract.") if loop.decorator_list else None


def shape_of(page, inputs):
    """[T, *B]."""
    return np.shape(inputs[next(name for name, entry in page.arguments.items() if entry.per_step)])


def outcome(page, inputs, cotangents):
    """What the three forms give, by form and name."""
    return {"loop": page.loop(**inputs)._asdict(), "vectorized": page.vectorized(**inputs)._asdict(),
            "vjp": _vjp(page, inputs, cotangents)}


def _vjp(page, inputs, cotangents):
    return page.vjp(page.output(**cotangents), **inputs)._asdict()


def _tree(page):
    return ast.parse(Path(page.module.__file__).read_text())


def _names(function):
    """The names that a function's body reads from outside, or imports."""
    nodes = [node for statement in function.body for node in ast.walk(statement)]
    names = [node for node in nodes if isinstance(node, ast.Name)]
    bound = {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
    bound |= {node.id for node in names if isinstance(node.ctx, ast.Store)}
    bound |= {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
    imports = {ast.unparse(node) for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)}
    return {node.id for node in names} - bound | imports


def _steps(page, inputs, shape):
    """All but the settings as arrays of one value a step, to be written to."""
    return {name: x if page.arguments[name].setting else np.array(np.broadcast_to(x, shape))
            for name, x in inputs.items()}


def _piece(page, inputs, cotangents, index):
    inputs = _steps(page, inputs, shape_of(page, inputs))
    return tuple({name: x[index] if np.ndim(x) else x for name, x in given.items()} for given in (inputs, cotangents))


def _part(results, index):
    return {form: {name: x[index] for name, x in result.items()} for form, result in results.items()}


def _same(page, got, expected, index, what):
    """Equal to the last bit, within ``index``."""
    for form, result in _part(got, index).items():
        for name, x in result.items():
            assert np.array_equal(x, expected[form][name][index]), f"{page.name}: {form}.{name} changes {what}"


def _alike(page, got, inputs, cotangents, expected=None):
    """What the forms give for these inputs, within the limits of each form."""
    expected = outcome(page, inputs, cotangents) if expected is None else expected
    values = reference.outputs(page, inputs).scales
    for form, scales in zip(FORMS, (values, values, reference.gradients(page, inputs, cotangents).scales), strict=True):
        _close(page, form, got[form], expected[form], scales)


def _close(page, form, got, expected, scales, note=False):
    for name, x in expected.items():
        units = reference.worst_error(got[name], x, scales[name])
        if note and page.name in pages():
            worst = WORST.setdefault(page.name, dict.fromkeys(FORMS, 0.0))
            worst[form] = max(worst[form], units)
        assert units <= LIMITS[form], f"{page.name}: {form}.{name} is {units:.3g} units from {x}, got {got[name]}"
