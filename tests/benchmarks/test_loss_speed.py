"""Each loss and its derivatives against torchrl's loss module, forward and backward, in one run; no time is asserted.

``python -m pytest -n 0 tests/benchmarks/test_loss_speed.py`` prints the table. torchrl's module is the one that
``rlref verify torchrl`` runs, on stub networks, built once and then called: what is timed is its forward and autograd's
backward. rlref's time is ``vectorized`` and ``vjp`` together, both with their checks. All in float64.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from torchrl.objectives.common import LossModule

from rlref.backends import torchrl
from rlref.backends._torchrl_leaves import tensors
from rlref.conformance.edges import SIZES
from rlref.pages import find, pages

BATCHES = (256, 65_536)
SETTINGS = {"loss_function": "smooth_l1", "reduction": "mean", "delayed_clamp": False,
            "global_average": False, "discount_loss": True}
CALLS = {name: call for group in torchrl._GROUPS for name, call in group.FUNCTIONS.items()}


def first(page):
    """torchrl's first implementation of a page."""
    return next(call for name, call in CALLS.items() if name.partition("__")[0] == page)


def batch(page, size):
    """A batch of ``size`` samples for ``page``; for Dreamer, trajectories of 16 steps."""
    rng = np.random.default_rng(0)
    steps = (16, size // 16) if page.short.startswith("dreamer") else (size,)
    inputs = {}
    for name, entry in page.arguments.items():
        shape = (*steps, *(SIZES[axis] for axis in entry.named))
        if entry.setting:
            inputs[name] = SETTINGS[name] if name in SETTINGS else entry.usual[0]
        elif entry.parameter:
            inputs[name] = 0.5
        elif entry.kind == "bool":
            inputs[name] = rng.random(shape) < 0.1
        elif entry.below:
            inputs[name] = rng.integers(SIZES[entry.below], size=shape)
        else:
            x = rng.normal(size=shape)
            if entry.unit == "nat" or entry.low >= 0:
                x = np.abs(x) + 0.1 if entry.low >= 0 else -np.abs(x)
            inputs[name] = x / x.sum(axis=-1, keepdims=True) if name == "target_probs" else x
    return inputs


def ours(page, inputs):
    """The loss and its derivatives."""
    cotangent = page.output(*(np.ones(shape) for shape in page.shapes(inputs).values()))

    def call():
        page.vectorized(**inputs)
        page.vjp(cotangent, **inputs)
    return call


def theirs(page, inputs):
    """torchrl's module with its data, as the backend makes them, forward and backward; None where it uses no module."""
    found = []
    plain = LossModule.__call__

    def recording(self, data, *args, **kwargs):
        found.append((self, data))
        return plain(self, data, *args, **kwargs)

    leaves = tensors(page, inputs)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LossModule, "__call__", recording)
        first(page.short)(leaves)
    if not found:
        return None
    module, data = found[-1]
    by = [leaf for leaf in leaves.values() if isinstance(leaf, torch.nn.Parameter)]

    def call():
        out = module(data)
        out = out[0] if isinstance(out, tuple) else out  # Dreamer's give what they imagined, too
        total = sum(x.sum() for name, x in out.items() if name.startswith("loss"))
        torch.autograd.grad(total, by, allow_unused=True)
    return call


LOSSES = [page for page in pages().values() if page.name.startswith("losses.")
          and any(name.partition("__")[0] == page.short for name in CALLS)]


@pytest.mark.parametrize("size", BATCHES)
@pytest.mark.parametrize("page", LOSSES, ids=lambda page: page.short)
def test_loss(benchmark, loss_times, page, size):
    page = find(page.name)
    inputs = batch(page, size)
    with warnings.catch_warnings(action="ignore"):
        contenders = {"torchrl": theirs(page, inputs), "rlref": ours(page, inputs)}
        if contenders["torchrl"] is None:
            benchmark.pedantic(contenders["rlref"], rounds=3)
            return
        for _ in range(3):  # in turns
            for name, call in contenders.items():
                loss_times.note(page.short, size, name, call)
        benchmark.pedantic(contenders["rlref"], rounds=3)
