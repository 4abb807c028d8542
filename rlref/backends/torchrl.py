"""torchrl 0.14.1: the functional estimators, loop and vectorized, and the estimator modules as they come.

Three ways in, which run different code:

    gae__loop, gae__vec              [*B, T, 1], the layout of the documentation, time at -2
    gae__vec_time_first, ...         [T, *B] with time_dim=0
    gae__module                      the module a user would build, values already in the tensordict

Scalars go in as Python floats, arrays as tensors of the full shape. Gradients are autograd's.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from rlref.backends._torchrl_known import RETURNS, TIME_FIRST
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

    from rlref.backends import (
        _torchrl_bootstraps,
        _torchrl_c51,
        _torchrl_critics,
        _torchrl_distributions,
        _torchrl_dreamer,
        _torchrl_policy,
        _torchrl_sac,
        _torchrl_values,
    )
    from rlref.backends._torchrl_leaves import offer
except ImportError as error:
    raise ImportError("this backend needs torchrl: pip install 'rlref[torchrl]'") from error

__all__ = ["DIVERGENCES", "VERSION"]  # besides the functions that _offer and offer define

VERSION = f"torchrl {torchrl.__version__}, torch {torch.__version__}"
Inputs = dict[str, Any]


class Layout(NamedTuple):
    """Where torchrl is told that the axes are, and how to get there and back."""

    to: Callable[[np.ndarray], np.ndarray]
    back: Callable[[torch.Tensor], torch.Tensor]
    arguments: dict[str, int]


BATCH_FIRST = Layout(lambda x: np.moveaxis(x, 0, -1)[..., None], lambda y: y.squeeze(-1).movedim(-1, 0), {})
TIME_AT_ZERO = Layout(lambda x: x, lambda y: y, {"time_dim": 0})


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
for _name, _call in _FUNCTIONS.items():
    _offer(_name, _call, BATCH_FIRST)
for _name in TIME_FIRST:
    _offer(f"{_name}_time_first", _FUNCTIONS[_name], TIME_AT_ZERO)
for _name, _call in _MODULES.items():
    _offer(_name, _call, BATCH_FIRST)
_offer("vtrace__module", _vtrace_module, BATCH_FIRST, gradient=False)  # it holds its actor out of the gradient

_GROUPS = (_torchrl_bootstraps, _torchrl_values, _torchrl_c51, _torchrl_critics, _torchrl_sac, _torchrl_policy,
           _torchrl_dreamer, _torchrl_distributions)  # of losses and distributions, each with FUNCTIONS and DIVERGENCES
for _group in _GROUPS:
    for _name, _call in _group.FUNCTIONS.items():
        offer(globals(), _name, _call)
DIVERGENCES = RETURNS + tuple(one for group in _GROUPS for one in group.DIVERGENCES)
