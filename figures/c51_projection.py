"""C51's projection, atom by atom: where each atom goes, and which two atoms share its probability.

    python figures/c51_projection.py [DIRECTORY]
"""

import matplotlib.pyplot as plt
import numpy as np

from rlref import plots
from rlref.bootstraps import categorical_projection

SUPPORT = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
PROBS = np.array([0.10, 0.30, 0.15, 0.25, 0.20])
REWARD, GAMMA = 1.0, 0.75
ATOMS = len(SUPPORT)
LETTERS = "abcde"
LETTER = {"ha": "center", "va": "center_baseline", "fontweight": "bold"}
COLOURS = [plots.BLUE, plots.ORANGE, plots.GREEN, plots.VERMILION, plots.PURPLE]


def shares(terminated):
    """Row j: what atom j alone gives to every atom of the target. The projection is linear in the probabilities."""
    return categorical_projection.vectorized(
        np.diag(PROBS)[None], np.full((1, ATOMS), REWARD), np.full((1, ATOMS), terminated),
        gamma=GAMMA, support=SUPPORT).target_probs[0]


plots.use_style()
figure, axes = plt.subplots(3, 2, figsize=(plots.WIDTH, 6.6), sharex=True,
                            gridspec_kw={"height_ratios": [2, 2.2, 3]})
for column, terminated in zip(axes.T, (False, True), strict=True):
    share = shares(terminated)
    landed = share @ SUPPORT / PROBS  # splitting between two atoms keeps the mean: that of a share is where it landed
    below = np.zeros(ATOMS)
    for j, colour in enumerate(COLOURS):
        bar = {"color": colour, "edgecolor": "white", "width": 0.6}
        column[0].bar(SUPPORT[j], PROBS[j], **bar)
        column[0].text(SUPPORT[j], PROBS[j] / 2, LETTERS[j], **LETTER)
        column[1].plot([SUPPORT[j], landed[j]], [1, 0.5], color=colour)
        column[1].plot(landed[j], 0.5, "o", color=colour, markersize=6)
        column[2].bar(SUPPORT, share[j], bottom=below, **bar)
        for i in np.flatnonzero(share[j]):
            column[1].annotate("", (SUPPORT[i], 0.0), (landed[j], 0.5), arrowprops={
                "arrowstyle": "-|>", "color": colour, "linewidth": 1.2, "linestyle": "--", "shrinkA": 3, "shrinkB": 0})
            column[2].text(SUPPORT[i], below[i] + share[j, i] / 2, LETTERS[j], **LETTER)
        below += share[j]
    for i in np.flatnonzero(below):
        column[2].text(SUPPORT[i], below[i] + 0.02, f"{below[i]:.4g}", ha="center")
    column[1].set(ylim=(-0.05, 1.05), yticks=[1, 0.5, 0], yticklabels=["the atom", "lands at", "goes to"])
    column[2].set(xlabel="value $z$, in units of return", xticks=SUPPORT)
axes[1, 0].annotate("clipped", (SUPPORT[-1], 0.75), (4, 0), textcoords="offset points", va="center", rotation=90)
axes[0, 0].set(title=rf"Goes on: $r + \gamma z$ with $r = {REWARD:g}$, $\gamma = {GAMMA}$",
               ylabel="probability at $s'$")
axes[0, 1].set(title="Terminated: $r$ alone")
axes[2, 0].set(ylabel="probability in the target", ylim=(0, 0.45))
axes[2, 1].set(ylim=(0, 1.12))
plots.save(figure, __file__)
