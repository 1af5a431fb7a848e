"""Exploring in real time: few outages, well chosen, side by side, for gateways in any language.

    learn (one healthy play) ─► openings, then drawn ones ─► played at once ─► what broke, again

Nothing is shrunk: outages that nobody drew are as small as they get. What breaks a promise is
played once more, so that a file says whether it does so every time.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

from hypothesis.configuration import set_hypothesis_home_dir
from msgspec import Struct
from msgspec.structs import replace

from harness.checks.case import Case
from harness.checks.promises import violations
from harness.checks.promises.violation import Violation
from harness.engines.base import Gate, Job, Record, Report
from harness.engines.local.engine import LocalEngine
from harness.errors import UsageError
from harness.explore.coverage import Coverage
from harness.explore.crew import Outcome
from harness.explore.deck import Aim, aims
from harness.explore.drawing import try_all
from harness.explore.finding import Origin, Result, stated
from harness.explore.looks import looks_of
from harness.explore.memory import default_folder
from harness.explore.openings import openings
from harness.explore.outage import Outage
from harness.explore.player import Seen
from harness.explore.surface import Surface, healthy_outage, learn
from harness.explore.timed import play_until, side_by_side
from harness.history.view import History
from harness.judge import judge
from harness.runs.runner import Played, plays_at_once, starts_s
from harness.target import Target
from harness.units import format_duration, plural
from harness.verdict import Verdict

START_S = 15.0
"""Until a world is up, at the most that is usual; its first start tells what this one takes."""
_DRAWN_AT_ONCE = 12
_IDLE_AIMS = 200
_LONGEST_S = 300.0
"""A drawn outage that takes longer is left to the simulation."""


class Settings(Struct, kw_only=True):
    """What was asked for."""

    origin: Origin
    for_s: float | None
    examples: int | None


def explore_in_real_time(
    target: Target,
    chosen: Settings,
    *,
    found: Callable[[Result], None],
    progress: Callable[[Coverage], None],
    tell: Callable[[str], None],
) -> Outcome:
    """Play chosen outages side by side; what breaks a promise is handed to `found`.

    When `for_s` is over, what is being played is taken down, and proves nothing.

    Raises: UsageError for a target that can't be explored, or not in `for_s`; TargetError,
    WorldError.
    """
    set_hypothesis_home_dir(default_folder().parent / "hypothesis")
    hunt = _Hunt(target, chosen, found, progress, tell)
    asyncio.run(hunt.run())
    return hunt.outcome


class _Seldom(LocalEngine):
    """Asks a status page a few times in each play: twice a second it would be most of the work."""

    looks_s: Mapping[str, tuple[float, ...]] = {}
    """When, by the names of scenarios."""

    async def play(self, job: Job, record: Record, report: Report, started: Gate) -> None:
        """As the local engine does."""
        looks_s = self.looks_s.get(job.scenario.name)
        await super().play(replace(job, looks_s=looks_s), record, report, started)


class _Hunt:
    def __init__(
        self,
        target: Target,
        chosen: Settings,
        found: Callable[[Result], None],
        progress: Callable[[Coverage], None],
        tell: Callable[[str], None],
    ) -> None:
        self.outcome = Outcome()
        self._target = target
        self._chosen = chosen
        self._found = found
        self._progress = progress
        self._tell = tell
        self._engine = _Seldom(proxy="embedded", real=target.real)
        for_s = chosen.for_s
        # Of the clock that the event loop has.
        self._until_s = None if for_s is None else time.monotonic() + for_s
        self._start_s = START_S

    async def run(self) -> None:
        """Waves of outages until what was asked for is over, or a signal."""
        with contextlib.suppress(OSError):
            os.nice(-5)  # as `outage run` does: what is measured are instants
        task = asyncio.create_task(self._waves())
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._interrupt, number, task)
        try:
            await task
        except asyncio.CancelledError:
            if self.outcome.interrupted is None:
                raise
        finally:
            await self._engine.close()

    def _interrupt(self, number: int, task: asyncio.Task[None]) -> None:
        if self.outcome.interrupted is not None:
            os._exit(128 + number)  # asked twice: the reaper ends what is left
        self.outcome.interrupted = number
        task.cancel()

    async def _waves(self) -> None:
        surface = await self._learned()
        self.outcome.upstreams, self.outcome.missing = surface.upstreams, surface.missing
        left = self._chosen.examples
        waiting: list[Outage] = []
        for more in self._chosen_outages(surface):
            waiting += more
            while waiting and left != 0:
                wave = self._fitting(waiting[:left])
                if not wave:
                    break
                waiting = [one for one in waiting if one not in wave]
                await self._told_wave(wave)
                left = None if left is None else left - len(wave)
            if left == 0 or self._over(more):
                break
        if waiting and left != 0:
            self._tell(
                f"left out: {plural(len(waiting), 'outage')} for which --for has too little left"
            )
        if not self.outcome.coverage.plays:
            raise self._too_short("any outage was played to its end")

    async def _told_wave(self, wave: Sequence[Outage]) -> None:
        longest_s = round(max(one.duration_s for one in wave))
        self._tell(
            f"{plural(len(wave), 'outage')} side by side, the longest takes "
            f"{format_duration(longest_s)}"
        )
        await self._wave(wave)

    def _too_short(self, what: str) -> UsageError:
        """Nothing was looked at, which is no finding of nothing."""
        return UsageError(
            f"--for {format_duration(self._chosen.for_s or 0)} was over before {what}: a start "
            f"takes about {format_duration(round(self._start_s, 1))}"
        )

    def _over(self, drawn: Sequence[Outage]) -> bool:
        """Whether there is no time for any of what was drawn last, nor will be for the next."""
        return self._until_s is not None and not self._fitting(drawn)

    def _fitting(self, outages: Sequence[Outage]) -> list[Outage]:
        """Those for which there is time, as many as this machine plays side by side."""
        if self._until_s is None:
            return list(outages)
        scenarios = [one.scenario() for one in outages]
        taken = side_by_side(
            [one.duration_s for one in outages],
            room=plays_at_once(scenarios, engine=self._engine, target=self._target, jobs=None),
            left_s=self._until_s - time.monotonic(),
            start_s=self._start_s,
            each_s=starts_s(self._engine, 1),
        )
        return [outages[number] for number in taken]

    async def _learned(self) -> Surface:
        """What it answers well, and calls: from one play without faults."""
        healthy = healthy_outage(self._target)
        began_s = time.monotonic()
        seen = (await self._played([healthy])).get(healthy.to_bytes())
        if seen is None:
            raise self._too_short("a first play, without faults, was at its end")
        self._start_s = max(0.0, time.monotonic() - began_s - healthy.duration_s)
        return learn(self._target, seen.history)

    def _chosen_outages(self, surface: Surface) -> Iterator[list[Outage]]:
        """Those under which breakers are wrong most often; then drawn ones, if more was asked."""
        first = [o for o in openings(surface, surface.upstreams) if self._playable(o)]
        yield first
        if self._chosen.for_s is None and self._chosen.examples is None:
            return
        drawn = _drawn(surface, self._chosen.origin.seed)
        short = (o for o in drawn if o.duration_s <= _LONGEST_S and self._playable(o))
        while wave := list(islice(short, _DRAWN_AT_ONCE)):
            yield wave

    def _playable(self, outage: Outage) -> bool:
        return self._engine.unplayable(outage.scenario()) is None

    async def _played(self, chosen: Sequence[Outage]) -> dict[bytes, Seen]:
        """What was seen of each that was played to its end in the time that there is."""
        by_name = {f"explored_{number}": outage for number, outage in enumerate(chosen)}
        self._engine.looks_s = {name: looks_of(outage) for name, outage in by_name.items()}
        ended = await play_until(
            self._until_s,
            [outage.scenario(name=name) for name, outage in by_name.items()],
            engine=self._engine,
            target=self._target,
            seed=self._chosen.origin.seed,
        )
        if cut := len(by_name) - len(ended):
            self._tell(f"{plural(cut, 'play')} cut off and left out: --for is over")
        return {
            outage.to_bytes(): _seen(outage, ended[name])
            for name, outage in by_name.items()
            if name in ended
        }

    async def _wave(self, chosen: Sequence[Outage]) -> None:
        seen = (await self._played(chosen)).values()
        for each in seen:
            self.outcome.coverage.add(each)
            if each.unproven is not None:
                self.outcome.coverage.troubles[each.unproven] += 1
        self._progress(self.outcome.coverage)
        fresh: dict[tuple[str, str], tuple[Seen, Violation]] = {}
        known = {(one.promise, one.about) for one in self.outcome.findings}
        for each in sorted(seen, key=lambda one: one.outage.duration_s):
            for violation in each.broken:
                if violation.key in known or violation.key in fresh:
                    self.outcome.also[violation.key] += 1
                else:
                    fresh[violation.key] = (each, violation)
        if not fresh:
            return
        broken = list({id(each): each.outage for each, _ in fresh.values()}.values())
        again = self._fitting(broken)
        self._tell(
            f"{plural(len(fresh), 'promise')} broken, in {plural(len(broken), 'outage')}: "
            f"{len(again)} played once more"
        )
        once_more = await self._played(again) if again else {}
        for key, (each, violation) in fresh.items():
            second = once_more.get(each.outage.to_bytes())
            steady = None if second is None else second.broke(key) is not None
            self._hand_over(each, violation, steady=steady)

    def _hand_over(self, seen: Seen, violation: Violation, *, steady: bool | None) -> None:
        result = stated(
            violation,
            seen.outage,
            seen.history,
            self._target,
            self._chosen.origin,
            observed=f"{violation.name}: {violation.says}",
            steady=steady,
        )
        self.outcome.findings.append(result)
        self._found(result)


def _seen(outage: Outage, played: Played) -> Seen:
    """What a play broke, if that is not the machine's doing."""
    history = History(tuple(played.events))
    case = Case(played.scenario, history)
    if history.troubles:
        return Seen(outage=outage, case=case, broken=())
    judged = judge(played.scenario, history)
    failed = {f.name for f in judged.promises if f.verdict is Verdict.FAILED}
    broken = tuple(v for v in violations(case) if v.name in failed)
    busy = judged.verdict is Verdict.INCONCLUSIVE and judged.busy is not None
    unproven = "the machine was too busy for its verdict" if busy else None
    return Seen(outage=outage, case=case, broken=broken, unproven=unproven)


def _drawn(surface: Surface, chosen_seed: int) -> Iterator[Outage]:
    """Outages as the simulation's exploration draws them, until nothing new is drawn."""
    played: set[bytes] = set()
    idle = 0
    for number, aim in enumerate(aims(surface.contract, surface.upstreams, seed=chosen_seed)):
        idle += 1
        for outage in _batch(surface, aim, chosen_seed * 100_003 + number):
            if outage.to_bytes() not in played:
                played.add(outage.to_bytes())
                idle = 0
                yield outage
        if idle > _IDLE_AIMS:
            return


def _batch(surface: Surface, aim: Aim, chosen_seed: int) -> list[Outage]:
    """What hypothesis draws at one aim; nothing of it is played."""
    batch: list[Outage] = []
    try_all(surface, aim, chosen_seed, batch.append)
    return batch
