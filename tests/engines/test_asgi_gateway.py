"""A FastAPI gateway is played alike by uvicorn in real time and by the simulation's own loop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from harness.engines.base import Engine
from harness.engines.local.engine import LocalEngine
from harness.engines.sim.engine import SimEngine
from harness.history.lines import to_json
from harness.runs.runner import Played, play_all
from harness.scenario.loader import load_scenarios
from harness.target import Target
from harness.target.loading import load_target
from tests.engines.conftest import Silence
from tests.engines.test_same_verdicts import agree, told

pytestmark = pytest.mark.xdist_group("asgi")  # one worker: they share simulations

FOLDER = Path(__file__).parents[1] / "asgi_gateway"
NAMES = ("inventory_503", "inventory_silent")
TARGET = load_target(FOLDER / "target.yaml")


@pytest.fixture(scope="module")
def engines() -> Iterator[tuple[SimEngine, SimEngine]]:
    """Two simulations, each in a process of its own."""
    made = SimEngine(), SimEngine()
    yield made
    for each in made:
        each.close_now()


def play(engine: Engine, target: Target = TARGET, seed: int = 0) -> Mapping[str, Played]:
    scenarios = load_scenarios([FOLDER / f"{name}.yaml" for name in NAMES], target=target)

    async def run() -> list[Played]:
        try:
            return await play_all(
                scenarios, engine=engine, target=target, watcher=Silence(), seed=seed
            )
        finally:
            if not isinstance(engine, SimEngine):  # those serve several tests
                await engine.close()

    return {played.scenario.name: played for played in asyncio.run(run())}


def without_breaker() -> Target:
    assert TARGET.start is not None
    start = TARGET.start.model_copy(update={"env": {"BROKEN": "1"}})
    return TARGET.model_copy(update={"start": start})


@pytest.mark.parametrize("seed", [0, 3, 4])
def test_it_plays_in_the_simulation(seed: int, engines: tuple[SimEngine, SimEngine]) -> None:
    first, second = (play(engine, seed=seed) for engine in engines)
    for name in NAMES:
        assert first[name].judgement.verdict.value == "passed", told(first[name])
        histories = [[to_json(e) for e in plays[name].events] for plays in (first, second)]
        assert histories[0] == histories[1], "byte by byte"


def test_a_missing_breaker_is_found_there(engines: tuple[SimEngine, SimEngine]) -> None:
    for played in play(engines[0], without_breaker()).values():
        assert played.judgement.verdict.value == "failed", told(played)


@pytest.mark.real_time
def test_uvicorn_plays_the_same(engines: tuple[SimEngine, SimEngine]) -> None:
    real, simulated = play(LocalEngine(proxy="embedded")), play(engines[0])
    for name in NAMES:
        agree(name, real[name], simulated[name])
