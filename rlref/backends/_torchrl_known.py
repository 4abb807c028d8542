"""What is known to be wrong in torchrl 0.14.1: function, condition, effect, size and cause. Nothing here needs torch.

A condition is True wherever the cause is at work, even where it then costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from rlref.backends import Divergence

Inputs = dict[str, Any]
TIME_FIRST = ("gae__vec", "td1__vec", "td_lambda__vec", "vtrace__loop", "reward_to_go__vec")  # also with time_dim=0


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
    ("gae__vec*", _cut_table, "differs", "0 for 1e-8", _CUT_TABLE, _CUT_LINK),
    ("td1__loop*", _unfinished, "differs", "0 for gamma V(s'_{T-1})", _BOOTSTRAP, ""),
    ("td_lambda__vec* td_lambda__module*", _lambda_table_does_not_fit, "crashes",
     "RuntimeError, AttributeError, IndexError", _LAMBDA, _LAMBDA_LINK),
    ("td_lambda__vec* td_lambda__module*", _lambda_table_fits, "differs", "6 for 2", _LAMBDA, _LAMBDA_LINK),
    ("vtrace__loop_vjp", _ratio_overflows, "differs", "nan for 0", _CLAMP, ""),
    ("vtrace__module", _weight_below_threshold, "differs", "0.82 for 0.5", _SAMPLE, ""),
    ("standardize__gae_group_vjp", _constant, "differs", "nan for 5000", _SQRT, ""),
)


def _names(names: str) -> Iterator[str]:
    for name in names.split():
        base = name.removesuffix("*").removesuffix("_vjp")
        for end in ("", "_vjp") if name.endswith("*") else (name[len(base):],):
            yield base + end
            if base in TIME_FIRST:
                yield f"{base}_time_first{end}"


RETURNS = tuple(Divergence(name, *row[1:]) for row in _KNOWN for name in _names(row[0])) + tuple(
    Divergence(f"{name}_time_first{end}", when, effect, size, _ONE_D)
    for name in TIME_FIRST
    for end, when, effect, size in (("", _no_batch_axis, "malformed", "shape [T, 1] or [T, T]"),
                                    ("", _single_number, "crashes", "ValueError or IndexError"),
                                    ("_vjp", _no_batch_axis, "crashes", "the output has another shape")))
