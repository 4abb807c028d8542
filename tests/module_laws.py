"""The laws of a page's module, ``law(page)``, each written once: ``test_laws`` applies them to every page, and
``test_broken_pages`` sees each of them fail. A law that is broken raises AssertionError.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import re
from pathlib import Path

from rlref import scalars
from rlref.glossary import GLOSSARY

FORMS = ("loop", "vectorized", "vjp")
LINES = 100
HEADINGS = ["Source", "Masks", "Limits", "TorchRL"]


def parts(page):
    """An output NamedTuple (if it is the page's own), Gradient, loop, vectorized, vjp, in that order; 100 lines."""
    missing = [part for part in ("Gradient", *FORMS) if not hasattr(page.module, part)]
    assert not missing, f"{page.name} lacks {missing}"
    body = _tree(page).body
    named = [node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    named += [name.id for node in body if isinstance(node, ast.Assign | ast.AnnAssign)
              for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)]
    public = [name for name in named if not name.startswith("_")]
    for tuple_ in (page.output, page.module.Gradient):
        assert issubclass(tuple_, tuple) and hasattr(tuple_, "_fields"), f"{tuple_} is no NamedTuple"
    needed = [*(_camel(term) for term in page.terms if "." in page.derivatives[0].name), "Gradient", *FORMS]
    assert public in (needed, [page.output.__name__, *needed]), f"{page.name} has {public}"
    assert split(page) in ("per_sample", "per_trajectory", "per_batch")
    lines = len(Path(page.module.__file__).read_text().splitlines())
    assert lines <= LINES, f"{page.name} has {lines} lines"


def documented(page):
    """A title, equations numbered from 1 that the loop carries, then the headings, the source with its equation."""
    doc = inspect.cleandoc(page.module.__doc__ or "")
    assert re.match(r"[^\n]+\.\n\n {4}", doc), f"{page.name} does not start with a title and equations"
    numbers = [int(n) for n in re.findall(r"^ {4}.*\((\d+)\)$", doc.partition("\nSource")[0], re.M)]
    assert numbers and numbers == list(range(1, len(numbers) + 1)), f"{page.name} numbers its equations {numbers}"
    first = page.loop.__doc__.splitlines()[0]
    carried = re.match(r"\((1)\)(?:-\((\d+)\))?", first)
    assert carried and int(carried[carried.lastindex]) == len(numbers), f"{page.name}: the loop carries {first}"
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
        per_step = page.arguments[parameter.name].per_step
        kind = parameter.POSITIONAL_OR_KEYWORD if per_step else parameter.KEYWORD_ONLY
        assert parameter.kind is kind and parameter.default is parameter.empty, f"{page.name}: {parameter}"


def in_glossary(page):
    """Every argument and every output has an entry."""
    names = {*page.outputs, *inspect.signature(page.loop).parameters}
    assert names <= GLOSSARY.keys(), f"{page.name}: {sorted(names - GLOSSARY.keys())} not in the glossary"


def gradient_fields(page):
    """Gradient has real inputs in signature order: of returns, all that have a value a step; else what is trained.

    Of a loss with several terms it has every term, each with what it trains.
    """
    real = [name for name, entry in page.arguments.items() if entry.kind == "real" and not entry.parameter]
    if page.name.startswith(("returns.", "made_up")):
        real = [name for name in real if page.arguments[name].per_step]
        assert list(page.differentiable) == real, f"{page.name} differentiates by {page.differentiable}"
    if "." in page.derivatives[0].name:
        fields = page.module.Gradient._fields
        assert fields == page.terms, f"{page.name} has gradients of {fields}"
    for term in {derivative.terms for derivative in page.derivatives}:
        by = [derivative.by for derivative in page.derivatives if derivative.terms == term]
        assert by == [name for name in real if name in by], f"{page.name} differentiates {term} by {by}"


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


MODULE = (parts, documented, signatures, in_glossary, gradient_fields, independent, helpful)


def _camel(term):
    return "".join(part.capitalize() for part in term.split("_"))


def split(page):
    """What the loop goes over at a time, as its decorator says."""
    loop = next(node for node in _tree(page).body if isinstance(node, ast.FunctionDef) and node.name == "loop")
    return ast.unparse(loop.decorator_list[0]).removeprefix("contract.") if loop.decorator_list else None


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
