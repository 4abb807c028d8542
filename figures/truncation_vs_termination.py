"""The same rewards and values, ended three ways: what a terminated and a truncated end do to the estimates.

Two episodes in one batch. The critic is right for rewards that go on forever: V = r / (1 - gamma).

    python figures/truncation_vs_termination.py [DIRECTORY]
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D

from rlref import plots
from rlref.returns import gae

GAMMA, LAMBDA = 0.9, 0.8
END, STEPS = 7, 14

reward = np.where(np.arange(STEPS) <= END, 1.0, 0.4)
value = reward / (1 - GAMMA)  # 10 in the first episode, 4 in the second
done = np.isin(np.arange(STEPS), [END, STEPS - 1])
terminated = np.arange(STEPS) == END
neither = np.zeros(STEPS, bool)
after_reset = np.append(value[1:], value[-1])  # where the mistake reads V(s'_t): in the next row of the batch

parameters = {"gamma": GAMMA, "lmbda": LAMBDA}
estimates = {
    "truncated": gae.vectorized(reward, value, value, done, neither, **parameters),
    "terminated": gae.vectorized(reward, value, value, done, terminated, **parameters),
    "mistake: truncated, bootstrap read after the reset":
        gae.vectorized(reward, value, after_reset, done, neither, **parameters),
}

plots.use_style()
figure, axes = plt.subplots(1, 2, figsize=(plots.WIDTH, 3.9))
for ax, field in zip(axes, ["value_target", "advantage"], strict=True):
    plots.lines(ax, np.arange(STEPS), {label: getattr(e, field) for label, e in estimates.items()}, done)
    plots.ends(ax, done & (np.arange(STEPS) == END), neither)
    ax.set(xlabel="step $t$", xticks=range(0, STEPS, 2))
axes[0].set(title="Value target", ylabel=r"$G_t$, in units of return", ylim=(0, 11))
axes[1].set(title=rf"Advantage, GAE with $\gamma = {GAMMA}$, $\lambda = {LAMBDA}$",
            ylabel="$A_t$, in units of return", ylim=(-10, 1))
handles, labels = axes[0].get_legend_handles_labels()
figure.legend([*handles, Line2D([], [], **plots.TRUNCATED)], [*labels, "first episode ends, second begins"],
              loc="outside upper center", ncols=2)
plots.save(figure, __file__)
