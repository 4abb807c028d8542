"""Which reward, and which value, moves which advantage: dA_t/dr_s and dA_t/dV(s'_s) for TD(0), GAE and TD(1).

    python figures/credit_assignment.py [DIRECTORY]
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D

from rlref import plots
from rlref.returns import ValueEstimate, gae, td0, td1

STEPS = 12
done, terminated = np.zeros((2, STEPS), bool)
done[[3, 7]] = True
terminated[3] = True

# One batch entry for each advantage: in entry t the cotangent is 1 at A_t and 0 elsewhere, so that the vjp is
# row t of the derivative. The estimates are linear in rewards and values, whose numbers thus do not matter.
square = np.zeros((STEPS, STEPS))
cotangent = ValueEstimate(advantage=np.eye(STEPS), value_target=square)
inputs = {"reward": square, "state_value": square, "next_state_value": square,
          "done": np.repeat(done[:, None], STEPS, axis=1),
          "terminated": np.repeat(terminated[:, None], STEPS, axis=1)}

gradients = {
    "TD(0)": td0.vjp(cotangent, **inputs, gamma=0.9),
    r"GAE, $\lambda = 0.8$": gae.vjp(cotangent, **inputs, gamma=0.9, lmbda=0.8),
    "TD(1)": td1.vjp(cotangent, **inputs, gamma=0.9, rolling_gamma=True),
}

plots.use_style()
figure, axes = plt.subplots(2, 3, figsize=(plots.WIDTH, 5.4), sharex=True, sharey=True)
for column, (title, gradient) in zip(axes.T, gradients.items(), strict=True):
    column[0].set_title(title)
    for ax, field in zip(column, ["reward", "next_state_value"], strict=True):
        mesh = plots.credit(ax, getattr(gradient, field).T, done, terminated)
        ax.set(xticks=range(0, STEPS, 2), yticks=range(0, STEPS, 2))
for ax, wording in zip(axes[:, 0], [r"by the reward $r_s$", r"by the value $V(s'_s)$"], strict=True):
    ax.set_ylabel(f"{wording}\n\n" + r"step $t$ of the advantage $A_t$")
figure.supxlabel(r"step $s$ of the reward or value", fontsize=10)
figure.colorbar(mesh, ax=axes, shrink=0.6, label=r"derivative of $A_t$ (white: exactly 0)")
figure.legend(loc="outside upper center", ncols=2, handles=[
    Line2D([], [], **plots.TERMINATED, label="terminated at step 3"),
    Line2D([], [], **plots.TRUNCATED, label="truncated at step 7"),
])
plots.save(figure, __file__)
