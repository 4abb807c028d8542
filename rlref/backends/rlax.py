"""rlax 0.1.9: its multistep returns, TD learning and V-trace, mapped over the batch, in float64 where asked. Its losses
are in ``_rlax_losses``.

rlax has no masks, only discounts: a termination is a discount of 0, a truncation a lambda of 0 where the function
takes a lambda, and else the end of the arrays. Where a function knows one value per state, V(s'_t) must be V(s_{t+1})
inside a trajectory. Gradients are those of ``jax.vjp``, with no target stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from rlref.backends import Divergence
from rlref.pages import find

try:
    import jax
    import jax.numpy as jnp
    import rlax

    from rlref.backends import _rlax_losses
except ImportError as error:
    raise ImportError("this backend needs rlax: pip install 'rlref[rlax]'") from error

VERSION = f"rlax {rlax.__version__}, jax {jax.__version__}"
Inputs = dict[str, Any]

# The calls, on one trajectory: every argument is an array [T], masks are 0.0 or 1.0


def _discount(x: Inputs):
    return x["gamma"] * (1 - x["terminated"])


def _gae_from(x: Inputs, advantage):
    return advantage, advantage + x["state_value"]


def _gae_truncated(x: Inputs):
    values = jnp.concatenate([x["state_value"], x["next_state_value"][-1:]])
    return _gae_from(x, rlax.truncated_generalized_advantage_estimation(
        x["reward"], _discount(x), x["lmbda"], values))


def _gae_vtrace(x: Inputs):
    """V-trace on-policy is GAE, and takes V(s'_t) beside V(s_t)."""
    return _gae_from(x, rlax.vtrace(
        x["state_value"], x["next_state_value"], x["reward"], _discount(x), jnp.ones_like(x["reward"]),
        x["lmbda"] * (1 - x["done"]), stop_target_gradients=False))


def _td0(x: Inputs):
    learn = jax.vmap(partial(rlax.td_learning, stop_target_gradients=False))
    advantage = learn(x["state_value"], x["reward"], _discount(x), x["next_state_value"])
    return advantage, rlax.n_step_bootstrapped_returns(x["reward"], _discount(x), x["next_state_value"], n=1)


def _td1_discounted(x: Inputs):
    target = rlax.discounted_returns(x["reward"], _discount(x), x["next_state_value"][-1])
    return target - x["state_value"], target


def _td_lambda(x: Inputs):
    lmbda = x.get("lmbda", 1.0) * (1 - x["done"])
    advantage = rlax.td_lambda(x["state_value"], x["reward"], _discount(x), x["next_state_value"], lmbda,
                               stop_target_gradients=False)
    return advantage, rlax.lambda_returns(x["reward"], _discount(x), x["next_state_value"], lmbda)


def _td_lambda_off_policy(x: Inputs):
    """With q = v and c = lambda."""
    v, lmbda = x["next_state_value"], x["lmbda"] * (1 - x["done"])
    target = rlax.general_off_policy_returns_from_q_and_v(v[:-1], v, x["reward"], _discount(x), lmbda[:-1])
    return target - x["state_value"], target


def _per_start(call: Callable, x: Inputs):
    """rolling_gamma=False: for each start, the whole return with that start's gamma and lambda."""
    def start(t):
        own = {name: jnp.full_like(x[name], x[name][t]) for name in ("gamma", "lmbda") if name in x}
        return tuple(y[t] for y in call(x | own))
    return jax.vmap(start)(jnp.arange(len(x["reward"])))


def _vtrace(x: Inputs):
    threshold = x["rho_thresh"][-1]  # one for all steps
    out = rlax.vtrace_td_error_and_advantage(
        x["state_value"], x["next_state_value"], x["reward"], _discount(x), jnp.exp(x["log_pi"] - x["log_mu"]),
        clip_rho_threshold=threshold, clip_pg_rho_threshold=threshold, stop_target_gradients=False)
    return out.pg_advantage, out.errors + x["state_value"]


def _reward_to_go(x: Inputs):
    return (rlax.discounted_returns(x["reward"], x["gamma"] * (1 - x["done"]), 0.0),)


# What rlax cannot be asked


def _one_value_per_state(x: Inputs) -> None:
    if not np.array_equal(x["next_state_value"][:-1][~x["done"][:-1]], x["state_value"][1:][~x["done"][:-1]]):
        raise NotImplementedError("it takes one value per state: V(s'_t) = V(s_{t+1}) inside a trajectory")


def _fixed_thresholds(x: Inputs) -> None:
    if np.any(x["c_thresh"] != 1) or isinstance(x["rho_thresh"], np.ndarray):
        raise NotImplementedError("it clips c at 1, and rho at one threshold for all steps")


def _finite_ratio(x: Inputs) -> None:
    with np.errstate(over="ignore"):
        if not np.isfinite(np.exp(x["log_pi"] - x["log_mu"])).all():
            raise NotImplementedError("it is given the ratio of probabilities, and this one is infinite")


# From arrays [L] to arrays [T, *B]


def _pieces(x: Inputs, split: bool) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Steps and columns of [T, N]: everything, or, grouped by length, what lies between truncations."""
    truncated = x["done"] & ~x["terminated"] if split else np.zeros_like(x["done"])
    truncated = truncated.reshape(len(truncated), -1)
    groups: dict[int, list[tuple[int, int]]] = {}
    for column, ends in enumerate(truncated.T):
        stops = sorted({*(np.flatnonzero(ends) + 1).tolist(), len(ends)})
        for start, stop in zip([0, *stops], stops, strict=False):
            groups.setdefault(stop - start, []).append((start, column))
    for length, places in groups.items():
        starts, columns = np.array(places).T
        yield starts + np.arange(length)[:, None], columns


def _padded(x: np.ndarray) -> np.ndarray:
    """[L, k] with both made powers of two, 8 or more, by zeros, so that few shapes are compiled: steps before the
    first, which have no part in what comes after them, and more columns."""
    steps, columns = (max(8, 1 << (n - 1).bit_length()) for n in x.shape)
    return np.pad(x, ((steps - len(x), 0), (0, columns - x.shape[1])))


def _offer(name: str, call: Callable, *checks: Callable, split: bool = False,
           gradient: bool = True) -> None:
    """Define ``name`` and ``name_vjp`` in this module."""
    page = find(name.partition("__")[0])
    differentiable = page.differentiable

    def on_batch(settings: tuple) -> Callable:
        fixed = dict(settings)
        rolling = fixed.pop("rolling_gamma", True)

        def function(x: Inputs):
            return call(x | fixed)

        return jax.vmap(function if rolling else partial(_per_start, function), in_axes=1, out_axes=1)

    @partial(jax.jit, static_argnums=1)
    def values(x: Inputs, settings: tuple):
        return tuple(on_batch(settings)(x))

    @partial(jax.jit, static_argnums=2)
    def gradients(x: Inputs, cotangent: tuple, settings: tuple):
        def of(leaves):
            return tuple(on_batch(settings)(x | leaves))
        (by,) = jax.vjp(of, {key: x[key] for key in differentiable})[1](cotangent)
        return tuple(by[key] for key in differentiable)

    def run(inputs: Inputs, cotangent: tuple | None = None) -> tuple[np.ndarray, ...]:
        shape, dtype = inputs["reward"].shape, inputs["reward"].dtype
        for check in checks:
            check(inputs)
        fixed = {key: value for key, value in inputs.items() if page.arguments[key].setting}
        if "rolling_gamma" in fixed and not any(isinstance(inputs.get(key), np.ndarray) for key in ("gamma", "lmbda")):
            fixed["rolling_gamma"] = True  # the same then, and cheaper
        settings = tuple(fixed.items())
        flat = {key: np.broadcast_to(value, shape).astype(dtype).reshape(shape[0], -1)
                for key, value in inputs.items() if key not in fixed}
        results = None
        for place in _pieces(inputs, split):
            steps, columns = place[0].shape
            piece = {key: _padded(value[place]) for key, value in flat.items()}
            with jax.enable_x64(dtype == np.float64):  # for these calls only: the setting is everybody's
                if cotangent is None:
                    found = values(piece, settings)
                else:
                    by = tuple(_padded(c.reshape(shape[0], -1)[place]) for c in cotangent)
                    found = gradients(piece, by, settings)
            if results is None:
                results = tuple(np.empty((shape[0], flat["reward"].shape[1]), y.dtype) for y in found)
            for out, y in zip(results, found, strict=True):
                out[place] = np.asarray(y)[-steps:, :columns]
        return tuple(out.reshape(shape) for out in results or ())

    globals()[name] = lambda **inputs: run(inputs)
    if gradient:
        globals()[f"{name}_vjp"] = lambda cotangent, **inputs: run(inputs, tuple(cotangent))


_offer("gae__truncated", _gae_truncated, _one_value_per_state, split=True, gradient=False)  # V(s'_t) is no input
_offer("gae__vtrace", _gae_vtrace)
_offer("td0", _td0)
_offer("td1__discounted_returns", _td1_discounted, split=True)
_offer("td1__lambda_returns", _td_lambda)
_offer("td_lambda__lambda_returns", _td_lambda)
_offer("td_lambda__off_policy", _td_lambda_off_policy)
_offer("vtrace", _vtrace, _fixed_thresholds, _finite_ratio, split=True)
_offer("reward_to_go", _reward_to_go)
for _name, (_call, *_checks) in _rlax_losses.FUNCTIONS.items():
    _rlax_losses.offer(globals(), _name, _call, *_checks, time=_name in _rlax_losses.OVER_TIME)


def _unread(x: Inputs) -> bool:
    """NaN or inf as the value after a termination, which nobody should read."""
    return bool((x["terminated"] & ~np.isfinite(x["next_state_value"])).any())


def _unread_last(x: Inputs) -> bool:
    """The same where it is the last of the arrays: of those before, these functions read no V(s'_t)."""
    ends = x["done"] & ~x["terminated"]
    ends[-1] = True
    return bool((x["terminated"] & ends & ~np.isfinite(x["next_state_value"])).any())


def _tie(x: Inputs) -> bool:
    return bool((x["log_pi"] == x["log_mu"]).any())


_NAN = "a termination is a discount of 0, and 0 * nan is nan"
_TIE = "a convention: at rho = 1 jnp.minimum passes one half of the derivative, rlref and torch all of it"

DIVERGENCES: tuple[Divergence, ...] = (
    Divergence("gae__truncated", _unread_last, "differs", "nan", _NAN),
    Divergence("gae__vtrace", _unread, "differs", "nan", _NAN),
    Divergence("td0", _unread, "differs", "nan", _NAN),
    Divergence("td1__discounted_returns", _unread_last, "differs", "nan", _NAN),
    Divergence("td1__lambda_returns", _unread, "differs", "nan", _NAN),
    Divergence("td_lambda__lambda_returns", _unread, "differs", "nan", _NAN),
    Divergence("td_lambda__off_policy", _unread, "differs", "nan", _NAN),
    Divergence("vtrace", _unread, "differs", "nan", _NAN),
    Divergence("vtrace_vjp", _unread, "differs", "nan", _NAN),
    Divergence("vtrace_vjp", _tie, "differs", "0.5 for 1", _TIE),
    *_rlax_losses.DIVERGENCES,
)
