"""Bias against variance of the TD(lambda) return over lambda, measured on a random walk with known values.

    python figures/bias_variance_lambda.py [DIRECTORY]
"""

import matplotlib.pyplot as plt
import numpy as np

from rlref import plots
from rlref.returns import td_lambda

STATES, GAMMA = 5, 0.9
STEPS, WALKS = 100, 4000  # 4000 walks from each state; about one in 10^6 is still going after 100 steps

chain = 0.5 * (np.eye(STATES, k=1) + np.eye(STATES, k=-1))
true_value = np.linalg.solve(np.eye(STATES) - GAMMA * chain, 0.5 * np.eye(STATES)[-1])

# Random steps left and right until the walk leaves the chain; 1 is paid for leaving to the right. What a
# walk does after it has left is never read: it stands still there.
rng = np.random.default_rng(1)
start = np.repeat(np.arange(STATES), WALKS)
position = np.empty((STEPS + 1, len(start)), int)
position[0] = start
for t in range(STEPS):
    inside = (position[t] >= 0) & (position[t] < STATES)
    position[t + 1] = position[t] + np.where(rng.random(len(start)) < 0.5, 1, -1) * inside
state, after = position[:-1], position[1:]
terminated = (after < 0) | (after == STATES)
reward = (after == STATES).astype(float)


def measured(critic, lmbda):
    """Squared bias and variance of the first step's target, averaged over the states to start from."""
    values = np.append(critic, [0.0, 0.0])  # by position, -1 included
    target = td_lambda.vectorized(reward, values[state], values[after], terminated, terminated,
                                  gamma=GAMMA, lmbda=lmbda, rolling_gamma=True).value_target[0]
    target = target.reshape(STATES, WALKS)
    return np.mean((target.mean(axis=1) - true_value) ** 2), np.mean(target.var(axis=1, ddof=1))


lmbda = np.linspace(0, 1, 11)
critics = {"Critic: 0 in every state": np.zeros(STATES), "Critic: half of the true values": 0.5 * true_value}

plots.use_style()
figure, axes = plt.subplots(1, 2, figsize=(plots.WIDTH, 3.7), sharey=True)
for ax, (title, critic) in zip(axes, critics.items(), strict=True):
    squared_bias, variance = np.array([measured(critic, x) for x in lmbda]).T
    error = squared_bias + variance
    plots.lines(ax, lmbda, {"squared bias": squared_bias, "variance": variance, "their sum": error})
    best = rf"(sum smallest near $\lambda = {lmbda[np.argmin(error)]:.1f}$)"
    ax.set(title=f"{title}\n{best}", xlabel=r"$\lambda$", ylim=(0, None))
axes[0].set_ylabel("error of the target, in return$^2$")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
plots.save(figure, __file__)
