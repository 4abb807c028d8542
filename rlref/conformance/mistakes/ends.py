"""Mistakes about how trajectories end, and about V(s'_t), that every bootstrapping estimator can make."""

from __future__ import annotations

import numpy as np

from rlref.conformance.mistakes import mistake


def ahead(a, last):
    """a_{t+1} in row t, and ``last`` in the last row."""
    return np.concatenate([a[1:], np.broadcast_to(last, a[-1:].shape)])


def bootstrap(x):
    """V(s'_t), 0 where terminated."""
    return np.where(x["terminated"], 0.0, x["next_state_value"])


def truncated(x):
    """Where a trajectory is cut off although the MDP goes on."""
    return x["done"] & ~x["terminated"]


def read(right, x, **changes):
    """``right`` of changed inputs, though it then reads values that it should not.

    A NaN (or infinity) among them is NaN in every result from its step back to the first, as where masks multiply.
    """
    x = x | changes
    if "next_state_value" not in x:
        return right(**x)
    alien = ~np.isfinite(x["next_state_value"]) & ~x["terminated"]
    result = right(**x | {"next_state_value": np.where(alien, 0.0, x["next_state_value"])})
    return poisoned(result, alien, x)


def poisoned(result, alien, x):
    """``result`` with NaN at the ``alien`` steps, and at all before them if the page is a recursion."""
    if x.keys() & {"lmbda", "rolling_gamma", "c_thresh"}:
        alien = np.logical_or.accumulate(alien[::-1])[::-1]
    return result._replace(**{name: np.where(alien, np.nan, out) for name, out in result._asdict().items()})


# Masks


@mistake("terminated is not looked at: V(s'_t) is bootstrapped after the end of the MDP as well",
         "https://github.com/seungeunrho/minimalRL/issues/32")
def no_termination_mask(right, x):
    return read(right, x, terminated=np.zeros_like(x["terminated"]))


@mistake("the bootstrap is cut by done, so a truncation counts as a termination",
         "https://github.com/Toni-SM/skrl/issues/449")
def truncation_treated_as_termination(right, x):
    return right(**x | {"terminated": x["done"]})


@mistake("the recursion is cut by terminated alone, so what follows a truncation leaks back into it",
         "https://github.com/Toni-SM/skrl/issues/449")
def trace_not_cut_at_truncation(right, x):
    return right(**x | {"done": x["terminated"]})


@mistake("done and terminated are not looked at: the batch is one endless trajectory",
         "https://github.com/nikhilbarhate99/PPO-PyTorch/issues/8")
def done_ignored(right, x):
    return read(right, x, **{name: np.zeros_like(x[name]) for name in ("done", "terminated") if name in x})


@mistake("the end of step t is read from the masks of step t + 1; only the last step reads its own",
         "https://github.com/anthonytorlucci/rlevo/issues/342")
def done_read_one_step_late(right, x):
    return read(right, x, **{name: ahead(x[name], x[name][-1]) for name in ("done", "terminated") if name in x})


@mistake("the end of step t is read from the masks of step t - 1, as if done meant that the state starts an episode",
         "folklore")
def done_read_one_step_early(right, x):
    return read(right, x, **{name: ahead(x[name][::-1], False)[::-1] for name in ("done", "terminated") if name in x})


@mistake("the mask is taken for its opposite, as where a not-done mask is passed for done", "folklore")
def mask_inverted(right, x):
    inverted = {name: ~x[name] for name in ("done", "terminated") if name in x}
    inverted["done"] = inverted["done"] | inverted.get("terminated", False)
    return read(right, x, **inverted)


@mistake("the mask multiplies the whole target, so the reward of the terminal step is lost", "folklore")
def reward_masked_too(right, x):
    return right(**x | {"reward": np.where(x["terminated" if "terminated" in x else "done"], 0.0, x["reward"])})


@mistake("masks multiply instead of selecting: 0 times NaN is NaN, at the terminal step and at all before it",
         "https://github.com/anthonytorlucci/rlevo/pull/358")
def mask_times_nan(right, x):
    return poisoned(right(**x), ~np.isfinite(x["next_state_value"]) & x["terminated"], x)


@mistake("the bootstrap of the last step is multiplied by 1 minus the number of terminations in the whole batch column",
         "https://github.com/oxwhirl/pymarl/issues/109")
def terminal_flag_summed_over_time(right, x):
    terminated, following = x["terminated"].copy(), x["next_state_value"].copy()
    lmbda = np.broadcast_to(x.get("lmbda", 1.0), following.shape)[-1]  # of TD(1), where there is none
    with np.errstate(invalid="ignore"):
        following[-1] *= lmbda * (1 - terminated.sum(axis=0)) + (1 - lmbda) * ~terminated[-1]
    terminated[-1] = False
    return read(right, x, terminated=terminated, next_state_value=following)


# Which value


@mistake("V(s'_t) is read from the next row, which after a truncation is the first state of another trajectory",
         "https://github.com/pytorch/rl/commit/b28e4a46238bc93e48364bf31e9b5b58d1e9a3fb")
def next_value_is_post_reset(right, x):
    following = ahead(x["state_value"], x["next_state_value"][-1])
    return right(**x | {"next_state_value": np.where(x["terminated"], 0.0, following)})


@mistake("at a truncation the reward is patched with gamma V(s_t) in place of gamma V(s'_t)",
         "https://github.com/leggedrobotics/rsl_rl/issues/151")
def timeout_bootstraps_current_state(right, x):
    return right(**x | {"next_state_value": np.where(truncated(x), x["state_value"], x["next_state_value"])})


@mistake("V(s_t) is bootstrapped in place of V(s'_t), at every step",
         "https://github.com/seungeunrho/minimalRL/pull/16")
def retrace_uses_current_value(right, x):
    return right(**x | {"next_state_value": x["state_value"]})


@mistake("the bootstrap is zeroed one step too early: V(s'_t) counts as 0 where step t + 1 terminates",
         "https://github.com/ray-project/ray/issues/57683")
def value_of_preterminal_state_zeroed(right, x):
    inside = ~x.get("done", x["terminated"])
    zeroed = ahead(x["terminated"], False) & inside
    return right(**x | {"next_state_value": np.where(zeroed, 0.0, x["next_state_value"])})


@mistake("the last step bootstraps from V(s_{T-1}), the last value stored, in place of V(s'_{T-1})",
         "https://github.com/DLR-RM/stable-baselines3/commit/fc9527157a6728075043a772a22cfb1da2783efb")
def stale_last_value(right, x):
    following = x["next_state_value"].copy()
    following[-1] = x["state_value"][-1]
    return right(**x | {"next_state_value": following})


@mistake("the last step of the batch does not bootstrap, as if every trajectory terminated there",
         "https://github.com/rohitg00/ai-engineering-from-scratch/pull/54")
def last_step_not_bootstrapped(right, x):
    last = {name: x[name].copy() for name in ("done", "terminated") if name in x}
    for mask in last.values():
        mask[-1] = True
    return right(**x | last)


# TD errors


@mistake("the TD error of a truncated step is set to 0; only the carry into it should be",
         "https://github.com/EdanToledo/Stoix/issues/142")
def delta_zeroed_at_truncation(right, x):
    return right(**x | {"reward": np.where(truncated(x), x["state_value"] - x["gamma"] * bootstrap(x), x["reward"])})


@mistake("the loop ends at T - 2: the last advantage is 0, and nothing of the last step reaches those before",
         "https://github.com/PufferAI/PufferLib/pull/445")
def last_advantage_zero(right, x):
    reward = x["reward"].copy()
    reward[-1] = (x["state_value"] - x["gamma"] * bootstrap(x))[-1]
    return right(**x | {"reward": reward})
