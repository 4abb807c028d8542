"""REDQ: the subset's size sets the bias of the bootstrap, the ensemble's size its spread. Measured.

    python figures/redq_bias.py [DIRECTORY]
"""

from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np

from rlref import plots
from rlref.bootstraps import subset_min_q

ENSEMBLES = 20_000
SIZES = [2, 3, 5, 8, 12, 20]

# One action, truly worth 0; each critic is off by an error of its own, with standard deviation 1.
rng = np.random.default_rng(4)
critics = rng.normal(size=(1, ENSEMBLES, SIZES[-1]))  # [T = 1, B, N]
zero = np.zeros((1, ENSEMBLES))


def bootstrap(size, subsets):
    """The value of s' by the first ``size`` critics of each ensemble, averaged over these subsets."""
    values = [subset_min_q.vectorized(critics[..., :size], zero, alpha=0.0, subset=np.array(subset)).next_state_value
              for subset in subsets]
    return np.mean(values, axis=0)


series = {
    "$M = 1$: the mean of all": [bootstrap(n, combinations(range(n), 1)) for n in SIZES],
    "$M = 2$: REDQ, mean over subsets": [bootstrap(n, combinations(range(n), 2)) for n in SIZES],
    "$M = N$: the minimum of all": [bootstrap(n, [range(n)]) for n in SIZES],
}

plots.use_style()
figure, axes = plt.subplots(1, 2, figsize=(plots.WIDTH, 3.9))
plots.lines(axes[0], SIZES, {label: [value.mean() for value in values] for label, values in series.items()})
plots.lines(axes[1], SIZES, {label: [value.std(ddof=1) for value in values] for label, values in series.items()})
axes[0].axhline(0, color="black", linewidth=0.8, zorder=1)
axes[0].set(title="Bias: set by the subset", ylabel="bias, in standard deviations of a critic", ylim=(-2, 0.2))
axes[1].set(title="Spread: shrinks with the ensemble", ylabel="standard deviation", ylim=(0, 0.9))
for ax in axes:
    ax.set(xlabel="critics $N$", xticks=SIZES)
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
plots.save(figure, __file__)
