"""The edges of the pages on sac."""

from __future__ import annotations

from rlref.conformance.edges import Edge

EDGES: tuple[Edge, ...] = ()
