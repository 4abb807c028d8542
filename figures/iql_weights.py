"""IQL's weights: how much each action in the data is imitated, and what that makes of the policy.

    python figures/iql_weights.py [DIRECTORY]
"""

import matplotlib.pyplot as plt
import numpy as np

from rlref import plots
from rlref.losses import iql

BETAS = (0.0, 1.0, 3.0, 10.0)


def weights(advantage, beta):
    """The weight of each log pi(a|s): minus the derivative of the actor's loss by it."""
    advantage = np.asarray(advantage)[None]  # [T = 1, B], of critics that say A where V says 0
    zero = np.zeros_like(advantage)
    inputs = {"log_prob": zero, "state_value": zero, "state_action_value": advantage[..., None],
              "target_state_action_value": advantage[..., None], "value_target": zero,
              "temperature": beta, "expectile": 0.7, "loss_function": "l2"}
    cotangent = iql.vectorized(**inputs)._replace(loss_actor=np.ones_like(advantage))
    return -iql.vjp(cotangent, **inputs).loss_actor.log_prob[0]


plots.use_style()
figure, axes = plt.subplots(1, 2, figsize=(plots.WIDTH, 3.9))
labels = [rf"$\beta = {beta:g}$" for beta in BETAS]

advantage = np.linspace(-1, 2, 151)
plots.lines(axes[0], advantage, {label: weights(advantage, beta) for label, beta in zip(labels, BETAS, strict=True)})
axes[0].axvline(0, color="black", linewidth=0.8, zorder=1)
axes[0].set(title="Weight of an action: at most 100", yscale="log", ylim=(0.03, 250), yticks=[0.1, 1, 10, 100],
            yticklabels=["0.1", "1", "10", "100"], xlabel=r"$\min_i Q'_i(s, a) - V(s)$",
            ylabel=r"weight of $\log\pi(a|s)$")
axes[0].minorticks_off()

# Five actions, equally often in the data. The best policy under the loss takes them in proportion to the weights.
advantage = np.array([-0.6, -0.3, 0.0, 0.3, 0.6])
width = 0.2
for i, (label, beta) in enumerate(zip(labels, BETAS, strict=True)):
    weight = weights(advantage, beta)
    place = np.arange(len(advantage)) + (i - 1.5) * width
    axes[1].bar(place, weight / weight.sum(), width, color=plots.SERIES[i]["color"], edgecolor="white", label=label)
axes[1].set(title=r"Policy: imitates at $\beta = 0$, greedy as it grows", ylabel="probability", ylim=(0, 1),
            xlabel=r"the action's $\min_i Q'_i(s, a) - V(s)$", xticks=range(len(advantage)),
            xticklabels=[f"${a:g}$" for a in advantage])
axes[1].grid(axis="x", visible=False)
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=len(BETAS))
plots.save(figure, __file__)
