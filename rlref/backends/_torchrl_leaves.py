"""Any torch function as a backend's: given arrays become leaf tensors, and gradients are autograd's by these leaves.

A leaf is a Parameter, so that it can be one of a network of the loss: then a gradient that the loss stops is stopped.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from rlref.pages import Page, find

Tensors = dict[str, Any]  # tensors, and settings as they are
Call = Callable[[Tensors], Mapping[str, torch.Tensor]]  # -> the page's outputs by name


def offer(namespace: dict[str, Any], name: str, call: Call) -> None:
    """Define ``name``, and of a loss ``name_vjp``, in ``namespace``.

    ``call`` is given leaf tensors [T, *B, ...] and settings. A parameter is a float or a tensor of its full shape; what
    vjp differentiates by is a leaf in any case. Each term is differentiated by itself, so what a term does not reach is
    zero there.
    """
    page = find(name.partition("__")[0])

    def quietly(leaves: Tensors) -> Mapping[str, torch.Tensor]:
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # of target networks without an updater
            return call(leaves)

    def value(**inputs: Any) -> dict[str, np.ndarray]:
        found = quietly(tensors(page, inputs))
        return {key: found[key].detach().numpy() for key in page.outputs}

    def vjp(cotangent: Any, **inputs: Any) -> dict[str, np.ndarray]:
        leaves = tensors(page, inputs)
        outputs = quietly(leaves)
        gradients = {}
        for each in page.derivatives:
            terms = [outputs[term] for term in each.terms]
            weights = [torch.tensor(getattr(cotangent, term)) for term in each.terms]
            if any(term.requires_grad for term in terms):
                (gradient,) = torch.autograd.grad(terms, [leaves[each.by]], weights, retain_graph=True,
                                                  materialize_grads=True)
            else:
                gradient = torch.zeros_like(leaves[each.by])
            gradients[each.name] = gradient.numpy()
        return gradients

    namespace[name] = value
    if not page.name.startswith(("bootstraps.", "targets.")):  # torchrl holds these out of every gradient
        namespace[f"{name}_vjp"] = vjp


def tensors(page: Page, inputs: Mapping[str, Any]) -> Tensors:
    """The inputs as tensors: arrays, and every scalar that is differentiated."""
    like = next(x for name, x in inputs.items() if page.arguments[name].per_step and x.dtype.kind == "f")
    found = {}
    for name, x in inputs.items():
        if page.arguments[name].parameter and np.ndim(x):
            x = np.broadcast_to(x, page.steps(inputs))
        if isinstance(x, np.ndarray) or name in page.differentiable:
            real = page.arguments[name].kind == "real"
            x = torch.tensor(np.array(x, dtype=like.dtype if real else None))
            x = torch.nn.Parameter(x) if name in page.differentiable else x
        found[name] = x
    return found


class Given(torch.nn.Module):
    """A network that gives its one parameter, or, where its input has a gradient, that input.

    ``last``: with a last axis of one, as values have it in torchrl.
    """

    def __init__(self, table: torch.Tensor, last: bool = False) -> None:
        super().__init__()
        self.table = table if isinstance(table, torch.nn.Parameter) else torch.nn.Parameter(table)
        self.last = last

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x if x.requires_grad else self.table[..., None] if self.last else self.table


def ends(reward: torch.Tensor, **more: torch.Tensor) -> dict[str, Any]:
    """What "next" must hold for the loss's own TD(0) to give ``reward`` as the target: every step terminates."""
    done = torch.ones_like(reward, dtype=torch.bool)
    return {"next": {"reward": reward, "done": done, "terminated": done, **more}}
