"""Bootstraps that are asked what makes no sense: legality that differs, no legal action, subsets and bounds."""

from __future__ import annotations

import numpy as np
import pytest

from rlref.bootstraps import double_q, expected_soft_q, max_q, subset_min_q, target_policy_smoothing

INF = np.inf


@pytest.mark.parametrize("form", ["loop", "vectorized"])
def test_legality_belongs_to_the_state(form):
    """An action illegal by one network only, or of some probability and illegal."""
    for target, online in (([[1.0, -INF]], [[1.0, 2.0]]), ([[1.0, 2.0]], [[1.0, -INF]])):
        with pytest.raises(ValueError, match=r"online_next_action_value: expected minus infinity where .* \(0, 1\)"):
            getattr(double_q, form)(target, online)
    with pytest.raises(ValueError, match=r"next_action_value: expected finite values where .*, got -inf .*\(0, 1, 0\)"):
        getattr(expected_soft_q, form)([[[1.0], [-INF]]], [[-1.0, -800.0]], alpha=1.0)
    getattr(expected_soft_q, form)([[[1.0], [-INF]]], [[0.0, -INF]], alpha=1.0)


@pytest.mark.parametrize("form", ["loop", "vectorized"])
def test_no_legal_action_at_all(form):
    with pytest.raises(ValueError, match="next_action_value: expected a finite value somewhere along A, got -inf"):
        getattr(max_q, form)([[1.0, 2.0], [-INF, -INF]])
    with pytest.raises(ValueError, match="next_log_probs: expected a finite value somewhere along A, got -inf"):
        getattr(expected_soft_q, form)([[[1.0], [2.0]]], [[-INF, -INF]], alpha=1.0)


@pytest.mark.parametrize("subset, expected", [([0, 0], "each critic once"), ([2], r"index in \[0, N\) with N = 2"),
                                              ([-1], r"index in \[0, N\)"), (np.array([], int), "shape"),
                                              ([0.0], "an integer")])
def test_subsets_that_are_none(subset, expected):
    for form in ("loop", "vectorized"):
        with pytest.raises((ValueError, TypeError), match=f"subset: expected .*{expected}"):
            getattr(subset_min_q, form)([[1.0, 2.0]], [0.0], alpha=1.0, subset=subset)


def test_bounds_that_are_none():
    for form in ("loop", "vectorized"):
        with pytest.raises(ValueError, match="action_high: expected values not below action_low"):
            getattr(target_policy_smoothing, form)([[0.0, 0.0]], [[0.0, 0.0]], policy_noise=1.0, noise_clip=1.0,
                                                   action_low=[-1.0, 1.0], action_high=0.5)
