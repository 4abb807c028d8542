"""Updates of a loss module's target networks, after each optimization step.

An updater begins by making every target network equal to the trained one, as torchrl's do.
"""

from __future__ import annotations

import inspect

import numpy as np

from rlref.networks.trees import tree_map
from rlref.objectives.loss_module import LossModule
from rlref.targets import hard_update, soft_update

# The pages' own functions without their contract, which would go over all parameters again, and in float64.
SOFT, HARD = inspect.unwrap(soft_update.vectorized), inspect.unwrap(hard_update.vectorized)


class SoftUpdate:
    """targets/soft_update of every target network, by ``tau``, or by ``eps`` = 1 - tau; just one of them is given."""

    def __init__(self, loss_module: LossModule, *, eps: float | None = None, tau: float | None = None) -> None:
        if (eps is None) is (tau is None):
            raise ValueError(f"tau: expected either eps or tau, got eps = {eps} and tau = {tau}")
        name, value = ("tau", tau) if eps is None else ("eps", eps)
        if value is None or not 0 <= value <= 1:
            raise ValueError(f"{name}: expected a value in [0, 1], got {value}")
        self.loss_module, self.tau = _with_targets(loss_module), float(value if name == "tau" else 1 - value)

    def step(self) -> None:
        """Move every target a part of the way."""
        for name, target in self.loss_module.delayed.items():
            self.loss_module.delayed[name] = tree_map(
                lambda x, y: SOFT(x, y, tau=self.tau).target_params, self.loss_module.whole(name), target)


class HardUpdate:
    """targets/hard_update of every target network: a copy at every ``value_network_update_interval``-th step."""

    def __init__(self, loss_module: LossModule, *, value_network_update_interval: int = 1000) -> None:
        if value_network_update_interval < 1:
            raise ValueError("value_network_update_interval: expected at least 1, got "
                             f"{value_network_update_interval}")
        self.loss_module, self.interval, self.steps = _with_targets(loss_module), value_network_update_interval, 0

    def step(self) -> None:
        """Count, and copy if it is time."""
        self.steps += 1
        for name, target in self.loss_module.delayed.items():
            self.loss_module.delayed[name] = tree_map(
                lambda x, y: HARD(x, y, step=self.steps, interval=self.interval).target_params,
                self.loss_module.whole(name), target)


def _with_targets(loss_module: LossModule) -> LossModule:
    if not loss_module.delayed:
        raise RuntimeError(f"loss_module: expected a loss with target networks, got {type(loss_module).__name__} "
                           "without any: delay_value=True makes them")
    for name in loss_module.delayed:
        loss_module.delayed[name] = tree_map(np.array, loss_module.whole(name))
    return loss_module
