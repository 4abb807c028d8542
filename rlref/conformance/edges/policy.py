"""The edges of policy-gradient losses: ratios on both sides of the clip, at it and beyond float64, divergences around
their target, weights of nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rlref.conformance.cases import Inputs
from rlref.conformance.edges import At, Edge

Change = Callable[[Inputs, At], Inputs]
LOG_RATIOS = np.array([-2.0, -0.25, -0.125, 0.0, 0.125, 0.25, 2.0])  # 1/8 is inside a clip of 0.2, 1/4 outside
SIGNS = np.array([1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 1.5])


def _ratios(log_ratio: Any, advantage: Any, **more: Any) -> Change:
    """Actions whose old probability is 1/e, and how many times as likely they are now."""
    log_ratio = np.array(log_ratio, float)
    return lambda x, at: {"log_prob": log_ratio - 1, "sample_log_prob": np.full(log_ratio.shape, -1.0),
                          "advantage": np.broadcast_to(np.array(advantage, float), log_ratio.shape).copy(),
                          "clip_epsilon": 0.2, **more}


def _divergences(kl: Any, dtarg: float, **more: Any) -> Change:
    return lambda x, at: {"kl": np.array(kl, float), "beta": 1.0, "dtarg": dtarg, "increment": 2.0, "decrement": 0.5,
                          **more}


def _weights(entropy: float, critic: float) -> Change:
    return lambda x, at: {"entropy_coeff": entropy, "critic_coeff": critic}


EDGES: tuple[Edge, ...] = (
    # the ratio
    Edge("ratio-one", "on-policy: every ratio is 1", (5,), "sample_log_prob", _ratios(np.zeros(5), [2, -1, 0, 0.5, 3])),
    Edge("ratios-of-good-actions", "ratios below, inside and above the clip, actions better than expected", (7,),
         "sample_log_prob", _ratios(LOG_RATIOS, 1.0)),
    Edge("ratios-of-bad-actions", "the same, actions worse than expected", (7,), "sample_log_prob",
         _ratios(LOG_RATIOS, -1.0)),
    Edge("ratios-of-both", "the same, advantages of both signs", (7,), "sample_log_prob", _ratios(LOG_RATIOS, SIGNS)),
    Edge("ratios-of-neither", "the same, no advantages", (7,), "sample_log_prob", _ratios(LOG_RATIOS, 0.0)),
    Edge("ratios-in-columns", "one column with equal ratios, one with very different ones", (4, 2), "sample_log_prob",
         _ratios([[1, -2], [1, 3], [1, 0], [1, -4]], [[1, -1], [-1, 1], [2, 0.5], [-2, -0.5]])),
    Edge("ratio-of-one-sample", "a batch of one", (1,), "sample_log_prob", _ratios([0.5], [1.5])),
    Edge("one-ratio-outweighs", "one sample has nearly all the weight", (6,), "sample_log_prob",
         _ratios([-9, 5, -9, -10, -9, -30], [1, -1, 1, -1, 1, -1])),
    Edge("ratios-vanish", "e^-800 beside e^-1", (4,), "sample_log_prob",
         _ratios([-800, -1, -800, -800], [1, 1, -1, 0])),
    Edge("all-ratios-vanish", "e^-2000 and e^-2001: still one is e times the other", (3,), "sample_log_prob",
         _ratios([-2000, -2001, -2001], [1, -1, 0])),
    Edge("ratios-beyond-float64", "e^800 where the clip takes it, and e^-2000", (5,), "clip_epsilon",
         _ratios([800, 800, -2000, -2000, 0], [1, 0, -1, 1, -1])),
    Edge("ratio-beyond-float64-of-no-advantage", "e^800 of an action no better than expected: 0, not 0 times infinity",
         (3,), "sample_log_prob", _ratios([800, 0.5, -1], [0, 1, -1])),
    Edge("action-never-taken", "actions that the new policy never takes: the ratio is 0", (4,), "sample_log_prob",
         _ratios([-np.inf, 0.5, -np.inf, -np.inf], [1, -1, -1, 0])),
    Edge("no-action-ever-taken", "the new policy takes none of the actions", (3,), "sample_log_prob",
         _ratios([-np.inf] * 3, [1, -1, 0])),
    Edge("densities-above-one", "log-probabilities of a narrow density: large and positive", (4,), "sample_log_prob",
         lambda x, at: {"log_prob": np.array([40.25, 39.5, 41.0, 40.0]), "sample_log_prob": np.full(4, 40.0),
                        "advantage": np.array([1.0, -1, -1, 1])}),
    # the clip
    Edge("clip-pair", "half a step down, two up", (7,), "clip_epsilon",
         _ratios([-1, -0.5, -0.125, 0, 0.75, 1, 2], SIGNS, clip_epsilon=np.array([0.5, 2.0]))),
    Edge("clip-pair-turned", "two steps down are no limit, half a step up", (7,), "clip_epsilon",
         _ratios([-30, -1, -0.125, 0, 0.25, 0.5, 1], -SIGNS, clip_epsilon=np.array([2.0, 0.5]))),
    Edge("clip-at-the-ratio", "a clip of 0 and a ratio of 1: a tie", (3,), "clip_epsilon",
         _ratios(np.zeros(3), [1, -1, 0], clip_epsilon=0.0)),
    Edge("clip-at-the-ratio-below", "no step up, and a ratio of 1", (5,), "clip_epsilon",
         _ratios([0, 0, 0, -1, 1], [1, -1, 0, -1, 1], clip_epsilon=np.array([0.5, 0.0]))),
    Edge("clip-at-ratio-zero", "a step down of 1, and a ratio of 0: a tie", (3,), "clip_epsilon",
         _ratios([-np.inf] * 3, [1, -1, 0], clip_epsilon=1.0)),
    Edge("clip-of-more-than-all", "one eps of 1.5: no ratio is below 1 - 1.5", (7,), "clip_epsilon",
         _ratios(LOG_RATIOS, SIGNS, clip_epsilon=1.5)),
    Edge("clip-beyond-the-ratios", "nothing is outside", (7,), "clip_epsilon",
         _ratios(LOG_RATIOS, SIGNS, clip_epsilon=np.array([0.96875, 8.0]))),
    # any policy gradient
    Edge("certain-actions", "log-probabilities of 0", (4,), "log_prob advantage",
         lambda x, at: {"log_prob": np.zeros(4), "sample_log_prob": np.zeros(4)}),
    Edge("no-advantage", "no action was better than another", (4,), "log_prob advantage",
         lambda x, at: {"advantage": np.zeros(4)}),
    Edge("advantages-of-one-sign", "every action was better than expected", (4, 2), "log_prob advantage",
         lambda x, at: {"advantage": 1 + np.abs(x["advantage"])}),
    Edge("large-and-small-advantages", "advantages from 1e-6 to 1e6", (5,), "log_prob advantage",
         lambda x, at: {"advantage": np.array([1e6, 1e-6, -1e6, 1.0, -1e-6])}),
    Edge("advantages-and-targets-differ", "the advantage is far from the target less the value", (4,),
         "log_prob advantage value_target",
         lambda x, at: {"advantage": np.array([8.0, -8, 16, -4]), "state_value": np.full(4, 0.5),
                        "value_target": np.array([1.0, 0.25, -3, 0.5])}),
    *(Edge(f"weights-{name}", comment, (4,), "entropy_coeff critic_coeff", _weights(entropy, critic))
      for name, comment, entropy, critic in (
          ("usual", "entropy 1/100, critic 1/2", 0.01, 0.5), ("one", "every term in full", 1.0, 1.0),
          ("objective-alone", "neither entropy nor critic", 0.0, 0.0), ("no-entropy", "no entropy", 0.0, 2.0),
          ("no-critic", "no critic", 2.0, 0.0))),
    Edge("entropies-of-both-signs", "as differential entropies have them", (4,), "entropy_coeff",
         lambda x, at: {"entropy": np.array([1.5, -2.0, 0.0, 40.0]), "entropy_coeff": 0.5}),
    # the divergence
    Edge("divergence-far-above", "beta grows", (3,), "kl", _divergences([4, 0, 2], 0.5)),
    Edge("divergence-above", "the mean is just above 1.5 d_targ", (4,), "kl", _divergences([1, 0.5, 0.75, 0.875], 0.5)),
    Edge("divergence-at-the-upper-bound", "the mean is 1.5 d_targ: a tie", (4,), "kl",
         _divergences([1, 0.5, 0.75, 0.75], 0.5)),
    Edge("divergence-inside", "above d_targ, but not by half: beta stays", (4,), "kl",
         _divergences([1, 0.25, 0.75, 0.5], 0.5)),
    Edge("divergence-as-aimed-at", "the mean is d_targ", (2,), "kl", _divergences([1, 0], 0.5)),
    Edge("divergence-at-the-lower-bound", "the mean is d_targ / 1.5: a tie", (3,), "kl", _divergences([1, 0, 0], 0.5)),
    Edge("divergence-below", "the mean is just below d_targ / 1.5", (4,), "kl",
         _divergences([0.5, 0.25, 0.25, 0.25], 0.5)),
    Edge("no-divergence", "the policy has not moved: beta shrinks", (3,), "kl", _divergences(np.zeros(3), 0.01)),
    Edge("no-divergence-aimed-at", "a divergence of 0, and d_targ 0: a tie", (3,), "kl",
         _divergences(np.zeros(3), 0.0)),
    Edge("divergences-differ-by-column", "one column is far above, one far below, the mean inside", (3, 2), "kl",
         _divergences([[1, 0], [1, 0], [1, 0.25]], 0.5)),
    Edge("penalty-off", "beta 0 stays 0", (3,), "kl", _divergences([4, 0, 2], 0.5, beta=0.0)),
    Edge("penalty-of-other-factors", "beta 3/4, times 3/2 or 3/4", (3,), "kl",
         _divergences([4, 1, 2], 1.0, beta=0.75, increment=1.5, decrement=0.75)),
    Edge("penalty-of-other-factors-shrinks", "the same, below", (3,), "kl",
         _divergences([0.5, 0.125, 0.25], 1.0, beta=0.75, increment=1.5, decrement=0.75)),
)
