"""The deployment that the integration tests share: a real cluster, a real lianxiaod, a small city.

Two districts, four schools, six workshops (units.csv), the programme hefei-2021. A test that kills or reconfigures
things asks for `deployment` of its own.
"""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

import lx  # noqa: E402  (the path comes first)

UNITS = Path(__file__).parent / "units.csv"
SCHEME = lx.ROOT / "deploy/schemes/hefei-2021.yaml"


def found_city(deployment: lx.Deployment) -> lx.Deployment:
    deployment.ctl("unit", "import", UNITS)
    deployment.ctl("programme", "start", SCHEME)
    deployment.server.start()
    return deployment


@pytest.fixture(scope="session")
def city():
    """Shared by all tests of a run: add to it, never take away."""
    with lx.Deployment() as deployment:
        yield found_city(deployment)


@pytest.fixture(scope="session")
def behaving():
    """The city of the tests of behaviour: they make people of their own in it, so nothing else may count its rows."""
    with lx.Deployment() as deployment:
        yield found_city(deployment)


@pytest.fixture
def deployment():
    """A city for one test alone."""
    with lx.Deployment() as fresh:
        yield found_city(fresh)


@pytest.fixture
def database():
    """A migrated database without a server."""
    with lx.Deployment() as fresh:
        yield fresh
