"""What the comparisons of engines stand on: scenarios played once on each, everything side by side.

All worlds start before any plays, so starting containers disturbs no scenario. The timelines that
take minutes are played in a hurry: those in `hasty/`, on a reference gateway whose deadlines and
waits are shorter (`hasty/compose.yaml`), so that what a busy machine disturbed can be played again.
With OUTAGE_PARITY=all every bundled scenario is played on `local` and every timeline T1-T9 on the
two others, too, at the document's own pace.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
import yaml

from harness.bundled import bundled_folder, find_scenarios
from harness.contracts.policies import Adjustment
from harness.engines.base import Engine, Progress
from harness.engines.compose.command import OVERRIDE
from harness.engines.compose.dockerd import Dockerd
from harness.engines.compose.engine import ComposeEngine
from harness.engines.local.engine import LocalEngine
from harness.engines.sim.engine import SimEngine
from harness.errors import UsageError
from harness.machine.starts import Starts
from harness.runs.runner import Played, play_all
from harness.scenario.loader import load_scenarios
from harness.scenario.model import Scenario
from harness.target import Target
from harness.target.loading import load_target
from harness.toxiproxy.locate import find_toxiproxy

ALL = os.environ.get("OUTAGE_PARITY") == "all"
LONGEST_S = 16.0
"""What counts as short."""
RETRIES = 2
"""How often what a busy machine disturbed is played again."""
HASTY = Path(__file__).parent / "hasty"
SETTINGS = HASTY / "compose.yaml"


def loaded(files: Sequence[Path]) -> dict[str, Scenario]:
    return {scenario.name: scenario for scenario in load_scenarios(files)}


@cache
def bundled() -> dict[str, Scenario]:
    """Read when asked for: other tests of this folder need none."""
    return loaded(find_scenarios([bundled_folder()]))


@cache
def hurried() -> dict[str, Scenario]:
    return loaded(sorted(file for file in HASTY.glob("*.yaml") if file != SETTINGS))


@cache
def everywhere() -> tuple[str, ...]:
    """T1, T4 and T6, or all timelines: to be the same on processes and containers."""
    numbered = {f"T{number}" for number in range(1, 10)}
    known = bundled().items() if ALL else ()
    timelines = (name for name, scenario in known if numbered & set(scenario.claims))
    return ("auth_goes_silent", "billing_refuses", "chroma_refuses", *timelines)


@cache
def in_simulation() -> tuple[str, ...]:
    """To be the same in the simulation."""
    return tuple(
        name
        for name, scenario in (bundled() | hurried()).items()
        if "local" in (scenario.engines or ("local",))
        and (ALL or name in hurried() or scenario.duration <= LONGEST_S)
    )


PROCESS_FAULTS = ("git_is_restarted", "billing_stands_still", "auth_is_killed")
CONTAINER_FAULTS = (
    "git_is_restarted",
    "billing_stands_still",
    "git_drops_out",
    "lookup_goes_unanswered",
)

Plays = Mapping[str, Mapping[str, Played]]
"""By engine (`embedded`, `toxiproxy`, `compose`), then by scenario; only engines that are here."""


class Silence:
    """Watches, and says nothing."""

    def progress(self, scenario: Scenario, progress: Progress) -> None:
        """Say nothing."""

    def done(self, played: Played) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Part:
    """Some scenarios on one engine, against one target."""

    key: str
    engine: Engine
    target: Target
    scenarios: tuple[Scenario, ...]


def hasty_target() -> Target:
    """The reference gateway with the settings of the hasty container, and a target that says so."""
    target = load_target("reference")
    assert target.start is not None
    document = yaml.safe_load(SETTINGS.read_text(encoding="utf-8"))
    environ = document["services"]["gateway"]["environment"]
    own: dict[str, dict[str, str]] = defaultdict(dict)
    for variable, value in environ.items():
        named = re.fullmatch(r"([A-Z_]+)_(TIMEOUT|WAIT)_S", variable)
        assert named is not None
        own[named[1].lower()][named[2].lower()] = f"{value}s"
    breakers = {name: Adjustment.model_validate(settings) for name, settings in own.items()}
    start = target.start.model_copy(update={"env": environ})
    return target.model_copy(update={"start": start, "breakers": breakers})


def parts(
    key: str, names: Sequence[str], engine: Engine, hasty: Engine | None = None
) -> Iterator[Part]:
    """At the document's own pace, and in a hurry; `hasty` where that takes an engine of its own."""
    for own, target, known in (
        (engine, load_target("reference"), bundled()),
        (hasty or engine, hasty_target(), hurried()),
    ):
        if some := tuple(known[name] for name in dict.fromkeys(names) if name in known):
            yield Part(key, own, target, some)


async def play_side_by_side(wanted: Sequence[Part]) -> Plays:
    starts = Starts()
    try:
        runs = await asyncio.gather(
            *(
                play_all(
                    part.scenarios,
                    engine=part.engine,
                    target=part.target,
                    watcher=Silence(),
                    jobs=len(part.scenarios),
                    retries=RETRIES,
                    starts=starts,
                )
                for part in wanted
            )
        )
    finally:
        for part in wanted:
            await part.engine.close()
    played: dict[str, dict[str, Played]] = defaultdict(dict)
    for part, run in zip(wanted, runs, strict=True):
        played[part.key] |= {each.scenario.name: each for each in run}
    return played


def asked(request: pytest.FixtureRequest, names: Sequence[str]) -> tuple[str, ...]:
    """Those of them that this session's tests name; all where some test names none."""
    specs = [getattr(item, "callspec", None) for item in request.session.items]
    wanted = {spec and spec.params.get("name") for spec in specs}
    return tuple(name for name in names if None in wanted or name in wanted)


@pytest.fixture(scope="session")
def real(request: pytest.FixtureRequest) -> Plays:
    """Everything in real time that this session's tests ask for."""
    on_all = asked(request, everywhere())
    local = asked(request, (*in_simulation(), *everywhere(), *PROCESS_FAULTS))
    wanted = [*parts("embedded", local, LocalEngine(proxy="embedded"))]
    if find_toxiproxy() is not None:
        wanted += parts("toxiproxy", on_all, LocalEngine(proxy="toxiproxy"))
    try:
        Dockerd().close()
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv(OVERRIDE, str(SETTINGS))
            hasty = ComposeEngine()
        names = (*on_all, *asked(request, CONTAINER_FAULTS))
        wanted += parts("compose", names, ComposeEngine(), hasty)
    except UsageError:
        pass  # its tests say so
    return asyncio.run(play_side_by_side(wanted))


@pytest.fixture(scope="session")
def simulated(request: pytest.FixtureRequest, real: Plays) -> Mapping[str, Played]:
    """The same by scenario in the simulation, played when nothing real is disturbed by it."""
    names, engine = asked(request, in_simulation()), SimEngine()
    return asyncio.run(play_side_by_side([*parts("sim", names, engine)]))["sim"]


@pytest.fixture
def on_compose(real: Plays, docker_client: object) -> Mapping[str, Played]:
    """What containers played; skipped, visibly, where there is no Docker."""
    return real["compose"]
