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
from tensordict import TensorDict
from torchrl.objectives.common import LossModule
from torchrl.objectives.utils import _clip_value_loss, distance_loss

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
        if entry.setting:
            inputs[name] = SETTINGS[name] if name in SETTINGS else entry.usual[0]
            continue
        shape = (*steps, *(SIZES[axis] for axis in entry.named))
        if entry.parameter:
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


class Found(Exception):
    """A loss module, with the data it is called on."""


def theirs(page, inputs):
    """torchrl's module with its data, as the backend makes them, or else its function: forward and backward."""
    def found(self, data, *args, **kwargs):
        raise Found(self, data)

    leaves = tensors(page, inputs)
    module = data = None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LossModule, "__call__", found)
        try:
            first(page.short)(leaves)
        except Found as call:
            module, data = call.args
    data = at_once(page, leaves, data)
    by = [leaf for leaf in leaves.values() if isinstance(leaf, torch.nn.Parameter)]

    def call():
        out = plainly(page, leaves) if module is None else module(data)
        out = out[0] if isinstance(out, tuple) else out  # Dreamer's give what they imagined, too
        terms = [out] if isinstance(out, torch.Tensor) else [x for name, x in out.items() if name.startswith("loss")]
        torch.autograd.grad(sum(x.sum() for x in terms), by, allow_unused=True)
    return call


def at_once(page, x, data):
    """The backend asks Dreamer's model and value about one sample at a time; here is the batch."""
    if page.short == "dreamer_model":
        samples = torch.arange(x["reward"].numel())
        seen = {"reward": x["reward"].flatten()[:, None], "pixels": x["observation"].flatten(0, -2)[:, None, None]}
        return TensorDict({"state": samples, "next": seen}, samples.shape)
    if page.short == "dreamer_value":
        samples = torch.arange(x["state_value"].numel()).reshape(x["state_value"].shape).T
        target = x["value_target"].flatten()[samples][..., None]
        return TensorDict({"state": samples, "lambda_target": target}, samples.shape)
    return data


def plainly(page, leaves):
    """What torchrl has as a function alone, on the whole batch."""
    if page.short == "distance":
        return distance_loss(leaves["input"], leaves["target"], leaves["loss_function"])
    old, new, goal = (leaves[name] for name in ("old_state_value", "state_value", "value_target"))
    loss = distance_loss(goal, new, leaves["loss_function"])
    return _clip_value_loss(old, new, leaves["clip_value"], goal, loss, leaves["loss_function"])[0]


LOSSES = [page for page in pages().values() if page.name.startswith("losses.")
          and any(name.partition("__")[0] == page.short for name in CALLS)]


@pytest.mark.parametrize("size", BATCHES)
@pytest.mark.parametrize("page", LOSSES, ids=lambda page: page.short)
def test_loss(benchmark, loss_times, page, size):
    page = find(page.name)
    inputs = batch(page, size)
    with warnings.catch_warnings(action="ignore"):
        contenders = {"torchrl": theirs(page, inputs), "rlref": ours(page, inputs)}
        for _ in range(3):  # in turns
            for name, call in contenders.items():
                loss_times.note(page.short, size, name, call)
        benchmark.pedantic(contenders["rlref"], rounds=3)
