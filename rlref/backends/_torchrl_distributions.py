"""torchrl: IndependentNormal, TanhNormal and the masked categorical distributions, on given parameters and noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch.distributions import Independent, Normal, kl_divergence
from torchrl.modules import IndependentNormal, MaskedCategorical, MaskedOneHotCategorical, OneHotCategorical, TanhNormal

from rlref.backends import Divergence
from rlref.backends._torchrl_leaves import Tensors

Outputs = dict[str, torch.Tensor]
Inputs = dict[str, Any]


def _torch_normal(loc: torch.Tensor, scale: torch.Tensor) -> Independent:
    return Independent(Normal(loc, scale), 1)


def _bounds(x: Tensors) -> dict[str, Any]:
    """A number as a number, one for each dimension as a tensor."""
    return {name: x[name] for name in ("low", "high")}


def _drawn(x: Tensors) -> Any:
    """In this context torch draws the noise that was given."""
    return mock.patch("torch.distributions.normal._standard_normal", lambda *_, **__: x["noise"])


def _normal(make: Callable) -> dict[str, Callable[[Tensors], Outputs]]:
    def log_prob(x: Tensors) -> Outputs:
        return {"log_prob": make(x["loc"], x["scale"]).log_prob(x["sample"])}

    def entropy(x: Tensors) -> Outputs:
        return {"entropy": make(torch.zeros_like(x["scale"]), x["scale"]).entropy()}

    def kl(x: Tensors) -> Outputs:
        return {"kl": kl_divergence(make(x["loc"], x["scale"]), make(x["other_loc"], x["other_scale"]))}

    def rsample(x: Tensors) -> Outputs:
        with _drawn(x):
            return {"sample": make(x["loc"], x["scale"]).rsample()}

    return {"normal_log_prob": log_prob, "normal_entropy": entropy, "normal_kl": kl, "normal_rsample": rsample}


def _tanh_kl(x: Tensors) -> Outputs:
    one = TanhNormal(x["loc"], x["scale"], low=-2.0, high=2.0)
    other = TanhNormal(x["other_loc"], x["other_scale"], low=-2.0, high=2.0)
    other.transforms = one.transforms  # equal only if they are the same: transforms compare scale and shift by identity
    return {"kl": kl_divergence(one, other)}


def _tanh_log_prob(x: Tensors) -> Outputs:
    return {"log_prob": TanhNormal(x["loc"], x["scale"], **_bounds(x)).log_prob(x["sample"])}


def _tanh_rsample(x: Tensors) -> Outputs:
    with _drawn(x):
        sample, log_prob = TanhNormal(x["loc"], x["scale"], **_bounds(x)).rsample_and_log_prob()
    return {"sample": sample, "log_prob": log_prob}


def _tanh_rsample_then_log_prob(x: Tensors) -> Outputs:
    distribution = TanhNormal(x["loc"], x["scale"], **_bounds(x))
    with _drawn(x):
        sample = distribution.rsample()
    return {"sample": sample, "log_prob": distribution.log_prob(sample)}


def _tanh_loc(x: Tensors) -> Outputs:
    return {"loc": TanhNormal(x["loc"], torch.ones_like(x["loc"]), upscale=x["upscale"], tanh_loc=True).loc}


def _categorical(make: Callable, one_hot: bool) -> dict[str, Callable[[Tensors], Outputs]]:
    def log_prob(x: Tensors) -> Outputs:
        action = x["action"]
        if one_hot:
            action = torch.nn.functional.one_hot(action, x["logits"].shape[-1])
        return {"log_prob": make(x, "logits").log_prob(action)}

    def entropy(x: Tensors) -> Outputs:
        return {"entropy": make(x, "logits").entropy()}

    def kl(x: Tensors) -> Outputs:
        return {"kl": kl_divergence(make(x, "logits"), make(x, "other_logits"))}

    return {"categorical_log_prob": log_prob, "categorical_entropy": entropy, "categorical_kl": kl}


def _masked(x: Tensors, name: str) -> MaskedCategorical:
    return MaskedCategorical(logits=x[name], mask=x["action_mask"])


def _masked_one_hot(x: Tensors, name: str) -> MaskedOneHotCategorical:
    return MaskedOneHotCategorical(logits=x[name], mask=x["action_mask"])


def _one_hot(x: Tensors, name: str) -> OneHotCategorical:
    """It has no mask: illegal actions have a logit of minus infinity."""
    return OneHotCategorical(logits=x[name].masked_fill(~x["action_mask"], -torch.inf))


def _named(variant: str, calls: dict[str, Callable]) -> dict[str, Callable]:
    return {f"{page}__{variant}": call for page, call in calls.items()}


FUNCTIONS = {
    **_named("independent_normal", _normal(IndependentNormal)), **_named("torch", _normal(_torch_normal)),
    "normal_kl__tanh_normal": _tanh_kl, "tanh_normal_log_prob": _tanh_log_prob,
    "tanh_normal_rsample__and_log_prob": _tanh_rsample,
    "tanh_normal_rsample__then_log_prob": _tanh_rsample_then_log_prob, "tanh_loc": _tanh_loc,
    **_named("masked", _categorical(_masked, False)), **_named("masked_one_hot", _categorical(_masked_one_hot, True)),
    **_named("one_hot", _categorical(_one_hot, True)),
}
DIVERGENCES: tuple[Divergence, ...] = ()
