"""A city for one test alone: these tests kill it."""
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))
sys.path.insert(0, str(HERE.parent / "interop"))

import lx  # noqa: E402  (the path comes first)


@pytest.fixture
def city():
    with lx.Deployment(drain_timeout_ms=500) as deployment:
        deployment.ctl("unit", "import", lx.ROOT / "tests/integration/units.csv")
        deployment.ctl("programme", "start", lx.ROOT / "deploy/schemes/hefei-2021.yaml")
        deployment.server.start()
        yield deployment
