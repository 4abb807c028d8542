"""The ``rlref`` command."""

from __future__ import annotations

import argparse
import json
import os
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import rlref


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 is success, 1 says that something does not conform, 2 that the call was wrong."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if "run" not in given:
        parser.print_help()
        return 2
    from rlref.conformance.worker import BackendError

    try:
        sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        return given.run(given)
    except KeyboardInterrupt:
        print("rlref: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader went away, as head does: there is nobody left to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2
    except (ImportError, OSError, ValueError, BackendError) as error:
        print(f"rlref: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rlref", description="The NumPy reference for reinforcement-learning returns and losses.",
        epilog="example: rlref verify torchrl --reference returns.gae")
    parser.add_argument("--version", action="version", version=f"rlref {rlref.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def command(name: str, run: Callable[[Any], int], what: str, example: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=what, description=what, epilog=f"example: {example}")
        sub.set_defaults(run=run)
        return sub

    sub = command("list", _list, "list the pages: title, source, forms", "rlref list --json")
    sub.add_argument("--json", action="store_true", help="print JSON")

    sub = command("show", _show, "show a page: its equations, its source, and its loop above its vectorized form",
                  "rlref show returns.gae")
    sub.add_argument("reference", help="a page, such as returns.gae or gae")

    sub = command("verify", _verify, "judge backends; without an argument, rlref's own vectorized code and an example "
                  "that is wrong on purpose. Exit code 0: all conform, 1: some do not, 2: the call was wrong",
                  "rlref verify torchrl --reference gae --json report.json")
    sub.add_argument("backend", nargs="*",
                     help="numpy, torchrl, rlax, example, a path to a .py file, or a module name; its functions are "
                     "named like pages: gae, gae_vjp for gradients, gae__NAME for a second one")
    sub.add_argument("--reference", action="append", metavar="NAME", help="only this page (gae, say; may be repeated)")
    sub.add_argument("--dtype", choices=("float64", "float32"), default="float64", help="of the inputs (float64)")
    sub.add_argument("--cases", type=_count, default=None, metavar="N",
                     help="random cases a page, besides the golden vectors (50; none without a backend)")
    sub.add_argument("--seed", type=int, default=0, help="of the random cases (0)")
    sub.add_argument("--timeout", type=float, default=20.0, metavar="S", help="seconds a call may take (20)")
    sub.add_argument("--json", type=Path, metavar="FILE", help="write the report as JSON")
    sub.add_argument("--outputs", type=Path, metavar="FILE",
                     help="instead of a backend: judge this file of outputs for the golden vectors, from any language")

    sub = command("golden", _golden, "export the golden vectors, or check or regenerate them",
                  "rlref golden --out vectors --format npz")
    action = sub.add_mutually_exclusive_group(required=True)
    action.add_argument("--out", type=Path, metavar="DIR", help="export them to this directory")
    action.add_argument("--check", action="store_true", help="regenerate each and compare, bit for bit")
    action.add_argument("--write", type=Path, metavar="DIR", help="regenerate them into this directory")
    sub.add_argument("--format", choices=("json", "npz"), default="json", help="of the export (json)")
    sub.add_argument("--reference", action="append", metavar="NAME", help="only this page (may be repeated)")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a whole number, 0 or more, got {text}")
    return int(text)


def _chosen(names: Sequence[str] | None) -> list[Any]:
    from rlref.pages import find, pages

    return [find(name) for name in names] if names else list(pages().values())


def _list(given: argparse.Namespace) -> int:
    rows = [{"name": page.name, "title": page.title, "citation": page.citation, "source": page.section("Source"),
             "forms": ["loop", "vectorized", "vjp"], "outputs": page.outputs, "arguments": list(page.arguments)}
            for page in _chosen(None)]
    if given.json:
        print(json.dumps(rows, indent=1))
        return 0
    for row in rows:
        print(row["name"])
        print(textwrap.fill(row["title"], 78, initial_indent="    ", subsequent_indent="    "))
        print(f"    {row['citation']}\n    {', '.join(row['forms'])}")
    return 0


def _show(given: argparse.Namespace) -> int:
    import inspect

    page = _chosen([given.reference])[0]
    print(page.name)
    print()
    print(inspect.cleandoc(page.module.__doc__ or ""))
    for form in (page.loop, page.vectorized):
        print()
        print(inspect.getsource(form).partition("\n")[2].rstrip())  # without the decorator
    return 0


def _verify(given: argparse.Namespace) -> int:
    from rlref.conformance import outputs, report
    from rlref.conformance.verify import verify
    from rlref.conformance.worker import BackendError, Worker

    references = [page.name for page in _chosen(given.reference)]
    if given.json and not given.json.parent.is_dir():  # before the work, not after it
        raise ValueError(f"json: expected a file in an existing directory, got {given.json}")
    said = _progress()
    reports: list[dict[str, Any]] = []

    def finish(name: str, version: str, judgements: list[Any], divergences: list[dict[str, str]]) -> bool:
        said("")
        print(f"{version if version.startswith(name) else f'{name} {version}'.strip()}, {given.dtype}")
        if all(one.verdict == "not offered" for one in judgements):
            raise BackendError(f"{name}: expected at least one case to judge among {', '.join(references)}, got none")
        print("\n".join(report.table(judgements, given.dtype)))
        shown: set[tuple[str, str, int]] = set()
        for one in judgements:
            for line in report.details(one, divergences, shown):
                print(line)
        for line in report.recorded(judgements, divergences):
            print(line)
        reports.append(report.as_json(name, version, given.dtype, judgements, divergences))
        return all(one.conforms for one in judgements)

    if given.outputs:
        if given.backend:
            raise ValueError("outputs: expected either a backend or --outputs, got both")
        content = outputs.read(given.outputs)
        name = str(content.get("backend", given.outputs.name))
        conforms = finish(name, "", list(outputs.judgements(content, references, given.dtype)), [])
    else:
        newcomer = not given.backend
        conforms = True
        for i, spec in enumerate(given.backend or ["numpy", "example"]):
            print("\n" if i else "", end="")
            if newcomer and spec == "example":
                print("And a backend that is wrong on purpose, to show what a mistake looks like:\n")
            count = given.cases if given.cases is not None else 0 if newcomer else 50
            with Worker(spec, given.timeout) as worker:
                if not worker.offers:
                    names = ", ".join(name.rpartition(".")[2] for name in references)
                    raise BackendError(f"backend {spec}: expected a function named like a page ({names}), found none")
                judgements = list(verify(worker, references, count, given.seed, given.dtype, said))
                passed = finish(spec, worker.version, judgements, worker.divergences())
            conforms &= passed or (newcomer and spec == "example")
        if newcomer:
            print("\nrlref's own code conforms. Next: rlref verify torchrl, or verify my_module.py"
                  if conforms else "\nrlref's own code does NOT conform: please report this")
    if given.json:
        from rlref.conformance.golden import write_whole

        write_whole(given.json, json.dumps(reports[0] if len(reports) == 1 else reports, indent=1).encode())
    return 0 if conforms else 1


def _progress() -> Callable[[str], None]:
    """Rewrites one line on a terminal; says nothing elsewhere."""
    if not sys.stderr.isatty():
        return lambda line: None
    return lambda line: print(f"\r{line[:79]:79}" if line else f"\r{'':79}\r", end="", file=sys.stderr, flush=True)


def _golden(given: argparse.Namespace) -> int:
    from rlref.conformance import golden

    pages = _chosen(given.reference)
    if given.out:
        for page in pages:
            print(golden.export(page, given.out, given.format))
        return 0
    from rlref.conformance import generate

    if given.write:
        generate.write(pages, given.write, print)
        return 0
    return 1 if generate.check(pages, print) else 0
