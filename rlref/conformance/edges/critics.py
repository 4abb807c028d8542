"""The edges of the pages on critics."""

from __future__ import annotations

from rlref.conformance.edges import Edge

EDGES: tuple[Edge, ...] = ()
