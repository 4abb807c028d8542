"""rlref: the pure NumPy reference for reinforcement-learning return estimators and losses.

Import pages, not names: ``from rlref.returns import gae``, then ``gae.loop(...)``, ``gae.vectorized(...)``,
``gae.vjp(...)``. This module imports nothing, so that the pytest plugin costs nothing where it is not used.
"""

__version__ = "0.1.0"
