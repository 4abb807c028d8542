"""What `rlref verify` can judge: modules whose functions are named like pages. Yours may be one.

A backend is a module. A function called like a page (``gae``, ``td_lambda``, ...) takes that page's arguments
by name:

    per step      NumPy arrays [T, *B], then the axes that the glossary names (actions, critics, ...), float64 or
                  float32 as asked for, masks bool, indices int64; B may be (), (n,) or (n, m)
    parameters    gamma, lmbda, alpha, ...: a float, or an array that broadcasts to [T, *B] axis by axis
    settings      rolling_gamma, loss_function, log_alpha, ...: plain Python values, or an array along a named axis

and returns the page's outputs in order: a tuple, a dict by name, or the bare array where there is one. Its gradient is
``gae_vjp(cotangent, **inputs)``: given the outputs' cotangents as a NamedTuple, it returns one array for each field
of the page's ``Gradient``, in order; of a loss with several terms, in the same two levels, or flat. A library
with several implementations of a page names them ``gae__loop`` and ``gae__vec``, with ``gae__loop_vjp`` and
``gae__vec_vjp``.

What is missing is "not offered". So is a case on which a function raises ``NotImplementedError``, with the reason:
for what a library says it does not do, never for what it says it does and gets wrong.

What is known to be wrong is a tuple ``DIVERGENCES``. The test is strict: every failure must be explained by one of
them, and each must still show. So when a library mends a bug, or makes one, the test says so. ``VERSION``, where
there is one, is printed above the report.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Divergence(NamedTuple):
    """One way in which an implementation is known to differ from its page, and on which inputs."""

    implementation: str  # the function's name, such as "gae__vec" or "gae__vec_vjp"
    when: Callable[[dict[str, Any]], bool]  # on the inputs by name: whether this can show there
    effect: str  # "differs", "crashes", "malformed" (another shape), or "float32" (right in that precision only)
    size: str  # as measured
    cause: str  # one line
    link: str = ""


def always(inputs: dict[str, Any]) -> bool:
    """The condition of what is wrong whatever the inputs are."""
    return True
