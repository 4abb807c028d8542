"""The policy in the states of a batch: a distribution with its parameters, and the way back to the network's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rlref.distributions import tanh_normal
from rlref.distributions._outputs import Draw
from rlref.objectives.data import Data
from rlref.objectives.modules import Outputs, ProbabilisticActor
from rlref.objectives.trained import Gradients


class Policy:
    """A distribution with the parameters that ``actor`` wrote, ``outputs``.

    Every ``f_vjp`` gives the gradients of the network's parameters for a cotangent of what ``f`` gives.
    """

    def __init__(self, actor: ProbabilisticActor, data: Data, outputs: Outputs,
                 back: Callable[[Outputs], Gradients]) -> None:
        self.module, self.given, self.outputs, self.back = actor.distribution, actor.given(data), outputs, back
        self.parameters = tuple(outputs.values())

    def log_prob(self, action: Any) -> np.ndarray:
        """[*B] of an action."""
        return self.module.log_prob(action, *self.parameters, **self.given)

    def log_prob_vjp(self, by: Any, action: Any) -> Gradients:
        return self._back(self.module.log_prob_vjp(by, action, *self.parameters, **self.given))

    def log_probs(self) -> np.ndarray:
        """[*B, A] of every action, of a policy over A of them."""
        return self.module.log_probs(*self.parameters, **self.given)

    def log_probs_vjp(self, by: Any) -> Gradients:
        return self._back(self.module.log_probs_vjp(by, *self.parameters, **self.given))

    def mode(self) -> np.ndarray:
        """The action that a deterministic policy takes."""
        return self.module.mode(*self.parameters, **self.given)

    def entropy(self, rng: Any, samples: int) -> tuple[np.ndarray, np.ndarray | None]:
        """[*B], and where there is no closed form, the noise of the ``samples`` by which it was estimated."""
        if self.module is not tanh_normal:
            return self.module.entropy(*self.parameters, **self.given), None
        return tanh_normal.entropy(rng, *self.parameters, samples=samples, **self.given)

    def entropy_vjp(self, by: Any, noise: np.ndarray | None) -> Gradients:
        drawn = () if noise is None else (noise,)
        return self._back(self.module.entropy_vjp(by, *drawn, *self.parameters, **self.given))

    def kl_from(self, old: tuple[np.ndarray, ...]) -> np.ndarray:
        """The divergence [*B] of the distribution with the parameters ``old`` from this one, KL(old, this)."""
        return self.module.kl(*old, *self.parameters, **self.given)

    def kl_from_vjp(self, by: Any, old: tuple[np.ndarray, ...]) -> Gradients:
        return self._back(self.module.kl_vjp(by, *old, *self.parameters, **self.given))

    def rsample(self, rng: Any) -> Draw:
        """An action, its log-probability [*B], and the noise of which it was made."""
        return self.module.rsample(rng, *self.parameters, **self.given)

    def rsample_vjp(self, by: tuple[Any, Any], draw: Draw) -> Gradients:
        """For a cotangent of the action and one of its log-probability."""
        return self._back(self.module.rsample_vjp(by, draw.noise, *self.parameters, **self.given))

    def _back(self, gradient: Any) -> Gradients:
        """From derivatives by the distribution's parameters, in the order of ``out_keys``, to the network's."""
        by = gradient[-len(self.outputs):]  # derivatives by what is no parameter, such as the action, stand before
        return self.back(dict(zip(self.outputs, by, strict=True)))
