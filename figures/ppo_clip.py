"""PPO's clip: where the objective goes flat, and with it the gradient, by the sign of the advantage.

    python figures/ppo_clip.py [DIRECTORY]
"""

import matplotlib.pyplot as plt
import numpy as np

from rlref import plots
from rlref.losses import clip_ppo, ppo

EPSILON = 0.2

ratio = np.linspace(0.4, 1.6, 241)[None]  # [T = 1, B = 241]
zero, one = np.zeros_like(ratio), np.ones_like(ratio)
rest = {"entropy": zero, "state_value": zero, "value_target": zero,
        "entropy_coeff": 0.0, "critic_coeff": 0.0, "loss_function": "l2"}


def objective_and_slope(page, advantage, **settings):
    """What the update raises, minus the loss, and its derivative by log pi."""
    inputs = {"log_prob": np.log(ratio), "sample_log_prob": zero, "advantage": advantage * one, **rest, **settings}
    loss = page.vectorized(**inputs)
    cotangent = loss._replace(loss_objective=one)
    return -loss.loss_objective[0], -page.vjp(cotangent, **inputs).loss_objective.log_prob[0]


plots.use_style()
figure, axes = plt.subplots(2, 2, figsize=(plots.WIDTH, 5.6), sharex=True, sharey="row")
for column, advantage, wish in zip(axes.T, (1.0, -1.0), ("more", "less"), strict=True):
    plain, plain_slope = objective_and_slope(ppo, advantage)
    clipped, slope = objective_and_slope(clip_ppo, advantage, clip_epsilon=EPSILON)
    plots.lines(column[0], ratio[0], {"no clip": plain, rf"clipped, $\epsilon = {EPSILON}$": clipped})
    plots.lines(column[1], ratio[0], {"no clip": plain_slope, rf"clipped, $\epsilon = {EPSILON}$": slope})
    flat = ratio[0][slope == 0]
    for ax in column:
        ax.axvspan(flat.min(), flat.max(), color="#EEEEEE", zorder=0)
        ax.axvline(1.0, color="black", linewidth=0.8, zorder=1)
    column[1].text(flat.mean(), -0.8 * advantage, "gradient 0:\nwent far\nenough", ha="center", va="center")
    column[0].set_title(f"$A = {advantage:+.0f}$: make the action {wish} likely")
    column[1].set_xlabel(r"ratio $r = \pi(a|s) \,/\, \pi_\mathrm{old}(a|s)$")
axes[0, 0].set(ylabel="objective", xlim=(0.4, 1.6), ylim=(-1.7, 1.7), xticks=[0.6, 0.8, 1, 1.2, 1.4])
axes[1, 0].set(ylabel=r"its derivative by $\log\pi(a|s)$", ylim=(-1.7, 1.7))
figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
plots.save(figure, __file__)
