"""Golden vectors for anybody's tests. Installed with rlref, it imports nothing until a test is marked:

    @pytest.mark.golden("returns.gae")
    def test_mine(golden):
        golden.check(my_gae(**golden.inputs))

runs once per case of the page, named by the case's id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", "golden(page): run once per golden vector of an rlref page, as argument golden")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test a vector."""
    marker = metafunc.definition.get_closest_marker("golden")
    if marker is None:
        return
    if len(marker.args) != 1 or "golden" not in metafunc.fixturenames:
        raise ValueError('golden: expected @pytest.mark.golden("returns.gae") on a test with an argument golden')
    from rlref.conformance.golden import load

    vectors = load(marker.args[0])
    metafunc.parametrize("golden", vectors, ids=[vector.id for vector in vectors])
