"""The temperature of maximum-entropy losses: how much an entropy of one nat is worth."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rlref.objectives.data import Data, Key, after, get, last, without
from rlref.objectives.loss_module import LossModule
from rlref.objectives.trained import Gradients


class Tempered(LossModule):
    """A loss with log alpha, trained or fixed, and kept between bounds.

    Its actor and critics are not asked about states beyond a terminal one if ``skip_done_states``.
    """

    skip_done_states = False

    def add_temperature(self, alpha_init: float, min_alpha: float | None, max_alpha: float | None,
                        fixed_alpha: bool, target_entropy: float | str) -> None:
        """Begin with ``alpha_init``. A bound of None or 0 is none."""
        if not alpha_init > 0:
            raise ValueError(f"alpha_init: expected a value > 0, got {alpha_init}")
        if max_alpha is not None and not max_alpha > (min_alpha or 0):
            raise ValueError(f"max_alpha: expected None or a value above min_alpha = {min_alpha}, got {max_alpha}")
        if not (target_entropy == "auto" or isinstance(target_entropy, (int, float))):
            raise ValueError(f"target_entropy: expected a number or 'auto', got {target_entropy!r}")
        self.bounds = math.log(min_alpha) if min_alpha else -math.inf, math.log(max_alpha) if max_alpha else math.inf
        self.fixed_alpha, self.target_entropy = fixed_alpha, target_entropy
        self._log_alpha = np.array(math.log(alpha_init))
        if not fixed_alpha:
            self.parameters["log_alpha"] = self._log_alpha

    @property
    def log_alpha(self) -> float:
        """Within its bounds."""
        return float(np.clip(self.parameters.get("log_alpha", self._log_alpha), *self.bounds))

    @property
    def alpha(self) -> float:
        """How much a nat of entropy is worth now."""
        return math.exp(self.log_alpha)

    def clamp_alpha(self) -> None:
        """Keep what is trained within its bounds too, so that it does not wander off where it has no effect."""
        self._log_alpha = np.array(self.log_alpha)
        if not self.fixed_alpha:
            self.parameters["log_alpha"] = self._log_alpha

    def entropy_wanted(self, action: np.ndarray) -> float:
        """The target entropy: "auto" is minus the number of dimensions of ``action`` [*B, D]."""
        return -float(action.shape[-1]) if isinstance(self.target_entropy, str) else self.target_entropy

    def following(self, data: Data) -> Data:
        """The states that followed, as networks are shown them."""
        following = after(data)
        if not self.skip_done_states:
            return following
        ends = self.tensor_keys["terminated"]
        read = {*self.modules["actor_network"].reads, *self.modules["qvalue_network"].reads}
        return without(following, last(ends, get(following, ends)), read - {self.tensor_keys["action"]})

    def tempered(self, found: Any) -> dict[Key, Any]:
        """What is reported of alpha and of the entropy that it is about."""
        return {"alpha": self.alpha, "entropy": found.entropy.mean()}

    def trains_alpha(self, by: Any) -> Gradients:
        """The route of loss_alpha."""
        return {} if self.fixed_alpha else {"log_alpha": by.log_alpha}
