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

# Lines of SOUND that several of the breaks change.
VECTORIZED = "cut = _cut(done)\n    bootstrap"  # where vectorized starts
OUT = "value_target = np.empty(reward.shape)"
CARRY = "earlier = np.where(cut[t], 0.0, gamma[t] * by_reward[t])"
BY_BOOTSTRAP = "np.where(cut & ~terminated, gamma * by_reward, 0.0)"
RETURN = "    return Target(value_target)\n\n\n@contract.vectorized\ndef vjp"
FIELDS = "    reward: np.ndarray\n    next_state_value: np.ndarray\n"
OF_VJP = "cotangent: Target, reward, next_state_value, done, terminated, *, gamma"

BREAKS = [  # law, what is wrong, the text that is replaced in SOUND, by what
    ("parts", "no derivative", "def vjp(", "def _vjp("),
    ("parts", "a public helper", "_cut(", "cut("),
    ("parts", "a public constant", "class Target", "EPS = 1e-8\n\n\nclass Target"),
    ("parts", "too long", "from typing", "# a remark\n" * 50 + "from typing"),
    ("parts", "the loop is not checked", "@contract.per_trajectory\n", ""),
    ("parts", "no NamedTuple", "class Gradient(NamedTuple):", "class Gradient:"),
    ("parts", "Gradient first", "class Target(", "class Gradient(NamedTuple):\n    reward: int\n\n\nclass Target("),
    ("documented", "no source", "Source    Sutton and Barto 2018, 2nd ed., eq. 3.9.\n", ""),
    ("documented", "no equation of the source", ", eq. 3.9", ""),
    ("documented", "no limits", "Limits   ", "Note     "),
    ("documented", "headings out of order", "Masks     t", "TorchRL   none.\nMasks     t"),
    ("documented", "an equation without its number", "  (2)\n", "\n"),
    ("documented", "equation 3 follows 1", "  (2)\n", "  (3)\n"),
    ("documented", "a loop that does not say which", '"""(1)-(2), last', '"""Last'),
    ("signatures", "a default", "*, gamma) -> Target:", "*, gamma=1.0) -> Target:"),
    ("signatures", "a hyper-parameter by position", "*, gamma", "gamma"),
    ("signatures", "an array by name only", "done, terminated, *, gamma", "done, *, terminated, gamma"),
    ("signatures", "another order", OF_VJP, OF_VJP.replace("done, terminated", "terminated, done")),
    ("signatures", "an argument more", OF_VJP, OF_VJP + ", lmbda"),
    ("signatures", "another type than Gradient", "-> Gradient:", "-> Target:"),
    ("in_glossary", "an output of its own", "value_target: np.ndarray", "valeu_target: np.ndarray"),
    ("gradient_fields", "a derivative less", "    next_state_value: np.ndarray\n", ""),
    ("gradient_fields", "a derivative by a hyper-parameter", FIELDS, FIELDS + "    gamma: np.ndarray\n"),
    ("gradient_fields", "another order", FIELDS, "    next_state_value: np.ndarray\n    reward: np.ndarray\n"),
    ("independent", "a loop with NumPy", "ahead = 0\n", "ahead = np.zeros(())\n"),
    ("independent", "a loop with the vectorized form's helper", "elif done[t] or", "elif _cut(done)[t] or"),
    ("independent", "a loop that imports", "ahead = 0\n", "from rlref import recurrence as ahead\n"),
    ("independent", "vectorized by the loop", "later = bootstrap[-1]", "later = loop"),
    ("helpful", "no help", "def _cut", 'vectorized.__doc__ = "Row by row."\n\n\ndef _cut'),
    ("helpful", "help without the source", "def _cut", 'vjp.__doc__ = vjp.__doc__[:-40]\n\n\ndef _cut'),
    ("exact_values", "the end is forgotten", VECTORIZED, "cut = _cut(done & terminated)\n    bootstrap"),
    ("exact_values", "a small gamma is cut off", VECTORIZED,
     "gamma = np.where(gamma < 1e-6, 0, gamma)\n    " + VECTORIZED),
    ("exact_values", "half the digits", "value_target[t] = later", "value_target[t] = np.float32(later)"),
    ("exact_values", "a loop wrong in the 13th digit", "gamma[t] * ahead\n", "gamma[t] * ahead * (1 + 1e-13)\n"),
    ("exact_gradients", "the end is forgotten", CARRY, "earlier = gamma[t] * by_reward[t]"),
    ("exact_gradients", "none by the bootstrap", BY_BOOTSTRAP, "np.zeros(reward.shape)"),
    ("exact_gradients", "a finite difference", CARRY, CARRY.replace("by_reward[t]", "by_reward[t] * (1 + 1e-8)")),
    ("forward_gradients", "a step late", "cotangent.value_target[t]", "cotangent.value_target[t - 1]"),
    ("untouched", "writes to the reward", OUT, "value_target = reward"),
    ("untouched", "writes to the cotangent", "by_reward = np.empty(reward.shape)",
     "by_reward = cotangent.value_target"),
    ("own_arrays", "gives an input back", RETURN, RETURN.replace("(value_target)", "(reward[:])")),
    ("own_arrays", "the same array twice", BY_BOOTSTRAP, "by_reward"),
    ("own_arrays", "read-only", BY_BOOTSTRAP, "np.broadcast_to(0.0, reward.shape)"),
    ("own_arrays", "float32", OUT, "value_target = np.empty(reward.shape, np.float32)"),
    ("own_arrays", "an axis more", RETURN, RETURN.replace("(value_target)", "(value_target[None])")),
    ("silent", "divides by gamma", "later = bootstrap[-1]", "later = bootstrap[-1] + 0.0 / gamma[-1]"),
    ("silent", "warns", "later = bootstrap[-1]",
     'later = __import__("warnings").warn("slow", stacklevel=1) or bootstrap[-1]'),
    ("unread", "masked by multiplication", "np.where(terminated, 0.0, next_state_value)",
     "next_state_value * ~terminated"),
    ("unread", "a derivative by what is not read", "np.where(cut & ~terminated,", "np.where(cut,"),
    ("batch_of_one", "an end ends its neighbours", VECTORIZED, "cut = _cut(done | done[..., :1])\n    bootstrap"),
    ("apart", "what follows shows through", VECTORIZED, "cut = _cut(terminated)\n    bootstrap"),
    ("apart", "one gradient for all", "cotangent.value_target[t] + earlier", "cotangent.value_target.sum()"),
    ("apart", "the first step differs", "later = reward[t] + gamma[t] *", "later = reward[t] + (t > 0) * gamma[t] *"),
    ("apart", "the last step differs", "cotangent.value_target[t] +",
     "(t < len(reward) - 1) * cotangent.value_target[t] +"),
    ("any_array", "reads memory in order", VECTORIZED,
     'reward = reward.ravel("K").reshape(reward.shape)\n    ' + VECTORIZED),
    ("any_parameter", "repeats gamma as it comes", "np.broadcast_to(gamma, reward.shape)",
     "np.resize(gamma, reward.shape)"),
    ("linear", "the size of the cotangent", "cotangent.value_target[t] +", "abs(cotangent.value_target[t]) +"),
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
        law(page, case.inputs, cases.cotangents(page, cases.seeded(case.id), case.inputs))
    for seed in range(10):
        pick = cases.seeded(seed)
        inputs = cases.sample(page, pick, full=seed % 2 == 1)
        law(page, inputs, cases.cotangents(page, pick, inputs))


LAWS = {law.__name__: law for law in (*module_laws.MODULE, *laws.BEHAVIOUR, laws.forward_gradients)}


@pytest.mark.parametrize("source", [SOUND, BATCH], ids=["trajectory", "batch"])
@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_a_sound_page_passes(page, law, source):
    if law in module_laws.MODULE or laws.applies(law, page(source)):
        hold(law, page(source))


@pytest.mark.parametrize("law, wrong, old, new", BREAKS, ids=[f"{law}: {wrong}" for law, wrong, *_ in BREAKS])
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
