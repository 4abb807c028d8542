"""The cases that have caught people out. Each is tried on every page that has the arguments it is about."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from rlref.conformance.cases import Case, Inputs, sample, seeded
from rlref.pages import Page


class Edge(NamedTuple):
    """``change`` takes the sampled inputs and the mask-maker ``at`` and returns the arguments to replace."""

    id: str
    comment: str
    shape: tuple[int, ...]
    needs: str  # the arguments without which this edge says nothing
    change: Callable[[Inputs, Callable[..., np.ndarray]], Inputs]


def edges(page: Page) -> Iterator[Case]:
    """Every edge that ``page`` can express: thresholds 1, gamma and lambda 0.9, no ends, unless it says otherwise."""
    for edge in EDGES:
        if set(edge.needs.split()) <= page.arguments.keys():
            inputs = _plain(page, edge)
            inputs |= edge.change(inputs, lambda *steps, shape=edge.shape: _at(shape, steps))
            inputs["done"] = inputs["done"] | inputs["terminated"]
            yield Case(edge.id, edge.comment, {name: inputs[name] for name in page.arguments})


def _plain(page: Page, edge: Edge) -> Inputs:
    pick = seeded(f"{page.name} {edge.id}")
    inputs = sample(page, pick, edge.shape)
    for name, entry in page.arguments.items():
        if not entry.per_step and not entry.setting:
            inputs[name] = 0.9 if entry.high == 1.0 else 1.0
        elif entry.unit == "nat":
            inputs[name] = -np.array([1 + pick(16) for _ in range(math.prod(edge.shape))]).reshape(edge.shape) / 8
        elif entry.unread:
            inputs[name] = np.nan_to_num(inputs[name], nan=1.5)
    inputs.update(done=_at(edge.shape, ()), terminated=_at(edge.shape, ()))
    return inputs


def _at(shape: tuple[int, ...], steps: tuple[int, ...]) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[list(steps)] = True
    return mask


def _follows(x: Inputs, done: np.ndarray) -> np.ndarray:
    """V(s'_t) = V(s_{t+1}) inside every trajectory, as one rollout through one value network gives it."""
    return np.where(done, x["next_state_value"], np.concatenate([x["state_value"][1:], x["next_state_value"][-1:]]))


def _varied(shape: tuple[int, ...], form: str = "full", rolling: bool = True) -> Callable[..., Inputs]:
    """Every parameter as an array, different everywhere; both kinds of ends, at other steps in each column.

    ``form``: "full", "time" for [T, 1, ...], "batch" for [1, *B].
    """
    def change(x: Inputs, at: Callable[..., np.ndarray]) -> Inputs:
        i = np.arange(math.prod(shape)).reshape(shape)
        part = {"full": i, "time": i[(slice(None), *(slice(1) for _ in shape[1:]))], "batch": i[:1]}[form]
        return {"gamma": (1 + part * 5 % 8) / 8, "lmbda": (1 + part * 3 % 7) / 8, "rho_thresh": (1 + part * 3 % 5) / 2,
                "c_thresh": (1 + part * 7 % 4) / 4, "rolling_gamma": rolling, "done": i % 5 == 2,
                "terminated": i % 7 == 3}
    return change


STEP_GAMMA = np.array([0.5, 1.0, 0.75, 0.9, 0.25, 0.5, 1.0])
STEP_LAMBDA = np.array([1.0, 0.5, 0.25, 0.5, 0.75, 0.0, 0.5])

EDGES: tuple[Edge, ...] = (
    # ends
    Edge("one-step", "a single step that goes on", (1,), "reward", lambda x, at: {}),
    Edge("one-step-truncated", "a single step, truncated", (1,), "done", lambda x, at: {"done": at(0)}),
    Edge("one-step-terminated", "a single step, terminated", (1,), "terminated",
         lambda x, at: {"terminated": at(0)}),
    Edge("no-end", "no trajectory ends inside the batch", (5,), "reward", lambda x, at: {}),
    Edge("truncated-inside", "a truncation in mid-batch: the next row is another trajectory", (5,), "done",
         lambda x, at: {"done": at(2)}),
    Edge("terminated-inside", "a termination in mid-batch", (5,), "terminated", lambda x, at: {"terminated": at(2)}),
    Edge("terminated-then-truncated", "both kinds of end in one batch", (7,), "done terminated",
         lambda x, at: {"terminated": at(1), "done": at(4)}),
    Edge("truncated-then-terminated", "the same the other way round, the last one at the end", (6,), "done terminated",
         lambda x, at: {"terminated": at(5), "done": at(1)}),
    Edge("truncated-at-once", "the first step is the end of its trajectory", (4,), "done",
         lambda x, at: {"done": at(0)}),
    Edge("truncated-last", "the last step is truncated", (4,), "done", lambda x, at: {"done": at(3)}),
    Edge("terminated-last", "the last step is terminated", (4,), "terminated", lambda x, at: {"terminated": at(3)}),
    Edge("truncated-twice-running", "two ends in a row", (5,), "done", lambda x, at: {"done": at(1, 2)}),
    Edge("truncated-everywhere", "every step is a trajectory", (4,), "done", lambda x, at: {"done": ~at()}),
    Edge("terminated-everywhere", "every step is a whole episode", (4,), "terminated",
         lambda x, at: {"terminated": ~at()}),
    Edge("nan-after-the-end", "V(s'_t) is NaN where terminated: not to be read, not even times zero", (5,),
         "terminated next_state_value",
         lambda x, at: {"terminated": at(1, 3),
                        "next_state_value": np.where(at(1, 3), np.nan, x["next_state_value"])}),
    Edge("nan-after-the-last-end", "the same at the last step alone, with V(s'_t) = V(s_{t+1}) before it", (4,),
         "terminated next_state_value",
         lambda x, at: {"terminated": at(3), "state_value": np.arange(1.0, 5.0),
                        "next_state_value": np.array([2.0, 3.0, 4.0, np.nan])}),
    Edge("inf-after-the-end", "V(s'_t) is infinite where terminated", (4,), "terminated next_state_value",
         lambda x, at: {"terminated": at(2), "next_state_value": np.where(at(2), np.inf, x["next_state_value"])}),
    # values
    Edge("consistent-values", "V(s'_t) = V(s_{t+1}) inside the trajectories", (6,), "state_value next_state_value",
         lambda x, at: {"done": at(2), "next_state_value": _follows(x, at(2))}),
    Edge("post-reset-value-differs", "what the truncated trajectory led to is worth 1, what came after the reset 100",
         (5,), "done state_value next_state_value",
         lambda x, at: {"done": at(2), "state_value": np.where(np.arange(5) > 2, 100.0, 1.0),
                        "next_state_value": np.where(np.arange(5) > 2, 100.0, 1.0)}),
    Edge("zero-values", "no value function", (5,), "state_value next_state_value",
         lambda x, at: {"done": at(3), "state_value": np.zeros(5), "next_state_value": np.zeros(5)}),
    Edge("all-zero", "nothing ever happens", (3,), "reward",
         lambda x, at: {name: np.zeros(3) for name in ("reward", "state_value", "next_state_value")}),
    Edge("reward-at-the-end-only", "credit runs back from the last step", (5,), "reward",
         lambda x, at: {"reward": np.where(at(4), 1.0, 0.0), "terminated": at(4)}),
    Edge("all-bits", "numbers with full mantissas", (5,), "reward",
         lambda x, at: {name: np.sqrt(np.arange(2.0, 7.0) * (i + 1)) - i for i, name in
                        enumerate(("reward", "state_value", "next_state_value"))}),
    Edge("large-and-small", "rewards from 1e-6 to 1e6", (5,), "reward",
         lambda x, at: {"reward": np.array([1e6, 1e-6, -1e6, 1.0, -1e-6])}),
    # discounts
    Edge("gamma-zero", "no future", (4,), "gamma", lambda x, at: {"gamma": 0.0}),
    Edge("gamma-one", "no discount", (4,), "gamma", lambda x, at: {"gamma": 1.0}),
    Edge("gamma-tiny", "gamma 1e-8, below the cut of an approximate filter", (4,), "gamma",
         lambda x, at: {"gamma": 1e-8}),
    Edge("gamma-small", "gamma 3e-4: a filter that keeps one power too few loses the second step", (4, 2), "gamma",
         lambda x, at: {"gamma": 3e-4, "lmbda": 1.0, "rolling_gamma": True}),
    Edge("gamma-half", "powers of two: every digit can be checked by hand", (6,), "gamma",
         lambda x, at: {"gamma": 0.5, "lmbda": 0.5, "done": at(3)}),
    Edge("lambda-zero", "TD(0) in disguise", (4,), "lmbda", lambda x, at: {"lmbda": 0.0}),
    Edge("lambda-one", "the Monte-Carlo end of lambda", (5,), "lmbda", lambda x, at: {"lmbda": 1.0, "done": at(3)}),
    Edge("lambda-tiny", "lambda 1e-8", (4,), "lmbda", lambda x, at: {"lmbda": 1e-8}),
    Edge("gamma-and-lambda-one", "undiscounted sums", (6,), "gamma", lambda x, at: {"gamma": 1.0, "lmbda": 1.0}),
    Edge("gamma-per-step", "gamma varies in time", (7,), "gamma",
         lambda x, at: {"gamma": STEP_GAMMA, "rolling_gamma": True}),
    Edge("gamma-per-step-with-ends", "gamma varies in time and trajectories end", (7,), "gamma done",
         lambda x, at: {"gamma": STEP_GAMMA, "rolling_gamma": True, "done": at(1, 4), "terminated": at(4)}),
    Edge("lambda-per-step", "lambda varies in time", (7,), "lmbda",
         lambda x, at: {"lmbda": STEP_LAMBDA, "rolling_gamma": True}),
    Edge("gamma-and-lambda-per-step", "both vary, with an end inside", (7,), "gamma lmbda",
         lambda x, at: {"gamma": STEP_GAMMA, "lmbda": STEP_LAMBDA, "done": at(3), "rolling_gamma": True}),
    Edge("gamma-per-return", "rolling_gamma=False: each return keeps the gamma of its own start", (7,),
         "gamma rolling_gamma", lambda x, at: {"rolling_gamma": False, "gamma": STEP_GAMMA}),
    Edge("gamma-per-return-with-ends", "the same with a termination and a truncation inside", (7,),
         "gamma rolling_gamma",
         lambda x, at: {"rolling_gamma": False, "gamma": STEP_GAMMA, "terminated": at(1), "done": at(4)}),
    Edge("lambda-per-return", "rolling_gamma=False holds for lambda as well", (7,), "lmbda rolling_gamma",
         lambda x, at: {"rolling_gamma": False, "gamma": STEP_GAMMA, "lmbda": STEP_LAMBDA, "done": at(2)}),
    # shapes
    Edge("batch", "two trajectories side by side, ends at different steps", (5, 2), "done",
         lambda x, at: {"done": np.stack([np.arange(5) == 1, np.arange(5) == 3], axis=1)}),
    Edge("gamma-per-batch-entry", "gamma of shape [1, 3]", (4, 3), "gamma",
         lambda x, at: {"gamma": np.array([[0.5, 0.9, 1.0]])}),
    Edge("square-batch", "as many steps as trajectories: no shape tells when axes are swapped", (3, 3), "reward",
         lambda x, at: {}),
    Edge("batch-of-batches", "two batch axes", (3, 2, 2), "reward", lambda x, at: {}),
    *(Edge(f"varied-{'x'.join(map(str, shape))}", "every parameter and every end differs from place to place", shape,
           "done", _varied(shape)) for shape in ((8,), (2,), (4, 3), (3, 3), (2, 5), (1, 3), (8, 1), (3, 2, 3))),
    *(Edge(f"varied-by-{form}-{'x'.join(map(str, shape))}", f"the same, each parameter by {form} only", shape, "gamma",
           _varied(shape, form)) for form in ("time", "batch") for shape in ((5, 3), (3, 3), (3, 2, 2))),
    *(Edge(f"varied-per-return-{'x'.join(map(str, shape))}", "rolling_gamma=False, and everything varies", shape,
           "rolling_gamma", _varied(shape, rolling=False)) for shape in ((4, 3), (3, 2, 2))),
    Edge("scalar-gamma-lambda-per-return", "rolling_gamma=False with a scalar gamma", (7,), "lmbda rolling_gamma",
         lambda x, at: {"rolling_gamma": False, "gamma": 0.5, "lmbda": STEP_LAMBDA, "done": at(4)}),
    Edge("gamma-one-with-ends", "no discount, both kinds of ends", (6,), "gamma done",
         lambda x, at: {"gamma": 1.0, "terminated": at(1), "done": at(3)}),
    Edge("lambda-zero-with-ends", "TD(0) in disguise, both kinds of ends", (6,), "lmbda done",
         lambda x, at: {"lmbda": 0.0, "terminated": at(1), "done": at(3)}),
    Edge("lambda-one-with-ends", "Monte-Carlo, both kinds of ends", (6,), "lmbda done",
         lambda x, at: {"lmbda": 1.0, "terminated": at(1), "done": at(3)}),
    Edge("gamma-zero-somewhere", "a discount of 0 amid others", (5, 2), "gamma",
         lambda x, at: {"gamma": np.array([[0.5, 1.0], [0.0, 0.75], [1.0, 0.0], [0.25, 0.5], [0.75, 1.0]]),
                        "rolling_gamma": True}),
    Edge("large-and-small-values", "values from 1e-6 to 1e6", (6,), "state_value next_state_value",
         lambda x, at: {"state_value": np.array([1e6, -1e-6, 250.0, -1e6, 1e-6, -3e4]),
                        "next_state_value": np.array([-1e-6, 1e6, -1e6, 300.0, -2e5, 1e-6]), "done": at(2)}),
    Edge("long-terminated", "sixty steps, terminations late", (60,), "done",
         lambda x, at: {"terminated": at(20, 33, 55), "rolling_gamma": True}),
    Edge("long", "sixty steps, an end every thirteen", (60,), "done",
         lambda x, at: {"done": at(*range(12, 60, 13)), "rolling_gamma": True}),
    Edge("long-halving", "forty steps, gamma 1/2: the far end weighs 1e-12, which is not nothing", (40, 2), "gamma",
         lambda x, at: {"gamma": 0.5, "lmbda": 1.0, "rolling_gamma": True}),
    Edge("long-undiscounted", "forty steps, gamma 1", (40,), "gamma",
         lambda x, at: {"gamma": 1.0, "lmbda": 1.0, "rolling_gamma": True}),
    # importance weights
    Edge("on-policy", "pi = mu: every weight is 1 and ties with a threshold of 1", (5,), "log_pi log_mu",
         lambda x, at: {"log_pi": x["log_mu"], "done": at(2)}),
    Edge("weights-above", "pi two to a thousand times as likely: all weights clipped", (4,), "log_pi log_mu",
         lambda x, at: {"log_pi": x["log_mu"] + np.array([0.75, 2.0, 4.0, 7.0])}),
    Edge("weights-below", "pi less likely: no weight clipped", (4,), "log_pi log_mu",
         lambda x, at: {"log_pi": x["log_mu"] - np.array([0.75, 2.0, 0.5, 7.0])}),
    Edge("weights-mixed", "some weights clipped, a truncation inside", (6,), "log_pi log_mu",
         lambda x, at: {"log_pi": x["log_mu"] + np.array([0.5, -0.5, 1.0, -1.0, 0.25, -0.25]), "done": at(2)}),
    Edge("thresholds-differ", "rho_bar 2, c_bar 1/2", (5,), "rho_thresh c_thresh",
         lambda x, at: {"rho_thresh": 2.0, "c_thresh": 0.5,
                        "log_pi": x["log_mu"] + np.array([0.5, -0.25, 1.0, -1.0, 0.25])}),
    Edge("thresholds-swapped", "rho_bar 1/2, c_bar 2", (5,), "rho_thresh c_thresh",
         lambda x, at: {"rho_thresh": 0.5, "c_thresh": 2.0,
                        "log_pi": x["log_mu"] + np.array([0.5, -0.25, 1.0, -1.0, 0.25])}),
    Edge("thresholds-zero", "no correction at all: v = V, advantage 0", (4,), "rho_thresh c_thresh",
         lambda x, at: {"rho_thresh": 0.0, "c_thresh": 0.0}),
    Edge("trace-cut-only", "c_bar 0, rho_bar 1: one-step TD errors, weighted", (4,), "rho_thresh c_thresh",
         lambda x, at: {"rho_thresh": 1.0, "c_thresh": 0.0}),
    Edge("ratios-large", "log-ratios to 60 that nothing clips", (4,), "rho_thresh c_thresh",
         lambda x, at: {"rho_thresh": math.inf, "c_thresh": math.inf, "log_mu": np.full(4, -61.0),
                        "log_pi": np.array([-49.0, -36.0, -1.0, -60.5])}),
    Edge("ratios-small", "log-ratios to -120", (4,), "log_pi log_mu",
         lambda x, at: {"log_mu": np.full(4, -1.0), "log_pi": np.array([-31.0, -61.0, -121.0, -11.0])}),
    Edge("thresholds-infinite", "never clipped: plain importance sampling", (4,), "rho_thresh c_thresh",
         lambda x, at: {"rho_thresh": math.inf, "c_thresh": math.inf}),
    Edge("thresholds-per-step", "both thresholds vary in time", (5,), "rho_thresh c_thresh",
         lambda x, at: {"rho_thresh": np.array([1.0, 2.0, 0.5, 0.0, 4.0]),
                        "c_thresh": np.array([1.0, 0.5, 2.0, 1.0, 0.25])}),
    Edge("log-ratio-800", "the ratio overflows, the weight does not", (4,), "log_pi log_mu",
         lambda x, at: {"log_pi": np.array([400.0, -1.0, 0.0, -0.5]),
                        "log_mu": np.array([-400.0, -1.5, -800.0, -0.25])}),
    Edge("log-ratio-minus-800", "the ratio underflows to zero", (4,), "log_pi log_mu",
         lambda x, at: {"log_pi": np.array([-800.0, -1.0, -400.0, -0.5]),
                        "log_mu": np.array([0.0, -1.5, 400.0, -0.25])}),
    Edge("impossible-action", "pi = 0: log_pi is minus infinity", (4,), "log_pi log_mu",
         lambda x, at: {"log_pi": np.where(at(1), -math.inf, x["log_pi"])}),
    Edge("unlikely-actions", "probabilities of 1e-9 to 1e-18, whose ratios are not small", (4,), "log_pi log_mu",
         lambda x, at: {"log_pi": np.array([-21.0, -30.5, -40.0, -20.25]),
                        "log_mu": np.array([-20.0, -30.0, -39.0, -20.5])}),
    # standardization
    Edge("two-elements", "the least that has a spread", (2,), "ddof",
         lambda x, at: {"advantage": np.array([1.0, 4.0]), "ddof": 1, "std_min": 1e-6}),
    Edge("single-element", "one element, ddof 0: nothing but the floor to divide by", (1,), "ddof",
         lambda x, at: {"ddof": 0, "std_min": 1e-6}),
    Edge("sample-deviation", "ddof 1, as torch", (4,), "ddof",
         lambda x, at: {"advantage": np.array([1.0, 0.0, 0.0, 0.0]), "ddof": 1, "std_min": 1e-6}),
    Edge("population-deviation", "ddof 0, as NumPy", (4,), "ddof",
         lambda x, at: {"advantage": np.array([1.0, 0.0, 0.0, 0.0]), "ddof": 0, "std_min": 1e-6}),
    Edge("constant-batch", "no spread at all", (4,), "std_min",
         lambda x, at: {"advantage": np.full(4, 2.5), "ddof": 1, "std_min": 1e-6}),
    Edge("constant-batch-coarse", "no spread at all, a floor of 1e-4", (4,), "std_min",
         lambda x, at: {"advantage": np.full(4, -1.5), "ddof": 1, "std_min": 1e-4}),
    Edge("deviation-below-floor", "the floor divides", (4,), "std_min",
         lambda x, at: {"advantage": np.array([0.0, 0.25, 0.5, 0.25]), "ddof": 0, "std_min": 1.0}),
    Edge("deviation-at-floor", "sigma = sigma_min: a tie, the constant owns it", (4,), "std_min",
         lambda x, at: {"advantage": np.array([1.0, -1.0, 1.0, -1.0]), "ddof": 0, "std_min": 1.0}),
    Edge("far-from-zero", "a mean of a million, a spread of one: a one-pass variance loses it", (4,), "ddof",
         lambda x, at: {"advantage": 1e6 + np.array([0.1, -0.7, 0.3, 0.9]), "ddof": 1, "std_min": 1e-6}),
    Edge("deviation-below-small-floor", "a deviation of 4e-5, a floor of 1e-4", (4,), "std_min",
         lambda x, at: {"advantage": 1e-5 * np.array([5.0, -3.0, 1.0, -4.0]), "ddof": 1, "std_min": 1e-4}),
    Edge("deviation-below-half", "a deviation of 0.2, a floor of 1/2", (4,), "std_min",
         lambda x, at: {"advantage": np.array([0.25, -0.125, 0.0, 0.375]), "ddof": 0, "std_min": 0.5}),
    Edge("outlier", "forty elements, one of them thirteen deviations from the rest", (40,), "ddof",
         lambda x, at: {"advantage": np.where(at(23), 90.0, np.arange(40) % 7 - 3.0), "ddof": 1, "std_min": 1e-6}),
    Edge("large-batch", "all axes share one mean and one deviation", (6, 5), "ddof",
         lambda x, at: {"ddof": 1, "std_min": 1e-6}),
    Edge("columns-differ", "columns with means 0 and 10: per-column statistics give another answer", (4, 2), "ddof",
         lambda x, at: {"advantage": np.array([[0.0, 10.0], [1.0, 11.0], [2.0, 13.0], [0.5, 9.0]]), "ddof": 0,
                        "std_min": 1e-6}),
    Edge("rows-differ", "rows with different means: per-step statistics give another answer", (2, 4), "ddof",
         lambda x, at: {"advantage": np.array([[0.0, 1.0, 2.0, 0.5], [10.0, 11.0, 13.0, 9.0]]), "ddof": 0,
                        "std_min": 1e-6}),
    Edge("large-and-small-advantages", "from 1e-6 to 1e6", (5,), "ddof",
         lambda x, at: {"advantage": np.array([1e6, 1e-6, -1e6, 1.0, -1e-6]), "ddof": 1, "std_min": 1e-6}),
    Edge("small-deviation", "sigma 1.4e-3, floor 1e-4: above it, as the variance is not", (4,), "std_min",
         lambda x, at: {"advantage": np.array([3.0, -1.0, 1.0, 2.0]) / 1024, "ddof": 0, "std_min": 1e-4}),
)
