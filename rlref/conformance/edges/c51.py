"""The edges of the pages on c51."""

from __future__ import annotations

from rlref.conformance.edges import Edge

EDGES: tuple[Edge, ...] = ()
