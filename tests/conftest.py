"""For all tests: which keep time with the wall clock, what is no test, a simulation, and a
Docker engine.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from harness.engines.compose.command import find_compose
from harness.engines.compose.dockerd import Dockerd
from harness.engines.sim.engine import SimEngine
from harness.errors import UsageError
from harness.startup import collect_seldom

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
"""How fast this machine happens to be is no test's business."""

collect_ignore_glob = ["*.yaml"]
"""Scenario files below this folder are data of tests."""

KEEP_TIME = ("engines", "compose", "end_to_end", "contract")
"""Folders whose tests wait for real sockets, processes and containers; `make test` begins there."""


def pytest_collection() -> None:
    """What is made now stays to the end: no look for garbage, which takes a fifth of the time."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Nor is any of it looked through again, nor what a test makes more often than in a command."""
    gc.freeze()
    collect_seldom()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them `real_time`."""
    here = Path(__file__).parent
    for item in items:
        if item.get_closest_marker("crowding") is not None:
            continue  # they keep time, too, but leave others none
        if item.path.is_relative_to(here) and item.path.relative_to(here).parts[0] in KEEP_TIME:
            item.add_marker(pytest.mark.real_time)


@pytest.fixture(scope="session")
def simulation() -> Iterator[SimEngine]:
    """One for all tests of a worker: its process takes as long to start as several plays."""
    engine = SimEngine()
    yield engine
    engine.close_now()


@pytest.fixture(scope="session")
def docker_client() -> Any:
    """A client of the Docker engine; without one a skip, or a failure if OUTAGE_REQUIRE says so."""
    try:
        find_compose()
        return Dockerd().client
    except UsageError as error:
        if "compose" in os.environ.get("OUTAGE_REQUIRE", "").split(","):
            pytest.fail(f"OUTAGE_REQUIRE names compose, but: {error}")
        pytest.skip(str(error))
