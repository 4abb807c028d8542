"""The laws themselves: a sound page passes every one, a page broken on purpose fails the one that forbids it."""

from __future__ import annotations

import importlib.util
import sys

import laws
import module_laws
import pytest

from rlref.conformance import cases
from rlref.conformance.edges import edges
from rlref.pages import Page

SOUND = '''"""Discounted return with a bootstrap at its end.

    G_t = r_t + gamma_t ahead_t                                                  (1)
    ahead_t = 0 if terminated_t;  V(s'_t) if done_t, or t = T - 1;  G_{t+1} else  (2)

Source    Sutton and Barto 2018, 2nd ed., eq. 3.9.
Masks     terminated cuts the bootstrap, done the recursion.
Limits    gamma = 0: G = r.
TorchRL   None.
"""

from typing import NamedTuple

import numpy as np

from rlref import contract


class Target(NamedTuple):
    """The return."""

    value_target: np.ndarray


class Gradient(NamedTuple):
    """The derivative by each differentiable input."""

    reward: np.ndarray
    next_state_value: np.ndarray


@contract.per_trajectory
def loop(reward, next_state_value, done, terminated, *, gamma) -> Target:
    """(1)-(2), last step first."""
    value_target = [0] * len(reward)
    for t in reversed(range(len(reward))):
        if terminated[t]:
            ahead = 0
        elif done[t] or t == len(reward) - 1:
            ahead = next_state_value[t]
        else:
            ahead = value_target[t + 1]
        value_target[t] = reward[t] + gamma[t] * ahead
    return Target(value_target)


@contract.vectorized
def vectorized(reward, next_state_value, done, terminated, *, gamma) -> Target:
    """Row by row."""
    gamma = np.broadcast_to(gamma, reward.shape)
    cut = _cut(done)
    bootstrap = np.where(terminated, 0.0, next_state_value)
    value_target = np.empty(reward.shape)
    later = bootstrap[-1]
    for t in reversed(range(len(reward))):
        later = reward[t] + gamma[t] * np.where(cut[t], bootstrap[t], later)
        value_target[t] = later
    return Target(value_target)


@contract.vectorized
def vjp(cotangent: Target, reward, next_state_value, done, terminated, *, gamma) -> Gradient:
    """Row by row, forward in time."""
    gamma = np.broadcast_to(gamma, reward.shape)
    cut = _cut(done)
    by_reward = np.empty(reward.shape)
    earlier = 0.0
    for t in range(len(reward)):
        by_reward[t] = cotangent.value_target[t] + earlier
        earlier = np.where(cut[t], 0.0, gamma[t] * by_reward[t])
    return Gradient(by_reward, np.where(cut & ~terminated, gamma * by_reward, 0.0))


def _cut(done):
    return np.concatenate([done[:-1], np.ones_like(done[-1:])])
'''

BATCH = SOUND[: SOUND.index("class Target")] + '''class Target(NamedTuple):
    """The advantage without its mean."""

    advantage: np.ndarray


class Gradient(NamedTuple):
    """The derivative by the input."""

    advantage: np.ndarray


@contract.per_batch
def loop(advantage) -> Target:
    """(1)-(2), one element at a time."""
    mean = sum(advantage) / len(advantage)
    return Target([a - mean for a in advantage])


@contract.vectorized
def vectorized(advantage) -> Target:
    """All at once."""
    return Target(advantage - advantage.mean())


@contract.vectorized
def vjp(cotangent: Target, advantage) -> Gradient:
    """The same."""
    return Gradient(cotangent.advantage - cotangent.advantage.mean())
'''

# law, what is wrong, the text that is replaced in SOUND, by what
BREAKS = [
    ("parts", "no derivative", "def vjp(", "def _vjp("),
    ("parts", "a public helper", "_cut(", "cut("),
    ("parts", "a public constant", "class Target", "EPS = 1e-8\n\n\nclass Target"),
    ("parts", "too long", "from typing", "# a remark\n" * 50 + "from typing"),
    ("parts", "the loop is not checked", "@contract.per_trajectory\n", ""),
    ("parts", "no NamedTuple", "class Gradient(NamedTuple):", "class Gradient:"),
    ("parts", "Gradient first", "class Target(", "class Gradient(NamedTuple):\n    reward: np.ndarray\n\n\nclass Target("),
    ("documented", "no source", "Source    Sutton and Barto 2018, 2nd ed., eq. 3.9.\n", ""),
    ("documented", "no equation of the source", ", eq. 3.9", ""),
    ("documented", "no limits", "Limits   ", "Note     "),
    ("documented", "headings out of order", "Masks     t", "TorchRL   none.\nMasks     t"),
    ("documented", "an equation without its number", "  (2)\n", "\n"),
    ("documented", "equation 3 follows 1", "  (2)\n", "  (3)\n"),
    ("documented", "a loop that does not say which", '"""(1)-(2), last', '"""Last'),
    ("signatures", "a default", "terminated, *, gamma) -> Target:\n    \"\"\"Row", "terminated, *, gamma=1.0) -> Target:\n    \"\"\"Row"),
    ("signatures", "a hyper-parameter by position", "*, gamma", "gamma"),
    ("signatures", "an array by name only", "done, terminated, *, gamma", "done, *, terminated, gamma"),
    ("signatures", "another order", "cotangent: Target, reward, next_state_value", "cotangent: Target, next_state_value, reward"),
    ("signatures", "an argument less", "cotangent: Target, reward, next_state_value, done, terminated, *, gamma",
     "cotangent: Target, reward, next_state_value, done, terminated, *, lmbda, gamma"),
    ("in_glossary", "an output of its own", "value_target: np.ndarray", "valeu_target: np.ndarray"),
    ("gradient_fields", "a derivative less", "    next_state_value: np.ndarray\n", ""),
    ("gradient_fields", "a derivative by a hyper-parameter", "next_state_value: np.ndarray\n", "next_state_value: np.ndarray\n    gamma: int\n"),
    ("gradient_fields", "another order", "    reward: np.ndarray\n    next_state_value: np.ndarray", "    next_state_value: np.ndarray\n    reward: np.ndarray"),
    ("independent", "a loop with NumPy", "ahead = 0\n", "ahead = np.zeros(())\n"),
    ("independent", "a loop with the vectorized form's helper", "elif done[t] or", "elif _cut(done)[t] or"),
    ("independent", "a loop that imports", "value_target = [0] * len(reward)", "from rlref import recurrence\n    value_target = [0] * len(reward)"),
    ("independent", "vectorized by the loop", "later = bootstrap[-1]", "later = loop"),
    ("helpful", "no help", "def _cut", 'vectorized.__doc__ = "Row by row."\n\n\ndef _cut'),
    ("helpful", "help without the source", "def _cut", 'vjp.__doc__ = vjp.__doc__.replace("Sutton", "")\n\n\ndef _cut'),
    ("exact_values", "the end is forgotten", "cut = _cut(done)\n    bootstrap", "cut = _cut(done & terminated)\n    bootstrap"),
    ("exact_values", "a small gamma is cut off", "cut = _cut(done)\n    bootstrap", "gamma = np.where(gamma < 1e-6, 0.0, gamma)\n    cut = _cut(done)\n    bootstrap"),
    ("exact_values", "half the digits", "value_target[t] = later", "value_target[t] = np.float32(later)"),
    ("exact_values", "a wrong loop", "value_target[t] = reward[t] + gamma[t] * ahead", "value_target[t] = reward[t] + gamma[t] * (1 + 1e-13) * ahead"),
    ("exact_gradients", "the end is forgotten", "earlier = np.where(cut[t], 0.0, gamma[t] * by_reward[t])", "earlier = gamma[t] * by_reward[t]"),
    ("exact_gradients", "no derivative by the bootstrap", "np.where(cut & ~terminated, gamma * by_reward, 0.0)", "np.zeros(reward.shape)"),
    ("exact_gradients", "a finite difference", "earlier = np.where(cut[t], 0.0, gamma[t] * by_reward[t])", "earlier = np.where(cut[t], 0.0, gamma[t] * by_reward[t] * (1 + 1e-8))"),
    ("forward_gradients", "a step late", "value_target[t] + earlier", "value_target[t - 1] + earlier"),
    ("untouched", "writes to the reward", "value_target = np.empty(reward.shape)", "value_target = reward"),
    ("untouched", "writes to the cotangent", "by_reward = np.empty(reward.shape)", "by_reward = cotangent.value_target"),
    ("own_arrays", "gives an input back", "    return Target(value_target)\n\n\n@contract.vectorized\ndef vjp", "    return Target(reward[:])\n\n\n@contract.vectorized\ndef vjp"),
    ("own_arrays", "the same array twice", "return Gradient(by_reward, np.where(cut & ~terminated, gamma * by_reward, 0.0))", "return Gradient(by_reward, by_reward)"),
    ("own_arrays", "read-only", "np.where(cut & ~terminated, gamma * by_reward, 0.0))", "np.broadcast_to(0.0, reward.shape))"),
    ("own_arrays", "float32", "value_target = np.empty(reward.shape)", "value_target = np.empty(reward.shape, np.float32)"),
    ("own_arrays", "an axis more", "    return Target(value_target)\n\n\n@contract.vectorized\ndef vjp", "    return Target(value_target[None])\n\n\n@contract.vectorized\ndef vjp"),
    ("silent", "divides by gamma", "later = bootstrap[-1]", "later = bootstrap[-1] + 0.0 / np.where(gamma[-1] == 0.0, 0.0, 1.0)"),
    ("silent", "warns", "later = bootstrap[-1]", 'later = bootstrap[-1]\n    __import__("warnings").warn("slow", stacklevel=1)'),
    ("unread", "masked by multiplication", "np.where(terminated, 0.0, next_state_value)", "next_state_value * ~terminated"),
    ("unread", "a derivative by what is not read", "np.where(cut & ~terminated,", "np.where(cut,"),
    ("batch_of_one", "an end ends its neighbours", "cut = _cut(done)\n    bootstrap", "cut = _cut(done | done[..., :1])\n    bootstrap"),
    ("apart", "what follows shows through", "cut = _cut(done)\n    bootstrap", "cut = _cut(terminated)\n    bootstrap"),
    ("apart", "one gradient for all", "by_reward[t] = cotangent.value_target[t] + earlier", "by_reward[t] = cotangent.value_target.sum()"),
    ("apart", "the first step is not the last", "later = reward[t] + gamma[t] *", "later = reward[t] + (t > 0) * gamma[t] *"),
    ("any_array", "reads memory in order", "cut = _cut(done)\n    bootstrap", 'reward = reward.ravel("K").reshape(reward.shape)\n    cut = _cut(done)\n    bootstrap'),
    ("any_parameter", "repeats gamma as it comes", "gamma = np.broadcast_to(gamma, reward.shape)\n    cut = _cut(done)\n    boot", "gamma = np.resize(gamma, reward.shape)\n    cut = _cut(done)\n    boot"),
    ("linear", "the size of the cotangent", "cotangent.value_target[t] + earlier", "abs(cotangent.value_target[t]) + earlier"),
]


@pytest.fixture
def page(tmp_path, monkeypatch):
    """page(source) is the page of that source, as if it were in rlref."""
    def load(source):
        path = tmp_path / "made_up.py"
        path.write_text(source)
        spec = importlib.util.spec_from_file_location("made_up", path)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, "made_up", module)
        spec.loader.exec_module(module)
        return Page(module)

    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # two sources of one second would share it
    return load


def hold(law, page):
    """Apply a law as ``test_laws`` does: to the module, or to edges and samples."""
    if law in module_laws.MODULE:
        law(page)
        return
    for case in edges(page):
        law(page, case.inputs, cases.cotangents(page, cases.seeded(case.id), laws.shape_of(page, case.inputs)))
    for seed in range(10):
        pick = cases.seeded(seed)
        inputs = cases.sample(page, pick, full=seed % 2 == 1)
        law(page, inputs, cases.cotangents(page, pick, laws.shape_of(page, inputs)))


LAWS = {law.__name__: law for law in (*module_laws.MODULE, *laws.BEHAVIOUR, laws.forward_gradients)}


@pytest.mark.parametrize("source", [SOUND, BATCH], ids=["trajectory", "batch"])
@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_a_sound_page_passes(page, law, source):
    if law in module_laws.MODULE or laws.applies(law, page(source)):
        hold(law, page(source))


@pytest.mark.parametrize("law, wrong, old, new", [pytest.param(*b, id=f"{b[0]}-{b[1].replace(' ', '-')}") for b in BREAKS])
def test_a_broken_page_fails(page, law, wrong, old, new):
    assert old in SOUND
    broken = page(SOUND.replace(old, new))
    with pytest.raises(AssertionError):
        hold(LAWS[law], broken)


def test_a_batch_in_which_the_first_element_counts_more_fails(page):
    broken = page(BATCH.replace("advantage - advantage.mean())", "advantage - advantage.flat[0])", 1))
    with pytest.raises(AssertionError, match=r"vectorized\.advantage"):
        hold(laws.any_order, broken)


def test_every_law_has_been_seen_to_fail():
    assert {b[0] for b in BREAKS} | {"any_order"} == LAWS.keys()


def test_an_argument_that_is_not_in_the_glossary_stops_the_import(page):
    with pytest.raises(KeyError, match="rewrad"):
        page(SOUND.replace("reward", "rewrad"))
