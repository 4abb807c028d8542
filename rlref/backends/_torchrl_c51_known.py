"""What is known to be wrong in torchrl 0.14.1's C51, reductions, value clipping and target updates, without torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rlref.backends import Divergence, always

Inputs = dict[str, Any]
When = Callable[[Inputs], bool]


# DistributionalDQNLoss


def _nothing_times_log_nothing(x: Inputs) -> bool:
    """The prediction rules out an atom that the target rules out too."""
    taken = np.take_along_axis(x["action_log_probs"], x["action"][..., None, None], axis=-2)[..., 0, :]
    return bool((np.isinf(taken) & (x["target_probs"] == 0)).any())


def _one_gamma(x: Inputs) -> bool:
    return not isinstance(x["gamma"], np.ndarray)


def _unequal(x: Inputs) -> bool:
    gaps = np.diff(x["support"])
    return bool(np.ptp(gaps) > 1e-6 * gaps.max())


def _above_the_top(dtype: type) -> When:
    """In ``dtype``, b = (v_max - v_min) / dz is above K - 1, and the last sample has an atom at v_max."""
    def when(x: Inputs) -> bool:
        support = x["support"].astype(dtype)
        low, high = float(support[0]), float(support[-1])
        top = (support[-1] - dtype(low)) / dtype((high - low) / (support.size - 1))
        discount = dtype(np.broadcast_to(x["gamma"], x["reward"].shape).ravel()[-1])
        landed = dtype(x["reward"].ravel()[-1]) + (0 if x["terminated"].ravel()[-1] else discount) * support
        return bool(top > support.size - 1 and (landed >= support[-1]).any())
    return when


def _samples(x: Inputs) -> int:
    return x["reward"].size


def _sizes_clash(x: Inputs) -> bool:
    return _samples(x) not in (1, x["support"].size)


def _sizes_fit(x: Inputs) -> bool:
    """As many samples as atoms, more than one, and their discounts differ."""
    return _samples(x) == x["support"].size and np.ptp(x["gamma"]) > 0


def _one_sample(when: When) -> When:
    return lambda x: not _sizes_clash(x) and when(x)


# Reductions


def _unread(*names: str, but: tuple[str, ...]) -> When:
    """NaN or infinity is where the mask is False, and the reduction is not one of ``but``."""
    return lambda x: x["reduction"] not in but and any((~np.isfinite(x[name]) & ~x["mask"]).any() for name in names)


# Clipped values


def _distance(difference: np.ndarray, loss_function: str) -> np.ndarray:
    size = np.abs(difference)
    if loss_function == "smooth_l1":
        return np.where(size < 1, size * size / 2, size - 0.5)
    return size if loss_function == "l1" else size * size


def _clips(x: Inputs) -> np.ndarray:
    return np.abs(x["state_value"] - x["old_state_value"]) > x["clip_value"]


def _both(x: Inputs) -> tuple[np.ndarray, np.ndarray]:
    """d(V - G) and d(V_clip - G)."""
    moved = np.clip(x["state_value"] - x["old_state_value"], -x["clip_value"], x["clip_value"])
    values = x["state_value"], x["old_state_value"] + moved
    return tuple(_distance(v - x["value_target"], x["loss_function"]) for v in values)  # type: ignore[return-value]


def _tie(x: Inputs) -> bool:
    plain, clipped = _both(x)
    return bool((_clips(x) & (plain == clipped) & (plain > 0)).any())


def _rounded_back(x: Inputs) -> bool:
    """Inside the clip, V_old + (V - V_old) is not quite V, and farther from G."""
    plain, clipped = _both(x)
    return bool((~_clips(x) & (clipped > plain)).any())


def _off(x: Inputs) -> bool:
    """A clip of 0, and V is not V_old."""
    return x["clip_value"] == 0 and bool(_clips(x).any())


def _off_and_worse(x: Inputs) -> bool:
    plain, clipped = _both(x)
    return x["clip_value"] == 0 and bool((_clips(x) & (clipped >= plain)).any())


def _rounded_clip(x: Inputs) -> bool:
    return float(np.float32(x["clip_value"])) != x["clip_value"]


def _any_clipped(x: Inputs) -> bool:
    return bool(_clips(x).any())


def _any_worse(x: Inputs) -> bool:
    plain, clipped = _both(x)
    return bool((_clips(x) & (clipped > plain)).any())


# Target networks


def _differ(x: Inputs) -> bool:
    return bool((x["params"] != x["target_params"]).any())


def _never_moves(x: Inputs) -> bool:
    return x["tau"] > 0 and 1 - x["tau"] == 1 and _differ(x)


def _tau_rounded(x: Inputs) -> bool:
    return 1 - x["tau"] != 1 and 1 - (1 - x["tau"]) != x["tau"]


def _moves(x: Inputs) -> bool:
    return x["tau"] > 0 and _differ(x)


def _late(x: Inputs) -> bool:
    """It is an update at which one of n and n + 1 copies."""
    return (x["step"] % x["interval"] == 0) != (x["step"] % (x["interval"] + 1) == 0) and _differ(x)


def _copies(x: Inputs) -> bool:
    return x["step"] % x["interval"] == 0 and _differ(x)


_FLOAT32 = "m = torch.zeros(...) is of the default dtype: float64 inputs are a RuntimeError of index_add_"
_ZERO = "m * log p is 0 * -inf, which is nan"
_GAPS = "b = (Tz - v_min) / dz has one dz; a support with other gaps is taken without a word"
_TOP = ("(v_max - v_min) / dz is rounded to more than K - 1, and its ceiling is the first atom of the next sample:"
        " there the mass goes, or, from the last sample, an IndexError comes")
_STEPS = "steps_to_next_obs is [B], as MultiStep writes it, and is multiplied with [B, 1] and [K], not as [B, 1]"
_STEPS_LINK = "https://github.com/pytorch/rl/pull/2270"
_MASK = "0 * nan is nan: the mask multiplies the weights, and in _reduce the losses too"
_HALF = "a convention: torch.maximum gives each of two equal losses one half of the derivative, rlref all to V - G"
_BACK = "inside the clip V_old + (V - V_old) is V plus a rounding, and torch.maximum takes it where that is worse"
_OFF = "`if self.clip_value:` takes a clip of 0 for none"
_BUFFER = "clip_value is made a float32 tensor"
_FRESH = "the value estimator overwrites the V_old of the data before loss_critic reads it: nothing is ever clipped"
_EPS = "tau is kept as eps = 1 - tau and used as 1 - eps"
_BUFFERS = "init_ keeps what requires a gradient; buffers (running statistics) stay as they were at the start"
_BUFFERS_LINK = "https://github.com/pytorch/rl/issues/1702"
_LATE = "the counter is compared with the interval before it is raised, and reset to 0: a copy every interval + 1 steps"

_KNOWN: tuple[tuple[str, When, str, str, str, str], ...] = (
    ("distributional_dqn__float32 distributional_dqn__float32_vjp categorical_projection__float32", always,
     "float32", "1e-7", _FLOAT32, ""),
    ("distributional_dqn__float32 distributional_dqn__default_dtype", _nothing_times_log_nothing,
     "differs", "nan", _ZERO, ""),
    ("categorical_projection__float32 categorical_projection__default_dtype",
     lambda x: _one_gamma(x) and _unequal(x), "differs", "0.35 for 0.25", _GAPS, ""),
    ("categorical_projection__float32", lambda x: _one_gamma(x) and _above_the_top(np.float32)(x),
     "crashes", "IndexError", _TOP, ""),
    ("categorical_projection__default_dtype", lambda x: _one_gamma(x) and _above_the_top(np.float64)(x),
     "crashes", "IndexError", _TOP, ""),
    ("categorical_projection__multi_step", _sizes_clash, "crashes", "RuntimeError", _STEPS, _STEPS_LINK),
    ("categorical_projection__multi_step", _sizes_fit, "differs", "0.5 for 0.25", _STEPS, _STEPS_LINK),
    ("categorical_projection__multi_step", _one_sample(_unequal), "differs", "0.35 for 0.25", _GAPS, ""),
    ("reduction__module", _unread("weight", but=()), "differs", "nan", _MASK, ""),
    ("reduction__module_vjp", _unread("weight", but=("none", "sum")), "differs", "nan", _MASK, ""),
    ("reduction__function", _unread("loss", "weight", but=("none",)), "differs", "nan", _MASK, ""),
    ("reduction__function_vjp", _unread("weight", but=("none",)), "differs", "nan", _MASK, ""),
    ("clipped_value__function_vjp clipped_value__ppo_vjp clipped_value__a2c_vjp clipped_value__reinforce_vjp",
     _tie, "differs", "0.5 for 1", _HALF, ""),
    ("clipped_value__function_vjp clipped_value__ppo_vjp clipped_value__a2c_vjp clipped_value__reinforce_vjp",
     _rounded_back, "differs", "-1 for 1; 1 for 0", _BACK, ""),
    ("clipped_value__function clipped_value__ppo clipped_value__a2c clipped_value__reinforce", _rounded_back,
     "differs", "9e-18 for 1e-18", _BACK, ""),
    *((f"clipped_value__{name} clipped_value__{name}_vjp", _rounded_back, "float32", "5e-11 of the loss", _BACK, "")
      for name in ("function", "ppo", "a2c", "reinforce")),
    ("clipped_value__ppo clipped_value__a2c clipped_value__reinforce clipped_value__reinforce_forward", _off,
     "differs", "0.25 for 1", _OFF, ""),
    ("clipped_value__ppo_vjp clipped_value__a2c_vjp clipped_value__reinforce_vjp", _off_and_worse,
     "differs", "-1 for 0", _OFF, ""),
    ("clipped_value__ppo clipped_value__a2c clipped_value__reinforce", _rounded_clip, "float32", "1e-8", _BUFFER, ""),
    ("clipped_value__reinforce_forward", _any_clipped, "differs", "0.25 for 1", _FRESH, ""),
    ("clipped_value__reinforce_forward_vjp", _any_worse, "differs", "-1 for 0", _FRESH, ""),
    ("soft_update", _never_moves, "differs", "0 for 1e-17", _EPS, ""),
    ("soft_update", _tau_rounded, "float32", "5e-9 at tau = 1e-8", _EPS, ""),
    ("soft_update__buffers", _moves, "differs", "nothing moves", _BUFFERS, _BUFFERS_LINK),
    ("hard_update", _late, "differs", "not copied, or copied", _LATE, ""),
    ("hard_update__buffers", _copies, "differs", "not copied", _BUFFERS, _BUFFERS_LINK),
)
DIVERGENCES = tuple(Divergence(name, *row[1:]) for row in _KNOWN for name in row[0].split())
