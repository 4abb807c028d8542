"""The glossary itself, and what ``help()`` makes of it. That the pages' names are in it is a law of ``module_laws``."""

from __future__ import annotations

import inspect
import math
import re

import pytest

from rlref import contract
from rlref.glossary import GLOSSARY, STEPS, Entry
from rlref.pages import pages
from rlref.returns import gae, standardize, vtrace


@pytest.mark.parametrize("name", GLOSSARY)
def test_entry(name):
    entry = GLOSSARY[name]
    assert name.isidentifier() and name in (name.lower(), "ESS")
    assert re.fullmatch(r"\[T, \*B(, [A-Z])*\]|scalar( or \[(T, \*B|[A-Z2])\])?|\[[A-Z]\]", entry.axes), entry.axes
    assert entry.kind in ("real", "bool", "int", "choice") and bool(entry.choices) == (entry.kind == "choice")
    assert entry.meaning and not entry.meaning.endswith(".") and entry.low <= entry.high
    assert bool(entry.unit) == (entry.kind in ("real", "int")), "numbers have a unit, masks and choices have none"
    assert entry.unread is None or GLOSSARY[entry.unread.removeprefix("~")].kind == "bool"
    assert all(entry.low <= x <= entry.high for x in entry.usual)
    assert entry.infinite in (None, math.inf, -math.inf)


def test_every_entry_is_used():
    used = {name for page in pages().values() for name in (*page.arguments, *page.outputs)}
    assert used == GLOSSARY.keys()


@pytest.mark.parametrize("entry, words", [
    (GLOSSARY["reward"], "finite"),
    (GLOSSARY["log_pi"], "finite or -inf"),
    (GLOSSARY["gamma"], "in [0, 1]"),
    (GLOSSARY["rho_thresh"], ">= 0, inf allowed"),
    (Entry("x", STEPS, "real", "", low=0.0), ">= 0, finite"),
    (GLOSSARY["std_min"], "> 0, finite"),
    (GLOSSARY["done"], "True or False"),
    (Entry("x", STEPS, "real", "", low=-1.0, high=2.5), "in [-1, 2.5]"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_ranges_in_words(entry, words):
    assert entry.range == words


def test_the_three_kinds_of_arguments():
    kinds = {name: (entry.per_step, entry.setting) for name, entry in GLOSSARY.items()}
    assert kinds["reward"] == (True, False) and kinds["gamma"] == (False, False) and kinds["ddof"] == (False, True)


def test_help_of_gae():
    """As a reader sees it, word for word for the arguments that have something to say."""
    text = inspect.getdoc(gae.vectorized)
    assert "reward: real [T, *B], finite, in units of reward\n        r_t, received for acting at step t." in text
    assert "next_state_value: real [T, *B], finite, in units of return\n        V(s'_t), value of the state" in text
    assert "before any reset; never read where terminated.\n" in text
    assert "done: bool [T, *B], True or False\n" in text and "gamma: real scalar or [T, *B], in [0, 1]\n" in text
    assert "TypeError: not numbers of that kind" in text and "ValueError: a wrong shape, T = 0" in text
    assert "Source    Schulman et al. 2016, arXiv:1506.02438v6, eq. 16" in text


def test_help_of_others():
    assert "cotangent: ValueEstimate of real [T, *B], finite" in inspect.getdoc(vtrace.vjp)
    assert "log_pi: real [T, *B], finite or -inf, in units of nat\n" in inspect.getdoc(vtrace.loop)
    assert "ddof: int scalar, in [0, 1]\n" in inspect.getdoc(standardize.loop)


@pytest.mark.parametrize("decorate", [contract.vectorized, contract.per_sample, contract.per_trajectory,
                                      contract.per_batch], ids=lambda decorate: decorate.__name__)
def test_an_argument_that_is_not_in_it_cannot_be_declared(decorate):
    def loop(reward, rewrad) -> gae.ValueEstimate:
        raise AssertionError("never called")

    with pytest.raises(KeyError, match="rewrad"):
        decorate(loop)
