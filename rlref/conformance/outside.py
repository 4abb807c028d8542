"""Cases whose numbers come from elsewhere: worked by hand, printed in a book or an issue, or given by another library.

``published`` holds the numbers as found, each right to ``within``; a test holds rlref's exact values to them, and the
numbers said to be rlax's to what the pinned rlax gives. The vectors then carry the exact values.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Outside(NamedTuple):
    """One case from elsewhere."""

    page: str
    id: str
    comment: str
    source: str
    within: float
    inputs: dict[str, Any]
    published: dict[str, list[float]]


def _mask(*steps: int, of: int) -> np.ndarray:
    mask = np.zeros(of, bool)
    mask[list(steps)] = True
    return mask


def _list(*numbers: float) -> np.ndarray:
    return np.array(numbers, dtype=np.float64)


HAND = "worked by hand: "
RLAX = "rlax 0.1.9, float64: "
REWARD, VALUE = _list(1, 0, -1, 0, 1), _list(0.5, -1, 2, -0.25, 3)
NEXT_VALUE = _list(-1, 2, -0.25, 3, 1.5)
DISCOUNT = _list(0.5, 0.9, 1.0, 0.5, 0.8)
NO_END = _mask(of=5)
ENDS = {"done": NO_END, "terminated": NO_END}
ENDS_AT_2 = {"done": _mask(2, of=5), "terminated": _mask(2, of=5)}
LOG_RATIO = {"log_pi": _list(0.5, -0.25, 1.0, -1.0, 0.25) - 2.0, "log_mu": np.full(5, -2.0), "rho_thresh": 1.0,
             "c_thresh": 1.0}
# Two trajectories in a row, reported with right and wrong numbers; V(s'_1) = 7 is not V(s_2) = 50.
TRUNCATED = {"reward": np.ones(4), "state_value": _list(2, 3, 50, 40), "next_state_value": _list(3, 7, 40, 30),
             "done": _mask(1, of=4), "terminated": _mask(of=4)}
TERMINATED = TRUNCATED | {"terminated": _mask(1, of=4)}

OUTSIDE: tuple[Outside, ...] = (
    Outside("returns.gae", "hand-truncated", "powers of two around a truncation",
            HAND + "delta = [0.5, 1.5, -29, -24]; A = [0.5 + 1.5/4, 1.5, -29 - 24/4, -24]", 0.0,
            TRUNCATED | {"gamma": 0.5, "lmbda": 0.5},
            {"advantage": [0.875, 1.5, -35, -24], "value_target": [2.875, 4.5, 15, 16]}),
    Outside("returns.gae", "hand-terminated", "powers of two around a termination",
            HAND + "delta = [0.5, 1 - 3, -29, -24]; A = [0.5 - 2/4, -2, -29 - 24/4, -24]", 0.0,
            TERMINATED | {"gamma": 0.5, "lmbda": 0.5},
            {"advantage": [0, -2, -35, -24], "value_target": [2, 1, 15, 16]}),
    Outside("returns.gae", "rlax-discount-per-step", "discounts that vary in time",
            RLAX + "truncated_generalized_advantage_estimation(r, discount, 0.75, values)", 1e-14,
            {"reward": REWARD, "state_value": VALUE, "next_state_value": NEXT_VALUE, **ENDS, "gamma": DISCOUNT,
             "lmbda": 0.75},
            {"advantage": [0.5026171875000001, 1.3403125, -2.1624999999999996, 1.4500000000000002,
                           -0.7999999999999998]}),
    Outside("returns.gae", "rlax-lambda-per-step", "lambdas that vary in time, a termination inside",
            RLAX + "truncated_generalized_advantage_estimation(r, [.9, .9, 0, .9, .9], lambda, values)", 1e-14,
            {"reward": REWARD, "state_value": VALUE, "next_state_value": NEXT_VALUE, **ENDS_AT_2, "gamma": 0.9,
             "lmbda": _list(0.75, 0.5, 1.0, 0.25, 0.5)},
            {"advantage": [0.5787499999999999, 1.4499999999999997, -3.0, 2.8037500000000004, -0.6499999999999999]}),
    Outside("returns.td0", "random-walk-first-episode", "the first episode of the random walk ends on the left: all "
            "values 1/2, only V(A) changes, by alpha (0 - 1/2)",
            "Sutton and Barto 2018, 2nd ed., Example 6.2 and Exercise 6.3", 0.0,
            {"reward": np.zeros(3), "state_value": np.full(3, 0.5), "next_state_value": _list(0.5, 0.5, 0.0),
             "done": _mask(2, of=3), "terminated": _mask(2, of=3), "gamma": 1.0},
            {"advantage": [0, 0, -0.5], "value_target": [0.5, 0.5, 0]}),
    Outside("returns.td0", "hand-both-ends", "truncated, then terminated",
            HAND + "G = [1 + 3/2, 1 + 7/2, 1]; A = G - [2, 3, 5]", 0.0,
            {"reward": np.ones(3), "state_value": _list(2, 3, 5), "next_state_value": _list(3, 7, 9),
             "done": _mask(1, 2, of=3), "terminated": _mask(2, of=3), "gamma": 0.5},
            {"advantage": [0.5, 1.5, -4], "value_target": [2.5, 4.5, 1]}),
    Outside("returns.td0", "rlax-td-learning", "discounts that vary in time",
            RLAX + "td_learning(v_tm1, r_t, discount_t, v_t), one step at a time", 1e-14,
            {"reward": REWARD, "state_value": VALUE, "next_state_value": NEXT_VALUE, **ENDS,
             "gamma": DISCOUNT},
            {"advantage": [0.0, 2.8, -3.25, 1.75, -0.7999999999999998]}),
    Outside("returns.td1", "book-exercise", "gamma 1/2, rewards -1, 2, 6, 3, 2, then the end",
            "Sutton and Barto 2018, 2nd ed., Exercise 3.8: G_0 to G_4, worked backwards", 0.0,
            {"reward": _list(-1, 2, 6, 3, 2), "state_value": np.zeros(5), "next_state_value": np.zeros(5),
             "done": _mask(4, of=5), "terminated": _mask(4, of=5), "gamma": 0.5, "rolling_gamma": True},
            {"value_target": [2, 6, 8, 4, 2]}),
    Outside("returns.td1", "hand-truncated", "the bootstrap at a truncation and at the last step",
            HAND + "G = [1 + 4.5/2, 1 + 7/2, 1 + 16/2, 1 + 30/2]", 0.0,
            TRUNCATED | {"gamma": 0.5, "rolling_gamma": True},
            {"advantage": [1.25, 1.5, -41, -24], "value_target": [3.25, 4.5, 9, 16]}),
    Outside("returns.td1", "hand-gamma-per-return", "each return has the gamma of its own start",
            HAND + "G_0 = 1 + 1 (2 + 1 (4 + 1 x 8)); G_1 = 2 + (4 + 8/2)/2; G_2 = 4 + 0", 0.0,
            {"reward": _list(1, 2, 4), "state_value": np.zeros(3), "next_state_value": _list(9, 9, 8), **{
                name: _mask(of=3) for name in ENDS}, "gamma": _list(1, 0.5, 0), "rolling_gamma": False},
            {"value_target": [15, 6, 4]}),
    Outside("returns.td1", "rlax-discounted-returns", "discounts that vary in time",
            RLAX + "discounted_returns(r, discount, v_t)", 1e-14,
            {"reward": REWARD, "state_value": VALUE, "next_state_value": _list(0.5, -1, 2, -0.25, 3), **ENDS,
             "gamma": DISCOUNT, "rolling_gamma": True},
            {"value_target": [1.3150000000000002, 0.6300000000000002, 0.7000000000000002, 1.7000000000000002,
                              3.4000000000000004]}),
    Outside("returns.td_lambda", "hand-truncated", "powers of two around a truncation",
            HAND + "G = [1 + (3/2 + 4.5/2)/2, 1 + 7/2, 1 + (40/2 + 16/2)/2, 1 + 30/2]", 0.0,
            TRUNCATED | {"gamma": 0.5, "lmbda": 0.5, "rolling_gamma": True},
            {"advantage": [0.875, 1.5, -35, -24], "value_target": [2.875, 4.5, 15, 16]}),
    Outside("returns.td_lambda", "hand-terminated", "powers of two around a termination",
            HAND + "G = [1 + (3/2 + 1/2)/2, 1, 15, 16]", 0.0,
            TERMINATED | {"gamma": 0.5, "lmbda": 0.5, "rolling_gamma": True},
            {"advantage": [0, -2, -35, -24], "value_target": [2, 1, 15, 16]}),
    Outside("returns.td_lambda", "rlax-lambda-returns", "discounts and lambdas that vary in time",
            RLAX + "lambda_returns(r, discount, v_t, lambda)", 1e-14,
            {"reward": REWARD, "state_value": VALUE, "next_state_value": _list(0.5, -1, 2, -0.25, 3), **ENDS,
             "gamma": DISCOUNT, "lmbda": _list(0.75, 0.5, 1.0, 0.25, 0.5), "rolling_gamma": True},
            {"value_target": [0.7808984375, -0.7509375, -0.66875, 0.33125000000000004, 3.4000000000000004]}),
    Outside("returns.td_lambda", "rlax-lambda-returns-constant", "gamma 0.9, lambda 0.8",
            RLAX + "lambda_returns(r, 0.9, v_t, 0.8)", 1e-14,
            {"reward": REWARD, "state_value": VALUE, "next_state_value": _list(0.5, -1, 2, -0.25, 3), **ENDS,
             "gamma": 0.9, "lmbda": 0.8, "rolling_gamma": True},
            {"value_target": [1.6061605120000004, 0.7168896000000006, 1.2456800000000006, 2.6190000000000007, 3.7]}),
    Outside("returns.vtrace", "reported-truncation", "nothing is rewarded and nothing changes value, so no advantage; "
            "looking into the next trajectory gives 99", "https://github.com/pytorch/rl/issues/4209", 0.0,
            {"reward": np.zeros(4), "state_value": _list(1, 1, 100, 100), "next_state_value": _list(1, 1, 100, 100),
             "log_pi": np.full(4, -1.0), "log_mu": np.full(4, -1.0), "done": _mask(1, 3, of=4),
             "terminated": _mask(of=4), "gamma": 1.0, "rho_thresh": 1.0, "c_thresh": 1.0},
            {"advantage": [0, 0, 0, 0], "value_target": [1, 1, 100, 100]}),
    Outside("returns.vtrace", "hand-clipped", "weights e^0 = 1 and e^1, the latter clipped to 1 and to 1/2",
            HAND + "rho = 1, c = 1/2: delta = [0.5, 1.5, -29, -24]; v - V = [0.5 + 1.5/4, 1.5, -29 - 24/4, -24]; "
            "A = [1 + 4.5/2 - 2, 1.5, 1 + 16/2 - 50, -24]", 0.0,
            TRUNCATED | {"log_pi": _list(-1, 0, 0, -1), "log_mu": np.full(4, -1.0), "gamma": 0.5, "rho_thresh": 1.0,
                         "c_thresh": 0.5},
            {"advantage": [1.25, 1.5, -41, -24], "value_target": [2.875, 4.5, 15, 16]}),
    Outside("returns.vtrace", "rlax-discount-per-step", "discounts that vary in time, some weights clipped",
            RLAX + "vtrace_td_error_and_advantage(v_tm1, v_t, r, discount, rho, 1)", 1e-14,
            {"reward": REWARD, "state_value": VALUE, "next_state_value": NEXT_VALUE, **LOG_RATIO, **ENDS,
             "gamma": DISCOUNT},
            {"advantage": [0.1253766151506026, 0.2507532303012052, -2.7533627544185526, 0.4966372455814471,
                           -0.7999999999999998],
             "value_target": [0.6253766151506026, -0.7492467696987949, -0.753362754418553, 0.2466372455814471,
                              2.2]}),
    Outside("returns.vtrace", "rlax-terminated", "gamma 0.9, a termination inside",
            RLAX + "vtrace_td_error_and_advantage(v_tm1, v_t, r, [.9, .9, 0, .9, .9], rho, 1)", 1e-14,
            {"reward": REWARD, "state_value": VALUE, "next_state_value": NEXT_VALUE, **LOG_RATIO, **ENDS_AT_2,
             "gamma": 0.9},
            {"advantage": [-0.3299079295235736, 0.07788007830714047, -3.0, 0.8700348783704611,
                           -0.6499999999999999],
             "value_target": [0.1700920704764263, -0.9221199216928596, -1.0, 0.6200348783704611,
                              2.35]}),
    Outside("returns.reward_to_go", "book-exercise", "gamma 1/2, rewards -1, 2, 6, 3, 2, then the end",
            "Sutton and Barto 2018, 2nd ed., Exercise 3.8: G_0 to G_4, worked backwards", 0.0,
            {"reward": _list(-1, 2, 6, 3, 2), "done": _mask(4, of=5), "gamma": 0.5},
            {"reward_to_go": [2, 6, 8, 4, 2]}),
    Outside("returns.reward_to_go", "torchrl-docstring", "ten rewards of one, ends after the fourth and the eighth",
            "torchrl 0.14.1, the example in the docstring of reward2go", 5e-5,
            {"reward": np.ones(10), "done": _mask(3, 7, of=10), "gamma": 0.99},
            {"reward_to_go": [3.9404, 2.9701, 1.99, 1, 3.9404, 2.9701, 1.99, 1, 1.99, 1]}),
    Outside("returns.reward_to_go", "hand-undiscounted", "returns-to-go as a decision transformer takes them",
            HAND + "[1 + 2 + 4, 2 + 4, 4]", 0.0,
            {"reward": _list(1, 2, 4), "done": _mask(2, of=3), "gamma": 1.0}, {"reward_to_go": [7, 6, 4]}),
    Outside("returns.standardize", "scipy-zscore", "the example of scipy.stats.zscore",
            "SciPy 1.17.1, the example in the docstring of scipy.stats.zscore (its inputs are printed rounded)", 3e-4,
            {"advantage": _list(0.7972, 0.0767, 0.4383, 0.7866, 0.8091, 0.1954, 0.6307, 0.6599, 0.1065, 0.0508),
             "ddof": 0, "std_min": 1e-6},
            {"advantage": [1.1273, -1.247, -0.0552, 1.0923, 1.1664, -0.8559, 0.5786, 0.6748, -1.1488, -1.3324]}),
    Outside("returns.standardize", "hand-population", "mean 5, population deviation 2",
            HAND + "squares 9, 1, 1, 1, 0, 0, 4, 16 sum to 32; 32 / 8 = 4", 0.0,
            {"advantage": _list(2, 4, 4, 4, 5, 5, 7, 9), "ddof": 0, "std_min": 1e-6},
            {"advantage": [-1.5, -0.5, -0.5, -0.5, 0, 0, 1, 2]}),
    Outside("returns.standardize", "hand-sample", "mean 1, sample deviation 2",
            HAND + "squares 4, 0, 4, 4, 4 sum to 16; 16 / (5 - 1) = 4", 0.0,
            {"advantage": _list(-1, 1, 3, -1, 3), "ddof": 1, "std_min": 1e-6}, {"advantage": [-1, 0, 1, -1, 1]}),
)
