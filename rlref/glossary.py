"""What an argument name means, everywhere in rlref: its symbol, shape, kind, range, unit and meaning.

This is the one contract. ``contract`` checks by it, ``conformance.cases`` samples by it, ``help()`` prints it,
and a test rejects an argument that is not in it.

Axes: ``T`` time steps first, then any batch axes ``*B``. A *trajectory* array has exactly the axes ``[T, *B]``;
a *parameter* is a scalar or broadcasts to them axis by axis; a *setting* is a scalar that holds for the whole call.
"""

from __future__ import annotations

import math
from typing import NamedTuple


class Entry(NamedTuple):
    """One argument or output. ``low`` and ``high`` are inclusive; an infinity is legal only as ``infinite``."""

    symbol: str
    axes: str  # "[T, *B]", "scalar or [T, *B]", "scalar"
    kind: str  # "real", "bool" or "int"
    meaning: str
    unit: str = ""
    low: float = -math.inf
    high: float = math.inf
    infinite: float | None = None
    unread: str | None = None  # a mask: where it is True, this argument is never read and may be NaN

    @property
    def per_step(self) -> bool:
        """Whether the argument must have one value per step."""
        return self.axes == "[T, *B]"

    @property
    def setting(self) -> bool:
        """Whether the argument is one value for the whole call."""
        return self.axes == "scalar"

    @property
    def range(self) -> str:
        """The legal values in words."""
        if self.kind == "bool":
            return "True or False"
        if self.low == -math.inf and self.high == math.inf:
            return "finite" if self.infinite is None else f"finite or {self.infinite}"
        if self.low == POSITIVE:
            return "> 0, finite"
        if self.high == math.inf:
            return f">= {self.low:g}, " + ("finite" if self.infinite is None else "inf allowed")
        return f"in [{self.low:g}, {self.high:g}]"


POSITIVE = math.ulp(0.0)  # the smallest float above 0
STEPS = "[T, *B]"
PARAMETER = "scalar or [T, *B]"
SETTING = "scalar"

GLOSSARY: dict[str, Entry] = {
    "reward": Entry("r_t", STEPS, "real", "received for acting at step t", "reward"),
    "state_value": Entry("V(s_t)", STEPS, "real", "value of the state acted in", "return"),
    "next_state_value": Entry(
        "V(s'_t)", STEPS, "real",
        "value of the state that step t led to, before any reset; never read where terminated", "return",
        unread="terminated",
    ),
    "done": Entry("done_t", STEPS, "bool", "the trajectory ends at step t, for any reason"),
    "terminated": Entry("terminated_t", STEPS, "bool", "it ends because the MDP did; implies done"),
    "log_pi": Entry("log pi(a_t|s_t)", STEPS, "real", "log-probability of the action taken, target policy",
                    "nat", infinite=-math.inf),
    "log_mu": Entry("log mu(a_t|s_t)", STEPS, "real", "the same under the behaviour policy that took it", "nat"),
    "advantage": Entry("A_t", STEPS, "real", "how much better the action was than the value said", "return"),
    "value_target": Entry("G_t", STEPS, "real", "what V(s_t) is regressed on", "return"),
    "reward_to_go": Entry("G_t", STEPS, "real", "discounted sum of the rewards from step t on", "return"),
    "gamma": Entry("gamma", PARAMETER, "real", "discount", "1", 0.0, 1.0),
    "lmbda": Entry("lambda", PARAMETER, "real", "weight of the longer returns", "1", 0.0, 1.0),
    "rho_thresh": Entry("rho_bar", PARAMETER, "real", "ceiling of the importance weight of a TD error",
                        "1", 0.0, infinite=math.inf),
    "c_thresh": Entry("c_bar", PARAMETER, "real", "ceiling of the importance weight of a trace",
                      "1", 0.0, infinite=math.inf),
    "rolling_gamma": Entry("", SETTING, "bool", "True: gamma_t and lambda_t belong to step t; "
                           "False: to the whole return that starts at t"),
    "ddof": Entry("ddof", SETTING, "int", "degrees of freedom taken off the count: 1 as torch, 0 as NumPy",
                  "1", 0, 1),
    "std_min": Entry("sigma_min", SETTING, "real", "floor of the standard deviation", "return",
                     low=POSITIVE),
}
