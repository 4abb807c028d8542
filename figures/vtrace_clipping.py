"""V-trace's two ceilings: the clipped weights, their derivative, how far a reward reaches, what is learnt.

    python figures/vtrace_clipping.py [DIRECTORY]
"""

import matplotlib.pyplot as plt
import numpy as np

from rlref import plots
from rlref.returns import ValueEstimate, vtrace

plots.use_style()
figure, axes = plt.subplots(2, 2, figsize=(plots.WIDTH, 6.6))
figure.get_layout_engine().set(h_pad=0.12)

# One step with reward 1 and values 0: the target is rho. Its derivative by log pi is that of the weight.
log_w = np.linspace(-3, 2, 251)[None]  # [T = 1, B = 251]
zero, one = np.zeros_like(log_w), np.ones_like(log_w)
end = one.astype(bool)
step = {"reward": one, "state_value": zero, "next_state_value": zero, "log_pi": log_w, "log_mu": zero,
        "done": end, "terminated": end, "gamma": 1.0, "c_thresh": 1.0}
ceilings = {r"$\bar\rho = \infty$": np.inf, r"$\bar\rho = 2$": 2.0, r"$\bar\rho = 1$": 1.0}
weights = {label: vtrace.vectorized(**step, rho_thresh=rho).value_target[0]
           for label, rho in ceilings.items()}
slopes = {label: vtrace.vjp(ValueEstimate(zero, one), **step, rho_thresh=rho).log_pi[0]
          for label, rho in ceilings.items()}
plots.lines(axes[0, 0], log_w[0], weights)
plots.lines(axes[0, 1], log_w[0], slopes)
axes[0, 0].set(title="The weight is cut at its ceiling", ylabel=r"$\rho_t = \min(\bar\rho, w_t)$")
axes[0, 1].set(title="Its derivative is 0 above the ceiling", ylabel=r"$d\rho_t \,/\, d\log\pi$")
for ax in axes[0]:
    ax.set(xlabel=r"log-ratio $\log w_t = \log\pi - \log\mu$, in nats", ylim=(-0.1, 4))
    ax.legend()

# A reward of 1 at the last of 12 steps, values 0: v_t is the product of the weights on the way back to t.
ratio = np.array([1.6, 0.9, 1.8, 1.4, 0.7, 1.9, 1.5, 1.2, 0.8, 1.7, 1.3, 1.5])
steps = np.arange(len(ratio))
no, last = np.zeros(len(ratio), bool), steps == len(ratio) - 1
way = {"reward": last.astype(float), "state_value": 0.0 * ratio, "next_state_value": 0.0 * ratio,
       "log_pi": np.log(ratio), "log_mu": 0.0 * ratio, "done": last, "terminated": last, "gamma": 1.0}
plots.lines(axes[1, 0], steps, {
    r"$\bar\rho = \bar c = \infty$": vtrace.vectorized(**way, rho_thresh=np.inf, c_thresh=np.inf).value_target,
    r"$\bar\rho = \infty,\ \bar c = 1$": vtrace.vectorized(**way, rho_thresh=np.inf, c_thresh=1.0).value_target,
    r"$\bar\rho = \bar c = 1$": vtrace.vectorized(**way, rho_thresh=1.0, c_thresh=1.0).value_target,
})
axes[1, 0].set(title=r"$\bar c$ bounds the product of the weights", xlabel="step $t$ (reward 1 at step 11)",
               ylabel="$v_t$, in units of return", yscale="log", ylim=(0.4, 40),
               yticks=[0.5, 1, 2, 5, 10, 20], yticklabels=["0.5", "1", "2", "5", "10", "20"])
axes[1, 0].minorticks_off()
axes[1, 0].legend(loc="upper right")

# A random walk over 5 states, paid 1 for leaving to the right: repeat the expected update until it rests.
STATES, GAMMA, PI, MU = 5, 0.9, 0.75, 0.5  # PI and MU: probabilities of a step to the right
rho_bar = np.linspace(0.1, 2.0, 39)
state = np.repeat(np.arange(STATES), 2)  # every state, with a step to the left and one to the right
right = np.tile([False, True], STATES)
after = state + np.where(right, 1, -1)
left_chain = (after < 0) | (after == STATES)
mu = np.where(right, MU, 1 - MU)
taken = {"reward": after == STATES, "done": left_chain, "terminated": left_chain,
         "log_pi": np.log(np.where(right, PI, 1 - PI)), "log_mu": np.log(mu)}
taken = {name: np.broadcast_to(x, (1, len(rho_bar), len(x))) for name, x in taken.items()}  # [T = 1, 39, 10]
taken["reward"] = taken["reward"].astype(float)


def true_value(p):
    """The value of stepping right with probability p, from the linear system."""
    chain = np.diag(np.full(STATES - 1, p), 1) + np.diag(np.full(STATES - 1, 1 - p), -1)
    return np.linalg.solve(np.eye(STATES) - GAMMA * chain, p * np.eye(STATES)[-1])


value = np.zeros((len(rho_bar), STATES + 2))  # two more for the positions 5 and -1 outside the chain
for _ in range(1000):
    target = vtrace.vectorized(
        state_value=value[None, :, state], next_state_value=value[None, :, after], **taken,
        gamma=GAMMA, rho_thresh=rho_bar[None, :, None], c_thresh=1.0).value_target
    value[:, :STATES] = (target * mu).reshape(len(rho_bar), STATES, 2).sum(axis=2)  # its mean under mu

middle = STATES // 2
plots.lines(axes[1, 1], rho_bar, {"V-trace's fixed point": value[:, middle]})
axes[1, 1].axhline(true_value(PI)[middle], color="black", linewidth=1.2, linestyle=(0, (3, 2)))
axes[1, 1].axhline(true_value(MU)[middle], color="black", linewidth=1.2, linestyle=(0, (3, 2)))
axes[1, 1].text(0.1, true_value(PI)[middle] - 0.008, r"value of $\pi$", va="top")
axes[1, 1].text(2.0, true_value(MU)[middle] + 0.008, r"value of $\mu$", va="bottom", ha="right")
axes[1, 1].set(title=r"$\bar\rho$ decides whose value is learnt", xlabel=r"ceiling $\bar\rho$",
               ylabel="value of the middle state")
axes[1, 1].legend(loc="center right")
plots.save(figure, __file__)
