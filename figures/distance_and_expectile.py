"""Distances of a prediction from its target, and their derivatives: symmetric ones, and IQL's expectile.

    python figures/distance_and_expectile.py [DIRECTORY]
"""

import matplotlib.pyplot as plt
import numpy as np

from rlref import plots
from rlref.losses import distance, iql

error = np.linspace(-3, 3, 241)[None]  # prediction less target; [T = 1, B = 241]
zero, one = np.zeros_like(error), np.ones_like(error)

# A target of 0: the error is the prediction.
names = {"l1": "l1", "l2": "l2", "smooth_l1": "smooth l1"}
value = {label: distance.vectorized(error, zero, loss_function=name).loss[0] for name, label in names.items()}
slope = {label: distance.vjp(distance.Distance(one), error, zero, loss_function=name).input[0]
         for name, label in names.items()}

# IQL's critic V against one target critic that says 0.
one_critic = zero[..., None]
inputs = {"log_prob": zero, "state_value": error, "state_action_value": one_critic,
          "target_state_action_value": one_critic, "value_target": zero, "temperature": 1.0, "loss_function": "l2"}
expectile_value, expectile_slope = {}, {}
for tau in (0.5, 0.7, 0.9):
    loss = iql.vectorized(**inputs, expectile=tau)
    expectile_value[rf"$\tau = {tau}$"] = loss.loss_value[0]
    gradient = iql.vjp(loss._replace(loss_value=one), **inputs, expectile=tau)
    expectile_slope[rf"$\tau = {tau}$"] = gradient.loss_value.state_value[0]

plots.use_style()
figure, axes = plt.subplots(2, 2, figsize=(plots.WIDTH, 5.8), sharex=True)
for column, series in zip(axes.T, [(value, slope), (expectile_value, expectile_slope)], strict=True):
    for ax, y in zip(column, series, strict=True):
        plots.lines(ax, error[0], y)
        ax.axvline(0, color="black", linewidth=0.8, zorder=1)
    column[0].set(ylim=(-0.15, 4))
    column[1].axhline(0, color="black", linewidth=0.8, zorder=1)
    column[1].set(ylim=(-3.2, 3.2))
    column[1].legend(loc="upper left")
axes[0, 0].set(title="Both sides weigh the same", ylabel="loss")
axes[0, 1].set(title=r"IQL's $V$: too low costs $\tau$, too high $1 - \tau$")
axes[1, 0].set(xlabel="prediction $-$ target", ylabel="its derivative by the prediction")
axes[1, 1].set(xlabel=r"$V(s) - \min_i Q'_i(s, a)$")
plots.save(figure, __file__)
