"""Projections, cross-entropies, reductions, clipped values and target updates as others have printed them."""

from __future__ import annotations

from typing import Any

import numpy as np

from rlref.conformance.outside import HAND, RLAX, Outside, array, mask

DOPAMINE = "google/dopamine, tests/dopamine/agents/rainbow/rainbow_agent_test.py: "
BASELINES = "https://github.com/openai/baselines/issues/765"


def _projected(id: str, comment: str, source: str, within: float, probs: np.ndarray, found: Any,
               **rest: Any) -> Outside:
    """One sample that does not end, unless ``rest`` says otherwise."""
    inputs = {"next_atom_probs": probs[None], "reward": array(rest.pop("reward", 0)),
              "terminated": rest.pop("terminated", mask(of=1))}
    return Outside("bootstraps.categorical_projection", id, comment, source, within, inputs | rest,
                   {"target_probs": [found]})


def _clipped(id: str, comment: str, source: str, values: tuple[Any, Any, Any], clip_value: float, loss_function: str,
             loss: list[float], clipped: list[float]) -> Outside:
    """V, V_old and G are ``values``."""
    names = ("state_value", "old_state_value", "value_target")
    inputs = dict(zip(names, (array(*x) for x in values), strict=True))
    return Outside("losses.clipped_value", id, comment, source, 0.0,
                   inputs | {"clip_value": clip_value, "loss_function": loss_function},
                   {"loss": loss, "clip_fraction": clipped})


OUTSIDE: tuple[Outside, ...] = (
    _projected("dopamine-identical", "the same support, nothing moves",
               DOPAMINE + "testProjectSingleIdenticalDistribution", 0.0, array(0.1, 0.2, 0.1, 0.3, 0.3),
               [0.1, 0.2, 0.1, 0.3, 0.3], gamma=1.0, support=np.arange(5.0)),
    _projected("dopamine-different", "from 0..4 onto 3..7: four atoms fall below or on the first",
               DOPAMINE + "testProjectSingleDifferentDistribution", 1e-15, array(0.1, 0.2, 0.1, 0.3, 0.3),
               [0.7, 0.3, 0, 0, 0], reward=-3, gamma=1.0, support=np.arange(3.0, 8.0)),
    _projected("dopamine-larger-delta", "from 0, 2, ... 8 onto 0, 4, ... 16",
               DOPAMINE + "testProjectBatchOfDifferentDistributionsWithLargerDelta", 1e-15,
               array(0.1, 0.2, 0.2, 0.2, 0.3), [0.2, 0.4, 0.4, 0, 0], gamma=0.5, support=np.arange(0.0, 20.0, 4.0)),
    _projected("rlax-unequal-gaps", "gaps of 1/4, 7/4, 1/2 and 5/2", RLAX + "categorical_l2_project(1/4 + z/2, p, z)",
               1e-15, array(0.1, 0.2, 0.3, 0.25, 0.15), [0, 0.1142857142857143, 0.33571428571428574, 0.475, 0.075],
               reward=0.25, gamma=0.5, support=array(-2, -1.75, 0, 0.5, 3)),
    _projected("hand-terminated", "r = 0.75 is half-way between 1/2 and 1", HAND + "y = 0.75, whatever p says", 0.0,
               array(0.25, 0.25, 0.5), [0, 0.5, 0.5], reward=0.75, gamma=0.5, terminated=mask(0, of=1),
               support=array(0, 0.5, 1)),
    Outside("losses.distributional_dqn", "rlax-cross-entropy", "logits 1, 0, -1 and probabilities 1/4, 1/2, 1/4",
            RLAX + "categorical_cross_entropy(labels, logits)", 1e-15,
            {"action_log_probs": array([[-0.4076059644443804, -1.4076059644443804, -2.4076059644443806]]),
             "action": np.array([0]), "target_probs": array([0.25, 0.5, 0.25])}, {"loss": [1.4076059644443804]}),
    Outside("losses.distributional_dqn", "hand-two-actions", "the second of two actions",
            HAND + "1/4 + 3/4 x 2; -log 1 = 0", 0.0,
            {"action_log_probs": array([[-5, -7], [-1, -2]], [[0, -9], [-3, -4]]), "action": np.array([1, 0]),
             "target_probs": array([0.25, 0.75], [1, 0])}, {"loss": [1.75, 0]}),
    Outside("losses.distributional_dqn", "hand-impossible", "an atom that neither has", HAND + "2 + 0", 0.0,
            {"action_log_probs": array([[-np.inf, -2]]), "action": np.array([0]), "target_probs": array([0, 1])},
            {"loss": [2]}),
    Outside("losses.reduction", "numpy-average", "the mean of 1 to 10, weights 10 to 1",
            "NumPy 2.4, the example in the docstring of numpy.average", 0.0,
            {"loss": np.arange(1.0, 11.0), "weight": np.arange(10.0, 0.0, -1.0), "mask": ~mask(of=10),
             "reduction": "mean"}, {"value": 4.0}),
    Outside("losses.reduction", "numpy-masked-average", "two of four masked",
            "NumPy 2.4, the example in the docstring of numpy.ma.average", 0.0,
            {"loss": array(1, 2, 3, 4), "weight": array(3, 1, 0, 0), "mask": ~mask(2, 3, of=4), "reduction": "mean"},
            {"value": 1.25}),
    Outside("losses.reduction", "hand-sum", "a masked NaN", HAND + "2 x 1 + 1/2 x 4", 0.0,
            {"loss": array(1, np.nan, 4), "weight": array(2, np.nan, 0.5), "mask": ~mask(1, of=3),
             "reduction": "sum"}, {"value": 4.0}),
    Outside("losses.reduction", "hand-none", "the same, not reduced", HAND + "2 x 1, nothing, 1/2 x 4", 0.0,
            {"loss": array(1, np.nan, 4), "weight": array(2, np.nan, 0.5), "mask": ~mask(1, of=3),
             "reduction": "none"}, {"value": [2, 0, 2]}),
    _clipped("baselines-question", "V falls from 5 to 1 where the return is 10: 81, not 23.04", BASELINES,
             ([1], [5], [10]), 0.2, "l2", [81], [1]),
    _clipped("hand-towards", "from 1 to 3, the target 4: V_clip = 1.5", HAND + "max((3 - 4)^2, (1.5 - 4)^2); |.|",
             ([3, 1.25], [1, 1], [4, 1]), 0.5, "l2", [6.25, 0.0625], [1, 0]),
    _clipped("hand-smooth-l1", "the same", HAND + "2.5 - 1/2, (1/4)^2 / 2", ([3, 1.25], [1, 1], [4, 1]), 0.5,
             "smooth_l1", [2, 0.03125], [1, 0]),
    Outside("targets.soft_update", "torch-lerp", "half-way from 1, 2, 3, 4 to 10",
            "torch 2.13, the example in the docstring of torch.lerp", 0.0,
            {"params": np.full(4, 10.0), "target_params": array(1, 2, 3, 4), "tau": 0.5},
            {"target_params": [5.5, 6, 6.5, 7]}),
    Outside("targets.soft_update", "hand-quarter", "a quarter of the way", HAND + "8/4 + 3/4 x 4, -4/4 + 3/4 x 4", 0.0,
            {"params": array(8, -4), "target_params": array(4, 4), "tau": 0.25}, {"target_params": [5, 2]}),
    Outside("targets.soft_update", "hand-all-of-it", "tau = 1", HAND + "theta", 0.0,
            {"params": array(0.1, -0.7), "target_params": array(1e9, 3), "tau": 1.0}, {"target_params": [0.1, -0.7]}),
    *(Outside("targets.hard_update", f"rlax-periodic-{step}", f"update {step} of every 4",
              RLAX + "periodic_update(1, 2, steps, 4) for steps 1 to 8: 2, 2, 2, 1, 2, 2, 2, 1", 0.0,
              {"params": array(1), "target_params": array(2), "step": step, "interval": 4}, {"target_params": [value]})
      for step, value in ((3, 2), (4, 1), (5, 2), (8, 1))),
)
