"""QMIX and VDN: what is better for an agent is never worse for the team, so that each may choose for itself.

    python figures/qmix_monotonicity.py [DIRECTORY]
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D

from rlref import plots
from rlref.losses import qmix, vdn

# A mixer with two hidden units. Its weights have either sign, as hypernetworks give them: the page takes |.|.
MIXER = {"hidden_weight": [[1.2, -0.3], [0.2, 1.0]], "hidden_bias": [-0.6, -0.4], "output_weight": [-1.0, 0.9],
         "output_bias": 0.0}
FIRST, SECOND = np.array([-1.5, 0.25, 1.25]), np.array([-1.0, 0.0, 1.5])  # each agent's values of its three actions


def team(page, local_value):
    """Q_tot, and its derivative by each agent's value: that of |Q_tot - G| for a G below every Q_tot."""
    shape = local_value.shape[:-1]
    inputs = {"local_value": local_value, "value_target": np.full(shape, -99.0), "loss_function": "l1"}
    if page is qmix:
        inputs |= {name: np.broadcast_to(x, (*shape, *np.shape(x))) for name, x in MIXER.items()}
    output = page.vectorized(**inputs)
    return output.global_value, page.vjp(output._replace(loss=np.ones(shape)), **inputs).local_value


def grid(first, second):
    return np.stack(np.meshgrid(first, second), axis=-1)  # [T, B, G = 2]


plots.use_style()
figure, axes = plt.subplots(1, 2, figsize=(plots.WIDTH, 4.7), sharex=True, sharey=True)
fine, coarse = (grid(*2 * [np.linspace(-2, 2, n)]) for n in (41, 9))
joint = grid(FIRST, SECOND)
for ax, page, title in zip(axes, (vdn, qmix), ("VDN: the sum", "QMIX: a monotonic mix"), strict=True):
    ax.contour(*np.moveaxis(fine, -1, 0), team(page, fine)[0], levels=range(-3, 4), colors="black",
               linestyles="solid", linewidths=1.0)
    ax.quiver(*np.moveaxis(coarse, -1, 0), *np.moveaxis(team(page, coarse)[1], -1, 0), color=plots.GREEN, width=0.006,
              scale=24, label=r"derivative of $Q_\mathrm{tot}$")
    value = team(page, joint)[0]
    best = np.unravel_index(np.argmax(value), value.shape)
    ax.plot(*joint[value < value.max()].T, "o", color=plots.BLUE, markersize=7, label="joint actions")
    ax.plot(*joint[best], "*", color=plots.VERMILION, markersize=16, label="the one best for the team")
    ax.set(title=title, xlabel="agent 1's value $Q_1$", xticks=range(-2, 3), yticks=range(-2, 3), box_aspect=1)
    ax.grid(False)
axes[0].set_ylabel("agent 2's value $Q_2$")
handles, labels = axes[0].get_legend_handles_labels()
handles[0] = Line2D([], [], color=plots.GREEN, marker=">", linewidth=1.5)
handles.insert(0, Line2D([], [], color="black", linewidth=1.0))
labels.insert(0, r"$Q_\mathrm{tot} = -3, -2, \ldots, 3$")
figure.legend(handles, labels, loc="outside upper center", ncols=4)
plots.save(figure, __file__)
