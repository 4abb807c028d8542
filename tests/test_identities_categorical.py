"""Each line of ``Limits`` of the categorical distributions, and numbers that are hard to hold."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_by_hand import both
from test_identities_distributions import real, within

from rlref.distributions import (
    categorical_entropy,
    categorical_kl,
    categorical_log_prob,
)
from rlref.pages import find

data = given(data=st.data())
EPS = 2.0**-52


def draw_categorical(data, examples, page):
    inputs, cotangents = data.draw(examples(find(page)))
    return inputs, cotangents


@data
def test_the_probabilities_of_legal_actions_add_up_to_one(examples, data):
    inputs, _ = data.draw(examples(find("categorical_log_prob")))
    mask, total = inputs["action_mask"], 0.0
    for action in range(mask.shape[-1]):
        taken = np.where(mask[..., action], action, mask.argmax(axis=-1))
        log_p = categorical_log_prob.vectorized(taken, inputs["logits"], mask).log_prob
        total = total + np.where(mask[..., action], np.exp(log_p), 0.0)
    np.testing.assert_allclose(total, 1, rtol=0, atol=16 * EPS)


@data
def test_categorical_entropy_is_the_mean_of_minus_the_log_probability(examples, data):
    inputs, _ = data.draw(examples(find("categorical_entropy")))
    mask, expected = inputs["action_mask"], 0.0
    for action in range(mask.shape[-1]):
        taken = np.where(mask[..., action], action, mask.argmax(axis=-1))
        log_p = categorical_log_prob.vectorized(taken, **inputs).log_prob
        expected = expected - np.where(mask[..., action], np.exp(log_p) * log_p, 0.0)
    within("categorical_entropy", inputs, {"entropy": expected},
           categorical_entropy.vectorized(**inputs)._asdict(), units=2.0)


@pytest.mark.parametrize("page", ["categorical_log_prob", "categorical_entropy", "categorical_kl"])
@data
def test_a_number_added_to_all_logits_changes_nothing(examples, page, data):
    """To what its addition costs the logits themselves."""
    inputs, _ = data.draw(examples(find(page)))
    inputs["logits"] = np.round(np.nan_to_num(inputs["logits"]) * 8) / 8  # so that the sum is exact
    moved = inputs | {"logits": inputs["logits"] + 16.0}
    got, expected = (find(page).vectorized(**x)._asdict() for x in (inputs, moved))
    within(page, moved, got, expected, units=2.0)


@both
def test_limits_of_categoricals(form):
    one = {"logits": [[5.0, np.nan, np.nan]], "action_mask": [[True, False, False]]}
    assert getattr(categorical_log_prob, form)([0], **one).log_prob.tolist() == [0.0]
    assert getattr(categorical_entropy, form)(**one).entropy.tolist() == [0.0]
    other = [[-3.0, np.nan, np.nan]]
    assert getattr(categorical_kl, form)(one["logits"], other, one["action_mask"]).kl.tolist() == [0.0]
    equal = {"logits": [[7.0] * 5], "action_mask": [[True, True, True, True, False]]}
    assert getattr(categorical_log_prob, form)([2], **equal).log_prob[0] == -math.log(4)
    assert abs(getattr(categorical_entropy, form)(**equal).entropy[0] - math.log(4)) <= 2 * EPS
    sure = {"logits": [[800.0, 0.0, -800.0]], "action_mask": np.ones((1, 3), bool)}
    assert getattr(categorical_entropy, form)(**sure).entropy.tolist() == [0.0]
    assert getattr(categorical_log_prob, form)([2], **sure).log_prob.tolist() == [-1600.0]


@both
def test_categorical_kl_from_equal_probabilities(form):
    logits, mask = real((6, 4), 15), np.array([[True, True, False, True]] * 6)
    entropy = categorical_entropy.vectorized(logits, mask).entropy
    got = getattr(categorical_kl, form)(logits, np.full((6, 4), 2.5), mask).kl
    np.testing.assert_allclose(got, math.log(3) - entropy, rtol=0, atol=16 * EPS)
    same = categorical_kl.vjp((np.ones(6),), logits, logits, mask)
    assert np.abs(same.logits).max() <= 4 * EPS and not same.other_logits.any()


def test_equal_logits_have_the_largest_entropy():
    logits, mask = real((50, 4), 16), np.ones((50, 4), bool)
    assert np.all(categorical_entropy.vectorized(logits, mask).entropy < math.log(4))
    assert np.all(categorical_kl.vectorized(logits, real((50, 4), 17), mask).kl > 0)


@both
def test_a_probability_of_zero_is_no_nan(form):
    """e^-800 is 0 in float64: it adds nothing to the entropy; log q = -800 - log 2 is no infinity: half counts."""
    p, q, mask = [[0.0, 0.0]], [[0.0, -800.0]], [[True, True]]
    with warnings.catch_warnings(action="error"):
        assert getattr(categorical_entropy, form)(q, mask).entropy.tolist() == [0.0]
        assert abs(getattr(categorical_kl, form)(p, q, mask).kl[0] - (400 - math.log(2))) <= 1e-12
        assert getattr(categorical_kl, form)(q, p, mask).kl[0] == math.log(2)
        assert categorical_entropy.vjp(([1.0],), q, mask).logits.tolist() == [[0.0, 0.0]]
        by = categorical_kl.vjp(([1.0],), p, q, mask)
        assert np.allclose(by.logits, [[-200, 200]], rtol=1e-14) and by.other_logits.tolist() == [[0.5, -0.5]]


def test_logits_further_apart_than_float64_can_say():
    logits, mask = [[1e308, -1e308]], [[True, True]]
    with warnings.catch_warnings(action="error"):
        assert categorical_log_prob.vectorized([0], logits, mask).log_prob.tolist() == [0.0]
        assert categorical_log_prob.vectorized([1], logits, mask).log_prob.tolist() == [-np.inf]
        assert categorical_entropy.vectorized(logits, mask).entropy.tolist() == [0.0]
        assert categorical_entropy.vjp(([1.0],), logits, mask).logits.tolist() == [[0.0, 0.0]]
