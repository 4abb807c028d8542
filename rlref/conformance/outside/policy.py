"""The cases from elsewhere of the pages on policy."""

from __future__ import annotations

from rlref.conformance.outside import Outside

OUTSIDE: tuple[Outside, ...] = ()
