"""What the comparisons of engines stand on: scenarios played once on each, everything side by side.

All worlds start before any plays, so starting containers disturbs no scenario, and it takes as long
as the longest of them: T1 by default. With OUTAGE_PARITY=all every bundled scenario is played on
`local` and every timeline T1-T9 on the two others: four minutes.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Iterator, Mapping

import pytest

from harness.bundled import bundled_folder, find_scenarios
from harness.engines.base import Engine, Progress
from harness.engines.compose.dockerd import Dockerd
from harness.engines.compose.engine import ComposeEngine
from harness.engines.local.engine import LocalEngine
from harness.engines.sim.engine import SimEngine
from harness.errors import UsageError
from harness.machine.starts import Starts
from harness.runs.runner import Played, play_all
from harness.scenario.loader import load_scenarios
from harness.scenario.model import Scenario
from harness.target.loading import load_target
from harness.toxiproxy.locate import find_toxiproxy

ALL = os.environ.get("OUTAGE_PARITY") == "all"
LONGEST_S = 16.0
"""What counts as short."""
BUNDLED = {
    scenario.name: scenario for scenario in load_scenarios(find_scenarios([bundled_folder()]))
}

EVERYWHERE = tuple(
    name
    for name, scenario in BUNDLED.items()
    if (ALL and {f"T{number}" for number in range(1, 10)} & set(scenario.claims))
    or name in ("auth_blackhole_50s", "billing_refused_50s", "chroma_refused_50s")
)
"""T1, T4 and T6, or all timelines: to be the same on processes and containers."""
SIMULATED = tuple(
    name
    for name, scenario in BUNDLED.items()
    if "local" in (scenario.engines or ("local",))
    and (ALL or scenario.duration <= LONGEST_S or name in EVERYWHERE)
)
"""To be the same in the simulation."""
PROCESS_FAULTS = ("git_restarts", "billing_paused", "auth_killed")
CONTAINER_FAULTS = ("git_restarts", "billing_paused", "git_disconnected", "lookup_unanswered_30s")
"""`kill` is left to OUTAGE_PARITY's sake: it takes a scenario of 75 s."""

Plays = Mapping[str, Mapping[str, Played]]
"""By engine (`embedded`, `toxiproxy`, `compose`), then by scenario; only engines that are here."""


class Silence:
    """Watches, and says nothing."""

    def progress(self, scenario: Scenario, progress: Progress) -> None:
        """Say nothing."""

    def done(self, played: Played) -> None:
        """Say nothing."""


async def play_side_by_side(wanted: Mapping[str, tuple[Engine, tuple[str, ...]]]) -> Plays:
    target = load_target("reference")
    starts = Starts()
    parts = [
        (engine, some, retries)
        for engine, names in wanted.values()
        for some, retries in _by_patience(dict.fromkeys(names))
    ]
    try:
        runs = await asyncio.gather(
            *(
                play_all(
                    [BUNDLED[name] for name in names],
                    engine=engine,
                    target=target,
                    watcher=Silence(),
                    jobs=len(names),
                    retries=retries,
                    starts=starts,
                )
                for engine, names, retries in parts
            )
        )
    finally:
        for engine, _ in wanted.values():
            await engine.close()
    played: dict[str, dict[str, Played]] = {key: {} for key in wanted}
    keys = {engine: key for key, (engine, _) in wanted.items()}
    for (engine, _, _), run in zip(parts, runs, strict=True):
        played[keys[engine]] |= {each.scenario.name: each for each in run}
    return played


def _by_patience(names: Iterable[str]) -> Iterator[tuple[list[str], int]]:
    """What is short is played again where other tests took the processors for a moment.

    A long one played again would keep all others waiting for as long as all of them took: it is
    skipped, visibly, where the machine was too busy for it (but for OUTAGE_PARITY=all).
    """
    named = list(names)
    short = [name for name in named if ALL or BUNDLED[name].duration <= LONGEST_S]
    yield short, 1
    yield [name for name in named if name not in short], 0


@pytest.fixture(scope="session")
def real() -> Plays:
    """Everything in real time."""
    wanted: dict[str, tuple[Engine, tuple[str, ...]]] = {
        "embedded": (LocalEngine(proxy="embedded"), (*SIMULATED, *EVERYWHERE, *PROCESS_FAULTS))
    }
    if find_toxiproxy() is not None:
        wanted["toxiproxy"] = (LocalEngine(proxy="toxiproxy"), EVERYWHERE)
    try:
        Dockerd().close()
        wanted["compose"] = (ComposeEngine(), (*EVERYWHERE, *CONTAINER_FAULTS))
    except UsageError:
        pass  # its tests say so
    return asyncio.run(play_side_by_side(wanted))


@pytest.fixture(scope="session")
def simulated(real: Plays) -> Mapping[str, Played]:
    """The same by scenario in the simulation, played when nothing real is disturbed by it."""
    plays = asyncio.run(play_side_by_side({"sim": (SimEngine(), SIMULATED)}))
    return plays["sim"]


@pytest.fixture
def on_compose(real: Plays, docker_client: object) -> Mapping[str, Played]:
    """What containers played; skipped, visibly, where there is no Docker."""
    return real["compose"]
