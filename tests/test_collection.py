"""The public collection of mistakes: each entry is implemented or has a reason why not, and measured values hold."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

from rlref.conformance.mistakes import known, unchecked
from rlref.pages import find, pages

# The public collection: every entry on returns, and where it is, or why no page can express it.

ALL = "gae td1 td_lambda vtrace"
COLLECTION = {
    # bootstrapping, termination and truncation
    "no-termination-mask": f"td0 {ALL}",
    "truncation-treated-as-termination": f"td0 {ALL}",
    "trace-not-cut-at-truncation": ALL,
    "done-passed-as-terminated": "no: the same function as truncation-treated-as-termination",
    "done-read-one-step-late": f"td0 reward_to_go {ALL}",
    "next-value-is-post-reset": f"td0 {ALL}",
    "timeout-bootstraps-current-state": f"td0 {ALL}",
    "delta-zeroed-at-truncation": "td0 gae vtrace",
    "value-of-preterminal-state-zeroed": "td0 gae td_lambda vtrace",
    "unmasked-lambda-branch": "td_lambda",
    "autoreset-dummy-step-trained-on": "no: which rows enter a loss; a page is given only true steps",
    "truncation-inferred-from-length": "no: token lengths; a page is given the masks",
    "padded-done-array-broken": "no: padded episodes; a page has no padding",
    "terminal-flag-summed-over-time": "td1 td_lambda",
    "single-terminated-for-whole-horizon": "td0",
    # GAE, TD(lambda), lambda-returns, n-step, reward-to-go
    "gae-carry-seeded-with-bootstrap": "gae vtrace",
    "stale-last-value": "td0 gae td1 td_lambda",
    "last-advantage-zero": "gae vtrace",
    "bootstrap-own-value-per-chunk": "vtrace",
    "returns-from-stale-advantages": "gae",
    "reward-minus-value": "gae td1 td_lambda",
    "gae-missing-gamma": "gae",
    "q-lambda-caches-next-q": "td_lambda",
    "second-last-target-reuses-final-bootstrap": "td_lambda",
    "nstep-bootstrap-gamma-not-powered": "td1",
    "nstep-gamma-power-ignores-short-tail": "td1",
    "nstep-ignores-inner-done": "td1",
    "nstep-gamma-default-in-buffer": "td1",
    "nstep-wraps-ring-buffer": "no: a replay buffer's write pointer",
    "nstep-discount-shape": "no: atoms of a distributional target",
    "nstep-entropy-only-at-end": "no: entropies are part of the reward here",
    "whole-episode-return-for-every-step": "reward_to_go td1",
    "reward2go-scrambles-nd": "reward_to_go",
    "discounts-over-batch-axis": f"reward_to_go {ALL}",
    "discount-weights-start-at-gamma": f"td0 reward_to_go {ALL}",
    "masked-values-bootstrap": "no: masked tokens",
    "observation-tokens-decay-credit": "no: masked tokens",
    "running-return-zeroed-at-mask": "no: masked tokens",
    "terminal-reward-on-padding": "no: where a sequence's reward is put; a page is given rewards by step",
    "padding-kl-leaks-into-return": "no: padded tokens",
    "target-gradient-on-by-default": "no: the value is right, the gradient of a loss is not",
    "grad-through-gae-critic-target": "no: the value is right, the gradient of a loss is not",
    "advantage-normalised-before-return": "gae",
    "gae-lambda-times-value": "gae",
    # V-trace, Retrace, off-policy traces
    "vtrace-adv-uses-next-trajectory": "vtrace",
    "vtrace-target-overwritten-in-loop": "no: several players",
    "importance-ratio-applied-twice": "vtrace",
    "recomputed-advantage-discarded": "vtrace",
    "retrace-uses-current-value": f"td0 {ALL}",
    "retrace-scales-delta-by-rho": "no: right for V-trace; its reverse is delta-not-scaled-by-rho",
    "emphatic-trace-uses-current-rho": "no: an emphasis, which no page computes",
    "acer-prob-vs-logprob": "vtrace",
    "vtrace-c-clipped-at-rho-bar": "vtrace",
    "vtrace-pg-uses-vs-t": "vtrace",
    "vtrace-log-rhos-not-exponentiated": "vtrace",
    "retrace-trace-index-t": "no: right for V-trace; its reverse is trace-uses-next-c",
    "sum-vs-mean-vtrace-loss": "no: the reduction of a loss",
    # from other chapters
    "advnorm-time-separately": "standardize",
    "advnorm-singleton-nan": "standardize",
    "advnorm-ddof": "standardize",
    "advnorm-includes-padding": "no: a page has no padding",
    "masked-normalise-no-keepdim": "no: an error unless T = B, and then per-row statistics on the wrong axis",
    "mask-times-nan": f"td0 {ALL}",
    "lambda-bootstrap-second-last": "td_lambda",
    "dt-rtg-excludes-current-reward": "reward_to_go",
    "int-rewards-truncate-return": "no: rewards arrive as float64",
}


def _merged():
    """This table and those of collected_*.py: a mistake that several groups know is on all of their pages."""
    merged = dict(COLLECTION)
    for file in sorted(Path(__file__).parent.glob("collected_*.py")):
        for name, where in importlib.import_module(file.stem).COLLECTION.items():
            merged[name] = f"{merged[name]} {where}" if name in merged and "no: " not in merged[name] else where
    return merged


COLLECTED = _merged()


@pytest.mark.parametrize("name", COLLECTED)
def test_every_entry_of_the_collection_is_there_or_has_a_reason(name):
    where = [find(page).short for page in pages() if name in known(page)]
    if COLLECTED[name].startswith("no: "):
        assert not where
    else:
        assert sorted(where) == sorted(COLLECTED[name].split()), f"{name}: not the pages named in COLLECTION"


# Values that others measured

LAST = {"done": [0, 0, 0, 0], "terminated": [0, 0, 0, 0]}
TRUNCATED = {"done": [0, 1, 0, 0], "terminated": [0, 0, 0, 0]}
TERMINATED = {"done": [0, 1, 0, 0], "terminated": [0, 1, 0, 0]}
FOUR = {"reward": [1, 1, 1, 1], "state_value": [2, 3, 50, 40], "next_state_value": [3, 7, 40, 30], "gamma": 0.5,
        "lmbda": 0.5}
MEASURED = [
    ("vtrace", "vtrace-adv-uses-next-trajectory", "advantage",
     {"reward": [0, 0, 0, 0], "state_value": [1, 1, 100, 100], "next_state_value": [1, 1, 100, 100],
      "log_pi": [0, 0, 0, 0], "log_mu": [0, 0, 0, 0], "done": [0, 1, 0, 1], "terminated": [0, 0, 0, 0],
      "gamma": 1.0, "rho_thresh": 1.0, "c_thresh": 1.0}, [0, 0, 0, 0], [0, 99, 0, 0]),
    ("gae", "next-value-is-post-reset", "advantage", FOUR | TRUNCATED, [0.875, 1.5, -35, -24], [6.25, 23, -35, -24]),
    ("gae", "truncation-treated-as-termination", "advantage", FOUR | TRUNCATED,
     [0.875, 1.5, -35, -24], [0, -2, -35, -24]),
    ("gae", "trace-not-cut-at-truncation", "advantage", FOUR | TRUNCATED,
     [0.875, 1.5, -35, -24], [-1.3125, -7.25, -35, -24]),
    ("gae", "timeout-bootstraps-current-state", "advantage", FOUR | TRUNCATED,
     [0.875, 1.5, -35, -24], [0.375, -0.5, -35, -24]),
    ("gae", "done-read-one-step-late", "advantage", FOUR | TERMINATED, [0, -2, -35, -24], [-1, -7.25, -35, -24]),
    ("gae", "gae-carry-seeded-with-bootstrap", "advantage", FOUR | TERMINATED,
     [0, -2, -35, -24], [0, -2, -33.125, -16.5]),
    ("td_lambda", "unmasked-lambda-branch", "value_target",
     FOUR | TERMINATED | {"next_state_value": [3, 9, 4, 6], "rolling_gamma": True}, [2, 1, 3, 4], [2.1875, 1.75, 3, 4]),
    ("td1", "nstep-bootstrap-gamma-not-powered", "value_target",
     {"reward": [1, 1, 1], "state_value": [0, 0, 0], "next_state_value": [0, 0, 8], "done": [0, 0, 0],
      "terminated": [0, 0, 0], "gamma": 0.5, "rolling_gamma": True}, [2.75], [5.75]),
    ("reward_to_go", "dt-rtg-excludes-current-reward", "reward_to_go",
     {"reward": [1, 2, 4], "done": [0, 0, 0], "gamma": 1.0}, [7, 6, 4], [6, 4, 0]),
    ("standardize", "advnorm-ddof", "advantage", {"advantage": [1, 0, 0, 0], "ddof": 1, "std_min": 1e-6},
     [1.5, -0.5, -0.5, -0.5], [1.732051, -0.57735, -0.57735, -0.57735]),
]


@pytest.mark.parametrize(("page", "name", "field", "inputs", "right", "wrong"), MEASURED, ids=[m[1] for m in MEASURED])
def test_gives_what_was_measured(page, name, field, inputs, right, wrong):
    page = find(page)
    inputs = {arg: np.array(x, bool if page.arguments[arg].kind == "bool" else float) if isinstance(x, list) else x
              for arg, x in inputs.items()}
    mistaken = known(page.name)[name].apply(unchecked(page))
    for function, expected in ((page.loop, right), (page.vectorized, right), (mistaken, wrong)):
        np.testing.assert_allclose(getattr(function(**inputs), field)[: len(expected)], expected, rtol=0, atol=1e-6)
