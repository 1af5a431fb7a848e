"""What tests of containers stand on: a Docker engine, or one visible reason why there is none."""

from __future__ import annotations

import os
from typing import Any

import pytest

from harness.engines.compose.command import find_compose
from harness.engines.compose.dockerd import Dockerd
from harness.errors import UsageError

REQUIRED = "compose" in os.environ.get("OUTAGE_REQUIRE", "").split(",")


@pytest.fixture(scope="session")
def docker_client() -> Any:
    """A client of the engine; without one a skip, or a failure if OUTAGE_REQUIRE says so."""
    try:
        find_compose()
        return Dockerd().client
    except UsageError as error:
        if REQUIRED:
            pytest.fail(f"OUTAGE_REQUIRE names compose, but: {error}")
        pytest.skip(str(error))
