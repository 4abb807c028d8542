"""Mistakes about gamma and lambda, and about the axis and the direction of time."""

from __future__ import annotations

import functools

import numpy as np

from rlref.conformance.mistakes import mistake
from rlref.conformance.mistakes.ends import ahead, bootstrap

PARAMETERS = ("gamma", "lmbda", "rho_thresh", "c_thresh")


def per_start(wrong):
    """``wrong`` where gamma and lambda belong to step t; without rolling_gamma, it is run once for each start."""
    @functools.wraps(wrong)
    def each(right, x):
        if x.get("rolling_gamma", True) or not any(np.ndim(x[name]) for name in PARAMETERS if name in x):
            return wrong(right, x)
        rows = [wrong(right, _from(x, k)) for k in range(len(x["reward"]))]
        return type(rows[0])(*(np.stack([out[0] for out in outs]) for outs in zip(*rows, strict=True)))
    return each


def _from(x, k):
    own = {name: np.broadcast_to(x[name], x["reward"].shape)[k : k + 1] for name in PARAMETERS if name in x}
    return {name: value[k:] for name, value in x.items() if np.ndim(value)} | own | {"rolling_gamma": True}


def weight(x):
    """How much of V(s'_t) a lambda-return takes by itself: all of it at an end, else 1 - lambda (TD(1): nothing)."""
    cut = np.concatenate([x["done"][:-1], np.ones_like(x["done"][-1:])])
    return np.where(cut, 1.0, 1.0 - x.get("lmbda", 1.0))


# gamma and lambda


@mistake("gamma is 1 whatever was asked for", "https://github.com/takuseno/d3rlpy/issues/346")
def gamma_ignored(right, x):
    return right(**x | {"gamma": 1.0})


@mistake("gamma_{t+1} is used for gamma_t, as in Sutton and Barto's indexing but without translating it", "folklore")
def gamma_read_one_step_late(right, x):
    gamma = np.asarray(x["gamma"])
    return right(**x | {"gamma": ahead(gamma, gamma[-1]) if gamma.ndim else x["gamma"]})


@mistake("the discount weights are gamma, gamma^2, ... and not 1, gamma, ...: the reward is discounted too",
         "https://github.com/juliusfrost/dreamer-pytorch/pull/59")
@per_start
def discount_weights_start_at_gamma(right, x):
    return right(**x | {"reward": x["gamma"] * x["reward"]})


@mistake("gamma and lambda are passed in each other's place", "folklore")
def gamma_and_lambda_swapped(right, x):
    return right(**x | {"gamma": x["lmbda"], "lmbda": x["gamma"]})


@mistake("lambda is left out, as if it were 1", "folklore")
def lambda_ignored(right, x):
    return right(**x | {"lmbda": 1.0})


@mistake("nothing is carried back from later steps: a one-step estimate whatever lambda is",
         "https://github.com/4kasha/CartPole_PPO/issues/1")
def one_step_only(right, x):
    return right(**x | {"done": np.ones_like(x["done"])})


@mistake("gamma is missing where later steps are carried back: the trace decays by lambda (or c) alone",
         "https://github.com/chainer/chainerrl/pull/126")
@per_start
def gamma_missing_in_trace(right, x):
    used = weight(x) if "rolling_gamma" in x else 1.0
    return right(**x | {"gamma": 1.0, "reward": x["reward"] - (1 - x["gamma"]) * used * bootstrap(x)})


@mistake("gamma is missing before V(s'_t): only what is carried back is discounted", "folklore")
@per_start
def gamma_missing_on_bootstrap(right, x):
    return right(**x | {"reward": x["reward"] + (1 - x["gamma"]) * weight(x) * bootstrap(x)})


@mistake("rolling_gamma=False is ignored: each step uses its own gamma and lambda, not those of the return's start",
         "folklore")
def rolling_gamma_ignored(right, x):
    return right(**x | {"rolling_gamma": True})


@mistake("rolling_gamma=True is ignored: a return uses the gamma and lambda of its start at every step", "folklore")
def gamma_never_rolls(right, x):
    return right(**x | {"rolling_gamma": False})


# Time


@mistake("r_{t-1} is used for r_t: each reward is stored with the observation that it came with",
         "https://github.com/openai/spinningup/issues/50")
def reward_read_one_step_early(right, x):
    return right(**x | {"reward": ahead(x["reward"][::-1], 0.0)[::-1]})


@mistake("the recursion runs forward in time: each step collects what came before it",
         "https://github.com/mohmdelsayed/streaming-drl/issues/3")
def time_reversed(right, x):
    steps = len(x["reward"])
    result = right(**{name: value[::-1] if np.ndim(value) and len(value) == steps else value
                      for name, value in x.items()})
    return type(result)(*(out[::-1] for out in result))


@mistake("the recursion runs along the first batch axis in place of time",
         "https://github.com/juliusfrost/dreamer-pytorch/pull/59")
def discounts_over_batch_axis(right, x):
    if x["reward"].ndim == 1:
        return right(**x)
    result = right(**{name: np.swapaxes(value, 0, 1) if np.ndim(value) else value for name, value in x.items()})
    return type(result)(*(np.swapaxes(out, 0, 1) for out in result))
