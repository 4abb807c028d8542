"""The generated parts of the README. ``python tests/readme.py`` writes them; tests/test_readme.py checks them."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path

from rlref.conformance import golden
from rlref.conformance.mistakes import known
from rlref.pages import find, pages

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
MEASURED = ROOT / "tests" / "measured.json"


def table() -> str:
    """A row a page: what it is, its source, its worst errors, its vectors and mistakes."""
    measured = json.loads(MEASURED.read_text())
    rows = ["| page | what it is | source | worst error: loop, vectorized, vjp | vectors | known mistakes |",
            "| --- | --- | --- | --- | --- | --- |"]
    for page in pages().values():
        worst = ", ".join(f"{measured[page.name][form]:.1f}" for form in ("loop", "vectorized", "vjp"))
        link = f"[`{page.name}`]({'/'.join(['rlref', *page.name.split('.')])}.py)"
        rows.append(f"| {link} | {page.title} | {page.citation} | {worst} | {len(golden.load(page))} "
                    f"| {len(known(page.name))} |")
    return "\n".join(rows)


def forms() -> list[str]:
    """GAE's loop and vectorized form without their decorators."""
    page = find("gae")
    return [inspect.getsource(form).partition("\n")[2].rstrip() for form in (page.loop, page.vectorized)]


def filled(text: str) -> str:
    """``text`` with its generated parts made anew."""
    text = re.sub(r"(<!-- pages: .*? -->\n).*?(<!-- end of pages -->)", lambda m: f"{m[1]}{table()}\n{m[2]}", text,
                  flags=re.DOTALL)
    head, mark, cells = text.partition("<table>")
    cells, end, rest = cells.partition("</table>")
    parts = iter(forms())
    cells = re.sub(r"```python\n.*?```", lambda m: f"```python\n{next(parts)}\n```", cells, flags=re.DOTALL)
    return head + mark + cells + end + rest


if __name__ == "__main__":
    README.write_text(filled(README.read_text("utf-8")), "utf-8")
