"""Which term of a loss trains which input, and which it reads and holds still: as the code has it.

A term trains what ``Page.derivatives`` says. What it reads is found by changing one input at a time.

    python figures/what_trains_what.py [DIRECTORY]
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D

from rlref import plots
from rlref.conformance.cases import random_cases
from rlref.glossary import GLOSSARY
from rlref.pages import pages

TRAINED = {"color": plots.BLUE, "marker": "o", "markersize": 9, "linestyle": ""}
HELD = {"color": plots.VERMILION, "marker": "o", "markersize": 9, "linestyle": "", "markerfacecolor": "white",
        "markeredgewidth": 1.8}


def read_and_trained(page):
    """For each term, the inputs that it reads and those that it trains: settings aside, unless they are trained."""
    read = {term: set() for term in page.terms}
    names = [name for name, entry in page.arguments.items()
             if entry.kind == "real" and (not entry.setting or name in page.differentiable)]
    for case in random_cases(page, 20, 0):
        before = page.vectorized(**case.inputs)
        for name in names:
            after = page.vectorized(**case.inputs | {name: 1.25 * case.inputs[name] + 0.125})
            for term in page.terms:
                if not np.array_equal(getattr(before, term), getattr(after, term), equal_nan=True):
                    read[term].add(name)
    trained = {term: {d.by for d in page.derivatives if term in d.terms} for term in page.terms}
    return {term: (read[term], trained[term]) for term in page.terms}


# Pages of several terms; those with the same table share its rows. Dreamer's model has columns of its own.
tables = {}
for page in pages().values():
    if page.name.startswith("losses.") and len(page.terms) > 1:
        rows = read_and_trained(page)
        same = next((names for names, other in tables.items() if other == rows), ())
        tables.pop(same, None)
        tables[(*same, page.short)] = rows
parts = [{names: rows for names, rows in tables.items() if ("dreamer_model" in names) == dreamer}
         for dreamer in (False, True)]

plots.use_style()
heights = [sum(map(len, part.values())) for part in parts]
figure, axes = plt.subplots(2, 1, figsize=(plots.WIDTH, 9.6), gridspec_kw={"height_ratios": heights})
for ax, part, height in zip(axes, parts, heights, strict=True):
    used = set().union(*(read | trained for rows in part.values() for read, trained in rows.values()))
    columns = [name for name in GLOSSARY if name in used]
    y, labels = 0, []
    for names, rows in part.items():
        if y:
            ax.axhline(y - 0.5, color="black", linewidth=0.8)
        for term, (read, trained) in rows.items():
            for look, where in ((HELD, read - trained), (TRAINED, trained)):
                ax.plot([i for i, name in enumerate(columns) if name in where], [y] * len(where), **look)
            labels.append(term)
            y += 1
        ax.annotate("\n".join(names), (0, y - (len(rows) + 1) / 2), (-130, 0), ax.get_yaxis_transform(),
                    "offset points", ha="right", va="center", fontweight="bold")
    ax.set(xlim=(-0.5, len(columns) - 0.5), ylim=(height - 0.5, -0.5), xticks=range(len(columns)),
           yticks=range(height))
    ax.set_xticklabels(columns, rotation=40, ha="left", rotation_mode="anchor")
    ax.set_yticklabels(labels)
    ax.tick_params(length=0, labeltop=True, labelbottom=False)
    ax.spines[:].set_visible(True)
figure.legend(handles=[Line2D([], [], **TRAINED, label="trains"),
                       Line2D([], [], **HELD, label="reads and holds still (stop-gradient)")],
              loc="outside upper center", ncols=2)
plots.save(figure, __file__)
