"""Known mistakes in the periodic copy of a target network."""

from __future__ import annotations

from rlref.conformance.mistakes import mistake
from rlref.conformance.mistakes.soft_update import (  # noqa: F401  (found by looking)
    polyak_skips_buffers,
    target_is_same_object,
)
from rlref.targets.hard_update import Updated


@mistake("a counter that is compared before it is raised, and reset to 0: a copy every n + 1 updates", "folklore")
def hard_update_one_late(right, x):
    return right(**x | {"interval": x["interval"] + 1})


@mistake("updates are counted from 0: the first one copies, and every n after it", "folklore")
def hard_update_counts_from_zero(right, x):
    return _copied(x, (x["step"] - 1) % x["interval"] == 0)


@mistake("the counter is never reset: after n updates every one of them copies", "folklore")
def hard_update_counter_not_reset(right, x):
    return _copied(x, x["step"] >= x["interval"])


@mistake("the remainder is used as the condition: every update copies but the n-th", "folklore")
def hard_update_condition_inverted(right, x):
    return _copied(x, x["step"] % x["interval"] != 0)


@mistake("there is one copy, at update n, and none after it", "folklore")
def hard_update_only_once(right, x):
    return _copied(x, x["step"] == x["interval"])


def _copied(x, copies):
    return Updated(x["params" if copies else "target_params"].copy())
