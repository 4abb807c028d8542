"""The edges of the pages on bootstraps."""

from __future__ import annotations

from rlref.conformance.edges import Edge

EDGES: tuple[Edge, ...] = ()
