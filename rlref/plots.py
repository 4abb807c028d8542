"""What the figures and the tutorials draw alike. Nothing here computes a return: the pages do.

This is the only module that imports matplotlib.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

try:
    import matplotlib.pyplot as plt
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.figure import Figure
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"rlref.plots needs matplotlib ({error}): pip install 'rlref[plots]'", name=error.name) from error

WIDTH = 8.3  # inches; 800 px in a README, where 10 pt text is 13 px high

# Okabe and Ito's colours. Each series also has its own marker and dashes: colour is never all that differs.
BLUE, VERMILION, GREEN, ORANGE, PURPLE = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7"
SERIES: list[dict[str, Any]] = [
    {"color": BLUE, "marker": "o", "linestyle": "-"},
    {"color": VERMILION, "marker": "s", "linestyle": "--"},
    {"color": GREEN, "marker": "^", "linestyle": "-."},
    {"color": PURPLE, "marker": "D", "linestyle": (0, (1, 1))},
    {"color": ORANGE, "marker": "v", "linestyle": (0, (6, 2, 1, 2, 1, 2))},
]
TERMINATED: dict[str, Any] = {"color": "black", "linestyle": "-", "linewidth": 1.6}
TRUNCATED: dict[str, Any] = {"color": "black", "linestyle": (0, (3, 2)), "linewidth": 1.6}

STYLE: dict[Any, Any] = {
    "figure.constrained_layout.use": True,
    "figure.dpi": 96,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E4E4E4",
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "svg.fonttype": "path",  # an SVG in a README finds no fonts of its own
    "svg.hashsalt": "rlref",
}


def use_style() -> None:
    """Make rlref's style the style of everything drawn from now on."""
    plt.rcParams.update(STYLE)


def save(figure: Figure, script: str) -> None:
    """Write ``script``'s SVG, always the same bytes, into the directory on its command line or next to it."""
    path = Path(script)
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else path.parent
    figure.savefig(folder / f"{path.stem}.svg", metadata={"Date": None, "Creator": None})


def lines(axes: Axes, x: ArrayLike, series: Mapping[str, ArrayLike], done: ArrayLike = False) -> None:
    """One line for each of ``series``, by its label, broken after each step that is ``done``.

    Markers where the points are few enough to tell apart; smaller from series to series, as equal points
    cover each other.
    """
    x = np.asarray(x, float)
    after = np.flatnonzero(np.broadcast_to(done, x.shape)[:-1]) + 1
    for i, (label, y) in enumerate(series.items()):
        look = {**SERIES[i], "markersize": 8.0 - 1.5 * i}
        if len(x) > 30:
            look["marker"] = ""
        y = np.insert(np.asarray(y, float), after, np.nan)
        axes.plot(np.insert(x, after, np.nan), y, label=label, **look)


def ends(axes: Axes, done: ArrayLike, terminated: ArrayLike) -> None:
    """A vertical line after every step that ends a trajectory: solid if terminated, dashed if truncated."""
    for t in np.flatnonzero(done):
        axes.axvline(t + 0.5, zorder=1.5, **(TERMINATED if np.asarray(terminated)[t] else TRUNCATED))


def credit(axes: Axes, derivative: ArrayLike, done: ArrayLike, terminated: ArrayLike) -> QuadMesh:
    """``derivative[t, s]``, of the estimate at t by an input at s, as shades from 0 to 1; t goes down."""
    derivative = np.asarray(derivative)
    edges = np.arange(len(derivative) + 1) - 0.5
    shades = np.ma.masked_equal(derivative, 0.0)  # white: no influence at all
    mesh = axes.pcolormesh(edges, edges, shades, cmap="viridis_r", vmin=0.0, vmax=1.0)
    ends(axes, done, terminated)
    axes.set(xlim=(-0.5, edges[-1]), ylim=(edges[-1], -0.5), aspect="equal")
    axes.grid(False)
    axes.spines[:].set_visible(True)
    return mesh
