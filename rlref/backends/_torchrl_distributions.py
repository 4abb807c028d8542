"""torchrl: IndependentNormal, TanhNormal and the masked categorical distributions, on given parameters and noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch.distributions import Independent, Normal, kl_divergence
from torchrl.modules import IndependentNormal, MaskedCategorical, MaskedOneHotCategorical, OneHotCategorical, TanhNormal

from rlref.backends import Divergence, always
from rlref.backends._torchrl_leaves import Tensors
from rlref.distributions._categorical import log_probs

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


def _tanh_loc(make: Callable) -> Callable[[Tensors], Outputs]:
    """The mean of the distribution that is squashed, or of one that is not."""
    def call(x: Tensors) -> Outputs:
        distribution = make(x["loc"], torch.ones_like(x["loc"]), upscale=x["upscale"], tanh_loc=True)
        return {"loc": distribution.loc if isinstance(distribution, TanhNormal) else distribution.mean}
    return call


def _between(*p: torch.Tensor, **scaling: Any) -> TanhNormal:
    """With bounds whose middle is not 0."""
    return TanhNormal(*p, low=0.0, high=2.0, **scaling)


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
    "tanh_normal_rsample__then_log_prob": _tanh_rsample_then_log_prob, "tanh_loc__tanh_normal": _tanh_loc(TanhNormal),
    "tanh_loc__tanh_normal_between": _tanh_loc(_between), "tanh_loc__independent_normal": _tanh_loc(IndependentNormal),
    **_named("masked", _categorical(_masked, False)), **_named("masked_one_hot", _categorical(_masked_one_hot, True)),
    **_named("one_hot", _categorical(_one_hot, True)),
}


def _rounded_bounds(x: Inputs) -> bool:
    """A bound is given as a number that is no float32."""
    return any(isinstance(x[name], float) and float(np.float32(x[name])) != x[name] for name in ("low", "high"))


def _rounded_width(x: Inputs) -> bool:
    """Both are numbers, and so log h is a float32 too, unless h is 1."""
    numbers = isinstance(x["low"], float) and isinstance(x["high"], float)
    return _rounded_bounds(x) or (numbers and x["high"] - x["low"] != 2.0)


def _at_bound(x: Inputs) -> bool:
    """An action is nearer to a bound than the inverse of tanh looks."""
    edge = (np.asarray(x["high"]) - np.asarray(x["low"])) / 2 * 9 / 2**53
    return bool((np.minimum(x["sample"] - x["low"], x["high"] - x["sample"]) < edge).any())


def _near_zero_bound(x: Inputs) -> bool:
    """An action is nearer to a bound than float64 can say of one that is scaled to [-1, 1], but not of this one."""
    half = (np.asarray(x["high"]) - np.asarray(x["low"])) / 2
    return any(bool((np.abs(x["sample"]) + np.abs(x[name]) < half / 32).any()) for name in ("low", "high"))


def _u(x: Inputs) -> Any:
    return x["loc"] + x["scale"] * x["noise"]


def _lost(x: Inputs) -> Any:
    """What mu + sigma epsilon - mu lacks of sigma epsilon, in deviations."""
    return np.abs(_u(x) - x["loc"] - x["scale"] * x["noise"]) / x["scale"]


def _noise_rounded(x: Inputs) -> bool:
    return bool((_lost(x) > 0).any())


def _noise_gone(x: Inputs) -> bool:
    """Even float32 would tell."""
    return bool((_lost(x) > 2.0**-24).any())


def _large_score(x: Inputs) -> bool:
    """epsilon / sigma, which the derivatives add and take off, leaves a rounding behind, beside 1 or 1 / sigma."""
    size = np.abs(x["noise"])
    return bool((np.maximum(size, size / x["scale"]) > 4).any()) or _noise_rounded(x)


def _softplus_cut(x: Inputs) -> bool:
    """-2 u is above 20, and log(1 + e^-20) not yet below the last digit."""
    return bool(((_u(x) < -10) & (_u(x) > -19)).any())


def _not_inverted(x: Inputs) -> bool:
    """From the noise to the action and back, another noise comes out."""
    most = 1 - 9 / 2**53
    half, middle = (np.asarray(x["high"]) - x["low"]) / 2, (np.asarray(x["high"]) + x["low"]) / 2
    action = middle + half * np.clip(np.tanh(_u(x)), -most, most)
    u = np.arctanh(np.clip((action - middle) / half, -most, most))
    return bool(((u - x["loc"]) / x["scale"] != x["noise"]).any())


def _mean_moved(x: Inputs) -> bool:
    """tanh tells the mean from itself."""
    return bool((x["upscale"] * np.tanh(x["loc"] / x["upscale"]) != x["loc"]).any())


def _masked_action(x: Inputs) -> bool:
    return not x["action_mask"].all()


def _one_action(x: Inputs) -> bool:
    return x["action_mask"].shape[-1] == 1


def _q_rounds_to_zero(x: Inputs) -> bool:
    p, q = (np.exp(log_probs(x[name], x["action_mask"])) for name in ("logits", "other_logits"))
    return bool(((p > 0) & (q == 0)).any())


def _no_kl_gradient(x: Inputs) -> bool:
    return _masked_action(x) or _q_rounds_to_zero(x)


_FLOAT32 = "bounds given as numbers are made float32 tensors, whatever the other tensors are, and so is log h"
_CLAMP = "the derivative of SafeTanhTransform's inverse is taken at the clamped action, as if clamping had the slope 1"
_SCALED = "the action is scaled to [-1, 1] before its distance to a bound is taken, which loses that distance"
_SUBTRACTED = "mu + sigma epsilon is scored after mu is taken off again, not epsilon"
_SCORE = "autograd adds epsilon / sigma and takes it off again"
_SOFTPLUS = "softplus of torch is the identity above 20: log(1 + e^-20) = 2e-9 is left out, twice, for u < -10 alone"
_MIDDLE = "the middle of the bounds is added to the mean before the tanh; it belongs behind it"
_LEFT_OUT = "IndependentNormal heeds tanh_loc in update() alone, not when it is made"
_INVERSE = "u is computed back from the rounded action, whose tanh is cut off at 1 - 1e-15"
_SQUEEZE = "_treat_categorical_params drops a last axis of one: the steps become the actions"
_FINFO = "masked logits are the least float: times a cotangent above 1 that is -inf, and -inf times 0 is NaN"
_INF_MINUS_INF = "log p - log q is NaN where masked; it is replaced by 0, but its derivative is not"
_Q_ZERO = "infinite where q == 0, which is tested on q as it is rounded, not on log q"

# A star: its gradient too.
_KNOWN: tuple[tuple[str, Callable[[Inputs], bool], str, str, str, str], ...] = (
    ("tanh_normal_log_prob tanh_normal_rsample__and_log_prob tanh_normal_rsample__then_log_prob", _rounded_width,
     "float32", "2e-7", _FLOAT32, ""),
    ("tanh_normal_log_prob_vjp tanh_normal_rsample__and_log_prob_vjp", _rounded_bounds, "float32", "2e-6 in 10",
     _FLOAT32, ""),
    ("tanh_normal_log_prob_vjp", _at_bound, "differs", "-3e16 for 0", _CLAMP, ""),
    ("tanh_normal_log_prob*", _near_zero_bound, "differs", "-10963.02 for -10962.67", _SCALED, ""),
    ("tanh_normal_rsample__and_log_prob", _noise_rounded, "float32", "6e-8 in 5e5", _SUBTRACTED, ""),
    ("tanh_normal_rsample__and_log_prob*", _noise_gone, "differs", "64.815 for 64.811", _SUBTRACTED, ""),
    ("tanh_normal_rsample__and_log_prob_vjp tanh_normal_rsample__then_log_prob_vjp", _large_score, "float32",
     "4e-13 in 2", _SCORE, ""),
    ("tanh_normal_rsample__and_log_prob*", _softplus_cut, "float32", "4e-9", _SOFTPLUS, ""),
    ("tanh_normal_rsample__then_log_prob*", _not_inverted, "differs", "30.8 for 38.4", _INVERSE,
     "https://github.com/pytorch/rl/pull/4080"),
    ("tanh_loc__tanh_normal_between", always, "differs", "1 for 0", _MIDDLE, ""),
    ("tanh_loc__independent_normal*", _mean_moved, "differs", "-100 for -5", _LEFT_OUT, ""),
    *((f"categorical_log_prob__one_hot{end}", _one_action, effect, size, _SQUEEZE, "")
      for end, effect, size in (("", "crashes", "RuntimeError"), ("", "malformed", "shape [2, 2] for [2, 1]"),
                                ("", "differs", "-0.69 for 0"), ("_vjp", "crashes", "the output has another shape"),
                                ("_vjp", "differs", "1 for 0"))),
    *((f"categorical_{name}__one_hot{end}", _one_action, effect, size, _SQUEEZE, "") for name in ("entropy", "kl")
      for end, effect, size in (("", "malformed", "shape [] for [1]"),
                                ("_vjp", "crashes", "the output has another shape"))),
    ("categorical_entropy__masked_vjp categorical_entropy__masked_one_hot_vjp categorical_entropy__one_hot_vjp",
     _masked_action, "differs", "nan", _FINFO, ""),
    ("categorical_kl__masked categorical_kl__masked_one_hot categorical_kl__one_hot", _q_rounds_to_zero, "differs",
     "inf for 399", _Q_ZERO, ""),
    ("categorical_kl__masked_vjp categorical_kl__masked_one_hot_vjp categorical_kl__one_hot_vjp", _no_kl_gradient,
     "differs", "nan", _INF_MINUS_INF, ""),
)
DIVERGENCES = tuple(Divergence(name.removesuffix("*") + end, *row[1:]) for row in _KNOWN for name in row[0].split()
                    for end in (("", "_vjp") if name.endswith("*") else ("",)))
