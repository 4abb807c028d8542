"""torchrl 0.14.1: the functional estimators, loop and vectorized, and the estimator modules as they come.

Three ways in, which run different code:

    gae__loop, gae__vec              [*B, T, 1], the layout of the documentation, time at -2
    gae__vec_time_first, ...         [T, *B] with time_dim=0
    gae__module                      the module a user would build, values already in the tensordict

Scalars go in as Python floats, arrays as tensors of the full shape. Gradients are autograd's.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from rlref.backends import Divergence
from rlref.pages import find

try:
    import torch
    import torchrl
    from tensordict import TensorDict
    from tensordict.nn import TensorDictModule
    from torch.distributions import Normal
    from torchrl._utils import _standardize
    from torchrl.modules import ProbabilisticActor
    from torchrl.objectives import value as estimators
    from torchrl.objectives.value import functional
except ImportError as error:
    raise ImportError("this backend needs torchrl: pip install 'rlref[torchrl]'") from error

VERSION = f"torchrl {torchrl.__version__}, torch {torch.__version__}"
Inputs = dict[str, Any]


class Layout(NamedTuple):
    """Where torchrl is told that the axes are, and how to get there and back."""

    to: Callable[[np.ndarray], np.ndarray]
    back: Callable[[torch.Tensor], torch.Tensor]
    arguments: dict[str, int]


BATCH_FIRST = Layout(lambda x: np.moveaxis(x, 0, -1)[..., None], lambda y: y.squeeze(-1).movedim(-1, 0), {})
TIME_FIRST = Layout(lambda x: x, lambda y: y, {"time_dim": 0})


# The calls, on tensors


def _gae(estimate: Callable) -> Callable:
    def call(reward, state_value, next_state_value, done, terminated, gamma, lmbda, **layout):
        return estimate(gamma, lmbda, state_value, next_state_value, reward, done, terminated, **layout)
    return call


def _td0(reward, state_value, next_state_value, done, terminated, gamma):
    return (functional.td0_advantage_estimate(gamma, state_value, next_state_value, reward, done, terminated),
            functional.td0_return_estimate(gamma, next_state_value, reward, terminated))


def _td1(prefix: str) -> Callable:
    advantage = getattr(functional, f"{prefix}td1_advantage_estimate")
    target = getattr(functional, f"{prefix}td1_return_estimate")

    def call(reward, state_value, next_state_value, done, terminated, gamma, rolling_gamma, **layout):
        if not prefix and not rolling_gamma:
            gamma = _per_step(gamma, reward)
        rest = (next_state_value, reward, done, terminated, rolling_gamma)
        return advantage(gamma, state_value, *rest, **layout), target(gamma, *rest, **layout)
    return call


def _td_lambda(prefix: str) -> Callable:
    advantage = getattr(functional, f"{prefix}td_lambda_advantage_estimate")
    target = getattr(functional, f"{prefix}td_lambda_return_estimate")

    def call(reward, state_value, next_state_value, done, terminated, gamma, lmbda, rolling_gamma, **layout):
        if not prefix and not rolling_gamma and not isinstance(lmbda, torch.Tensor):
            gamma = _per_step(gamma, reward)
        rest = (next_state_value, reward, done, terminated, rolling_gamma)
        return advantage(gamma, lmbda, state_value, *rest, **layout), target(gamma, lmbda, *rest, **layout)
    return call


def _per_step(gamma, reward):
    """The loops refuse a scalar gamma with rolling_gamma=False, and take the same gamma written out."""
    return gamma if isinstance(gamma, torch.Tensor) else torch.full_like(reward, gamma)


def _vtrace(reward, state_value, next_state_value, log_pi, log_mu, done, terminated,
            gamma, rho_thresh, c_thresh, **layout):
    return functional.vtrace_advantage_estimate(
        gamma, log_pi, log_mu, state_value, next_state_value, reward, done, terminated,
        rho_thresh, c_thresh, **layout)


def _reward_to_go(reward, done, gamma, **layout):
    if isinstance(gamma, torch.Tensor):
        raise NotImplementedError("reward2go documents gamma as a float")
    return (functional.reward2go(reward, done, gamma, **layout),)


def _module(estimator: type, tensors: Inputs, actor: Inputs | None = None, **hyperparameters: Any):
    """Run an estimator module on values that are already there, so that it needs no value network."""
    data = TensorDict({"state_value": tensors.pop("state_value"), **(actor or {}),
                       "next": {"state_value": tensors.pop("next_state_value"), **tensors}},
                      tensors["reward"].shape[:-1])
    with warnings.catch_warnings(action="ignore", category=UserWarning):  # of copying by torch.tensor
        data = estimator(value_network=None, differentiable=True, **hyperparameters)(data)
    return data["advantage"], data["value_target"]


def _gae_module(gamma, lmbda, **tensors):
    return _module(estimators.GAE, tensors, gamma=gamma, lmbda=lmbda)


def _td0_module(gamma, **tensors):
    return _module(estimators.TD0Estimator, tensors, gamma=gamma)


def _td1_module(gamma, rolling_gamma, **tensors):
    _refuse_per_return(rolling_gamma, gamma)
    return _module(estimators.TD1Estimator, tensors, gamma=gamma)


def _td_lambda_module(gamma, lmbda, rolling_gamma, **tensors):
    _refuse_per_return(rolling_gamma, gamma, lmbda)
    return _module(estimators.TDLambdaEstimator, tensors, gamma=gamma, lmbda=lmbda)


def _refuse_per_return(rolling_gamma, *parameters):
    if not rolling_gamma and any(isinstance(p, torch.Tensor) for p in parameters):
        raise NotImplementedError("the estimator modules have no rolling_gamma")


def _vtrace_module(log_pi, log_mu, gamma, rho_thresh, c_thresh, **tensors):
    # The actor is a Gaussian whose density at the action taken, one deviation from its mean, is exp(log_pi).
    deviation = (-log_pi - 0.5).exp() / (2 * torch.pi) ** 0.5
    if not ((deviation > 0) & deviation.isfinite()).all():
        raise NotImplementedError("no Gaussian has so extreme a density")
    network = TensorDictModule(lambda mean, deviation: (mean, deviation), ["mean", "deviation"], ["loc", "scale"])
    actor = ProbabilisticActor(network, ["loc", "scale"], distribution_class=Normal, return_log_prob=True)
    actions = {"action": deviation, "mean": torch.zeros_like(deviation), "deviation": deviation,
               "action_log_prob": log_mu}
    return _module(estimators.VTrace, tensors, actions, actor_network=actor, gamma=gamma,
                   rho_thresh=rho_thresh, c_thresh=c_thresh)


def _standardize_ppo(advantage, ddof, std_min):
    _refuse_ddof(ddof)
    return (_standardize(advantage, eps=std_min),)  # as PPOLoss does, where eps is always 1e-6


def _standardize_gae(**arguments: Any) -> Callable:
    def call(advantage, ddof, std_min):
        _refuse_ddof(ddof)
        if std_min != 1e-4:
            raise NotImplementedError("GAE(average_gae=True) has its floor fixed at 1e-4")
        # Where nothing is discounted and no value is predicted, the advantage is the reward.
        zero, never = torch.zeros_like(advantage), torch.zeros_like(advantage, dtype=torch.bool)
        tensors = {"reward": advantage, "state_value": zero, "next_state_value": zero,
                   "done": never, "terminated": never}
        group = {"group": never[..., 0].long()}
        return _module(estimators.GAE, tensors, group, gamma=0.0, lmbda=0.0, average_gae=True, **arguments)[:1]
    return call


def _refuse_ddof(ddof):
    if ddof != 1:
        raise NotImplementedError("torchrl always takes ddof = 1")


# From tensors to NumPy


def _offer(name: str, call: Callable[..., Any], layout: Layout, gradient: bool = True) -> None:
    """Define ``name`` and ``name_vjp`` in this module."""
    differentiable = find(name.partition("__")[0]).differentiable

    def tensors(inputs: Inputs) -> Inputs:
        like = inputs[differentiable[0]]
        return {key: _tensor(value, like, layout) if isinstance(value, np.ndarray) else value
                for key, value in inputs.items()}

    def value(**inputs: Any) -> tuple[np.ndarray, ...]:
        with torch.no_grad():
            return tuple(layout.back(y).numpy() for y in call(**tensors(inputs), **layout.arguments))

    def vjp(cotangent: Any, **inputs: Any) -> tuple[np.ndarray, ...]:
        arguments = tensors(inputs)
        leaves = [arguments[key].requires_grad_() for key in differentiable]
        outputs = call(**arguments, **layout.arguments)
        cotangents = [_tensor(c, c, layout) for c in cotangent]
        gradients = torch.autograd.grad(outputs, leaves, cotangents, materialize_grads=True)
        return tuple(layout.back(g).numpy() for g in gradients)

    globals()[name] = value
    if gradient:
        globals()[f"{name}_vjp"] = vjp


def _tensor(x: np.ndarray, like: np.ndarray, layout: Layout) -> torch.Tensor:
    x = np.broadcast_to(x, like.shape).astype(x.dtype if x.dtype == bool else like.dtype)
    return torch.tensor(np.ascontiguousarray(layout.to(x)))


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "gae__loop": _gae(functional.generalized_advantage_estimate),
    "gae__vec": _gae(functional.vec_generalized_advantage_estimate),
    "td1__loop": _td1(""),
    "td1__vec": _td1("vec_"),
    "td_lambda__loop": _td_lambda(""),
    "td_lambda__vec": _td_lambda("vec_"),
    "vtrace__loop": _vtrace,
    "reward_to_go__vec": _reward_to_go,
}
_MODULES: dict[str, Callable[..., Any]] = {
    "gae__module": _gae_module,
    "td0__functional": _td0,  # no step reads another: time may be anywhere
    "td0__module": _td0_module,
    "td1__module": _td1_module,
    "td_lambda__module": _td_lambda_module,
    "standardize__ppo": _standardize_ppo,
    "standardize__gae": _standardize_gae(),
    "standardize__gae_group": _standardize_gae(group_key="group"),
}
_TIME_FIRST = ("gae__vec", "td1__vec", "td_lambda__vec", "vtrace__loop", "reward_to_go__vec")
for _name, _call in _FUNCTIONS.items():
    _offer(_name, _call, BATCH_FIRST)
for _name in _TIME_FIRST:
    _offer(f"{_name}_time_first", _FUNCTIONS[_name], TIME_FIRST)
for _name, _call in _MODULES.items():
    _offer(_name, _call, BATCH_FIRST)
_offer("vtrace__module", _vtrace_module, BATCH_FIRST, gradient=False)  # it holds its actor out of the gradient

# What is known to differ. ``when`` is True wherever the cause is at work, even where it then costs nothing.


def _rounded(*numbers: Any) -> bool:
    """A scalar among them is no float32."""
    with np.errstate(over="ignore"):
        return any(isinstance(x, float) and float(np.float32(x)) != x for x in numbers)


def _gamma_rounded(x: Inputs) -> bool:
    return _rounded(x["gamma"])


def _discount_rounded(x: Inputs) -> bool:
    return _rounded(x["gamma"], x["gamma"] * x["lmbda"])


def _buffers_rounded(x: Inputs) -> bool:
    return _rounded(x["gamma"], x["lmbda"], x["gamma"] * x["lmbda"], 1 - x["lmbda"])


def _lambda_rounded(x: Inputs) -> bool:
    """Beside a gamma per step, even the powers of a lambda that is a float32 are rounded."""
    if isinstance(x["gamma"], np.ndarray):
        return isinstance(x["lmbda"], float) and 0 < x["lmbda"] < 1
    return _buffers_rounded(x)


def _threshold_rounded(x: Inputs) -> bool:
    return _rounded(x["gamma"], x["rho_thresh"], x["c_thresh"])


def _unread(x: Inputs) -> bool:
    """NaN or inf is the value after a termination, which nobody should read."""
    return bool((x["terminated"] & ~np.isfinite(x["next_state_value"])).any())


def _unfinished(x: Inputs) -> bool:
    """A return keeps its own gamma and reaches the last step without an end."""
    return not x["rolling_gamma"] and not x["done"][-1].all()


def _scalars(x: Inputs) -> bool:
    """No parameter has more than one element, so the fast path is taken."""
    arrays = any(isinstance(x.get(name), np.ndarray) for name in ("gamma", "lmbda"))
    return x["reward"].size == 1 or not arrays


def _filter_length(x: Inputs) -> int:
    """How many powers of gamma lambda the fast path keeps."""
    kept = np.float32 if "rolling_gamma" in x else np.float64  # TD(1) and TD(lambda) multiply in float32
    decay = float(kept(np.max(x["gamma"])) * kept(np.max(x.get("lmbda", 1.0))))
    return 0 if decay == 0 else 2**63 if decay >= 1 else int(np.log(1e-7) / np.log(decay))


def _empty_filter(x: Inputs) -> bool:
    return _scalars(x) and _filter_length(x) == 0


def _cut_filter(x: Inputs) -> bool:
    """A trajectory is longer than the filter."""
    if not _scalars(x):
        return False
    longest, length = 0, np.zeros(x["done"].shape[1:], int)
    for done in x["done"]:
        longest = max(longest, int((length + 1).max()))
        length = np.where(done, 0, length + 1)
    return 0 < _filter_length(x) < longest


def _cut_table(x: Inputs) -> bool:
    """Of parameters per step, a product inside a trajectory is below 1e-7 and not 0."""
    if _scalars(x):
        return False
    decay, found = np.ones(x["done"].shape[1:]), False
    for step in np.broadcast_to(x["gamma"] * x["lmbda"], x["done"].shape) * ~x["done"]:
        found |= bool((decay < 1e-7).any())
        decay = np.where(step == 0, 1.0, decay * step)
    return found


def _lambda_per_step(x: Inputs) -> bool:
    return x["rolling_gamma"] and not _scalars(x) and isinstance(x["lmbda"], np.ndarray)


def _lambda_table_fits(x: Inputs) -> bool:
    return _lambda_per_step(x) and isinstance(x["gamma"], np.ndarray) and x["reward"][0].size == 1


def _lambda_table_does_not_fit(x: Inputs) -> bool:
    return _lambda_per_step(x) and not _lambda_table_fits(x)


def _ratio_overflows(x: Inputs) -> bool:
    return bool((x["log_pi"] - x["log_mu"] > np.log(np.finfo(x["log_mu"].dtype).max)).any())


def _weight_below_threshold(x: Inputs) -> bool:
    with np.errstate(divide="ignore"):
        return bool((x["log_pi"] - x["log_mu"] < np.log(np.maximum(x["rho_thresh"], x["c_thresh"]))).any())


def _constant(x: Inputs) -> bool:
    return bool(np.ptp(x["advantage"]) == 0)


def _no_batch_axis(x: Inputs) -> bool:
    return x["reward"].ndim == 1


def _single_number(x: Inputs) -> bool:
    return x["reward"].shape == (1,)


_INT = "gamma * (~done).int() is float32 in torch, whatever the other tensors are"
_BUFFER = "a scalar gamma, lambda or threshold is made a float32 tensor"
_NAN = "masks multiply, and 0 * nan is nan: there and at every step that the recursion carries it to"
_EMPTY = "_geom_series_like makes a filter of no element, or of no axis where gamma lambda is 0"
_CUT = "_geom_series_like drops the powers of r from int(log(1e-7) / log(r)) on, the first of them above 1e-7"
_CUT_TABLE = "powers below 1e-7 are dropped, however large what they weigh"
_ONE_D = "_transpose_time adds an axis to a 1-D input behind time, and squeezes time in the output"
_LAMBDA = "the products of lambda begin at the first step for every return, in a table without a batch axis"
_CLAMP = "clamp_max passes 0 back where it clips, and exp multiplies that by inf"
_SAMPLE = "log_pi is that of a new action of the actor, not of the action taken (_call_actor_net)"
_BOOTSTRAP = "td1_return_estimate starts each return from 0 where rolling_gamma=True starts from V(s'_{T-1})"
_SQRT = "sqrt(variance).clamp_min(eps) passes 0 back at its floor, and sqrt multiplies that by inf"

_NAN_LINK = "https://github.com/pytorch/rl/pull/3744"
_CUT_LINK = "https://github.com/pytorch/rl/pull/365"
_LAMBDA_LINK = "https://github.com/pytorch/rl/pull/4170"

# A star: its gradient too. What holds for a function holds in both layouts. Sizes of "float32" are absolute, on
# N(0, 1) data with T = 2000, gamma 0.99, lambda 0.95; the others are of the smallest input that shows it.
_FAST_PATHS = "gae__vec* td1__vec* td1__module* td_lambda__vec* td_lambda__module* reward_to_go__vec*"
_KNOWN: tuple[tuple[str, Callable[[Inputs], bool], str, str, str, str], ...] = (
    ("gae__loop*", _discount_rounded, "float32", "4.6e-6", _INT, ""),
    ("gae__vec*", _gamma_rounded, "float32", "2.1e-6", _INT, ""),
    ("gae__module*", _buffers_rounded, "float32", "4.6e-6", _BUFFER, ""),
    ("td0__functional* td0__module*", _gamma_rounded, "float32", "3e-8", _INT, ""),
    ("td1__vec* td1__module*", _gamma_rounded, "float32", "1e-5", _BUFFER, ""),
    ("td_lambda__vec* td_lambda__module*", _lambda_rounded, "float32", "2.4e-6", _BUFFER, ""),
    ("vtrace__loop* vtrace__module", _threshold_rounded, "float32", "5.2e-7", f"{_BUFFER}; {_INT}", ""),
    ("gae__loop gae__vec gae__module td0__functional td0__module td1__loop td1__vec td1__module td_lambda__loop"
     " td_lambda__vec td_lambda__module vtrace__loop* vtrace__module", _unread, "differs", "nan", _NAN, _NAN_LINK),
    (_FAST_PATHS, _empty_filter, "crashes", "IndexError", _EMPTY, ""),
    (_FAST_PATHS, _cut_filter, "differs", "0 for 3e-4; up to r, where r ** 2 < 1e-7", _CUT, _CUT_LINK),
    (_FAST_PATHS, _cut_filter, "float32", "2e-6", _CUT, _CUT_LINK),
    ("gae__vec", _cut_table, "differs", "0 for 1e-8", _CUT_TABLE, _CUT_LINK),
    ("gae__vec*", _cut_table, "float32", "1.9e-6", _CUT_TABLE, _CUT_LINK),
    ("td1__loop*", _unfinished, "differs", "0 for gamma V(s'_{T-1})", _BOOTSTRAP, ""),
    ("td1__loop", _unfinished, "float32", "gamma 1e-8", _BOOTSTRAP, ""),
    ("td_lambda__vec* td_lambda__module*", _lambda_table_does_not_fit, "crashes",
     "RuntimeError, AttributeError, IndexError", _LAMBDA, _LAMBDA_LINK),
    ("td_lambda__vec* td_lambda__module*", _lambda_table_fits, "differs", "6 for 2", _LAMBDA, _LAMBDA_LINK),
    ("td_lambda__vec* td_lambda__module*", _lambda_table_fits, "float32", "lambdas nearly equal", _LAMBDA,
     _LAMBDA_LINK),
    ("vtrace__loop_vjp", _ratio_overflows, "differs", "nan for 0", _CLAMP, ""),
    ("vtrace__module", _weight_below_threshold, "differs", "0.82 for 0.5", _SAMPLE, ""),
    ("standardize__gae_group_vjp", _constant, "differs", "nan for 5000", _SQRT, ""),
)


def _names(names: str) -> Iterator[str]:
    for name in names.split():
        base = name.removesuffix("*").removesuffix("_vjp")
        for end in ("", "_vjp") if name.endswith("*") else (name[len(base):],):
            yield base + end
            if base in _TIME_FIRST:
                yield f"{base}_time_first{end}"


DIVERGENCES = tuple(Divergence(name, *row[1:]) for row in _KNOWN for name in _names(row[0])) + tuple(
    Divergence(f"{name}_time_first{end}", when, effect, size, _ONE_D)
    for name in _TIME_FIRST
    for end, when, effect, size in (("", _no_batch_axis, "malformed", "shape [T, 1] or [T, T]"),
                                    ("", _single_number, "crashes", "ValueError or IndexError"),
                                    ("_vjp", _no_batch_axis, "crashes", "the output has another shape")))
