"""Stochastic gradient descent and Adam, step by step equal to torch.optim's.

An optimizer holds what it remembers; parameters go in and come out, and the ones that came in stay as they were.

Source    Kingma and Ba 2015, arXiv:1412.6980, algorithm 1. Epsilon is added to the root of the corrected moment.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rlref.networks.trees import Array, Tree, tree_map


class SGD:
    """theta - lr (momentum * velocity + gradient)."""

    def __init__(self, lr: float, momentum: float = 0.0, weight_decay: float = 0.0) -> None:
        self.lr, self.momentum, self.weight_decay = lr, momentum, weight_decay
        self.velocity: Tree | None = None

    def step(self, parameters: Tree, gradient: Tree) -> Tree:
        """The parameters after one step down the gradient."""
        if self.weight_decay:
            gradient = tree_map(lambda g, p: g + self.weight_decay * p, gradient, parameters)
        if self.momentum:
            self.velocity = gradient if self.velocity is None else tree_map(
                lambda v, g: self.momentum * v + g, self.velocity, gradient)
            gradient = self.velocity
        return tree_map(lambda p, g: p - self.lr * g, parameters, gradient)


class Adam:
    """Steps of about ``lr``, whatever the size of the gradient."""

    def __init__(self, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
                 weight_decay: float = 0.0) -> None:
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.steps = 0
        self.moments: Tree = {}

    def step(self, parameters: Tree, gradient: Tree) -> Tree:
        """The parameters after one step down the gradient."""
        self.steps += 1
        if not self.moments:
            self.moments = tree_map(lambda p: [np.zeros_like(p), np.zeros_like(p)], parameters)
        return tree_map(self._moved, parameters, gradient, self.moments)

    def _moved(self, parameter: Array, gradient: Array, moments: list[Any]) -> Array:
        (beta_1, beta_2), (first, second) = self.betas, moments
        if self.weight_decay:
            gradient = gradient + self.weight_decay * parameter
        first *= beta_1
        first += (1 - beta_1) * gradient
        second *= beta_2
        second += (1 - beta_2) * gradient * gradient
        size = np.sqrt(second, out=np.empty_like(second))
        size /= np.sqrt(1 - beta_2**self.steps)
        size += self.eps
        np.divide(first, size, out=size)
        size *= self.lr / (1 - beta_1**self.steps)
        return np.subtract(parameter, size, out=size)
