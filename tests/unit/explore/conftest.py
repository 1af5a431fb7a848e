"""Histories by hand for the acceptor, and one player on a target for those that need a play."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.engines.sim.engine import SimEngine
from harness.explore.player import Player
from harness.target.loading import load_target

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def reference(simulation: SimEngine) -> Iterator[Player]:
    with Player(load_target("reference"), simulation) as player:
        yield player


@pytest.fixture(scope="session")
def second(simulation: SimEngine) -> Iterator[Player]:
    with Player(load_target(ROOT / "tests/second_gateway/target.yaml"), simulation) as player:
        yield player
