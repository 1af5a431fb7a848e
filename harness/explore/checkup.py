"""What can be said of a target without the simulation: that it starts, and what it answers.

One real play without faults: each request once, what it is answered and whom it calls, and which of
what the target file configures never says anything.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.engines.base import Progress
from harness.engines.local.engine import LocalEngine
from harness.errors import UsageError
from harness.explore.surface import Route, Surface, catalogue, healthy_outage, learn
from harness.frozen import Frozen
from harness.history.view import History
from harness.machine.starts import Starts
from harness.runs.runner import Played, play_all
from harness.scenario.model import Scenario
from harness.target import Target

_RETRIES = 2
"""How often it is played again where the machine was too slow for it."""


class Checkup(Frozen, kw_only=True):
    """What a play without faults showed, a sentence each."""

    well: tuple[str, ...]
    amiss: tuple[str, ...]
    """What should be mended before an outage of it means anything."""
    remarks: tuple[str, ...] = ()


class _Nobody:
    """Watches nothing."""

    def progress(self, scenario: Scenario, progress: Progress) -> None:
        """It got somewhere."""

    def done(self, played: Played) -> None:
        """It was judged."""


async def check_up(target: Target, *, seed: int) -> Checkup:
    """Play a target in real time with nothing wrong.

    Raises: UsageError where nothing is known that it could be asked; TargetError, WorldError.
    """
    if not catalogue(target):
        raise UsageError(
            f"nothing is known that {target.name} can be asked: say `routes:` in its target file"
        )
    engine, starts = LocalEngine(proxy="embedded", real=target.real), Starts()
    scenario = healthy_outage(target).scenario(name="healthy")
    try:
        (played,) = await play_all(
            [scenario],
            engine=engine,
            target=target,
            watcher=_Nobody(),
            retries=_RETRIES,
            seed=seed,
            starts=starts,
        )
    finally:
        await engine.close()
    if starts.hopeless and starts.refused is not None:
        raise starts.refused
    return read(target, played)


def read(target: Target, played: Played) -> Checkup:
    """What such a play tells of it."""
    try:
        surface = learn(target, History(tuple(played.events)))
    except UsageError as error:
        return Checkup(well=(), amiss=(str(error),))
    uncalled = [name for name in target.upstream_names if name not in surface.upstreams]
    amiss = [f"not answered as it should be: {missing}" for missing in surface.missing]
    amiss += [f"no request calls {name}: {_wired(target, name)}" for name in uncalled]
    return Checkup(
        well=tuple(_answered(surface)), amiss=tuple(amiss), remarks=played.judgement.silent
    )


def _answered(surface: Surface) -> Iterator[str]:
    for route in surface.offered:
        yield f"{route.raw['request']} is answered {route.healthy}, {_calls(route)}"


def _calls(route: Route) -> str:
    called = [f"{upstream} {on}" for upstream, on in route.calls]
    return f"and calls {', '.join(called)}" if called else "and calls nobody"


def _wired(target: Target, upstream: str) -> str:
    variable = next((v for v, name in (target.upstreams or {}).items() if name == upstream), None)
    where = "its file" if variable is None else variable
    return f"say one under `routes:` that does, or see that its address is taken from {where}"
