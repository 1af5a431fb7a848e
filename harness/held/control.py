"""What somebody who works against a world can do to it, and what they see of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

from rich.console import Console, Group
from rich.live import Live

from harness.contract import Forecast
from harness.contract.prediction import predict
from harness.engines.base import Job
from harness.engines.local.world import World
from harness.engines.player import Player
from harness.errors import HarnessError, UsageError
from harness.held.keys import keys_to
from harness.held.playback import Playback
from harness.held.screen import final, lines
from harness.history.events import Event
from harness.printable import in_line
from harness.target import Target
from harness.target.loading import load_target

_EVERY_S = 0.25
_STEP_S = 5.0


class Binding(NamedTuple):
    """A key or some that belong together: how they are shown, and what each does."""

    shown: str
    words: str
    strokes: Mapping[str, Callable[[], None]]


class Control:
    """A world in somebody's hands: faults, traffic and target at their word.

    Where there is a terminal a picture moves and keys are obeyed; else lines say what is done, and
    the picture is drawn when the faults are over and at the end.
    """

    def __init__(
        self,
        job: Job,
        world: World,
        player: Player,
        console: Console,
        seen: list[Event],
        *,
        target_name: str,
        stop: Callable[[], None],
        traffic: bool,
    ) -> None:
        self._job = job
        self._world = world
        self._console = console
        self._seen = seen
        self._target_name = target_name
        self._stop = stop
        self._live: Live | None = None
        self._reloading: asyncio.Task[None] | None = None
        self._playback = Playback(
            job, world, player, say=self._say, over=self._faults_over, traffic=traffic
        )
        self._played = bool(job.scenario.faults)
        self._bindings = tuple(self._keys())
        self._forecast: Forecast | None = None

    async def until(self, stopped: asyncio.Event, *, broken: bool, replay: bool) -> None:
        """Hold it until `stopped`; all faults are in force from the start, or come and go."""
        if broken:
            self._playback.hold(self._job.scenario.single_faults)
        elif replay:
            self._playback.play_or_pause()
        play = asyncio.create_task(self._playback.run())
        with keys_to(self._pressed) as any_keys:
            if any_keys:
                await self._shown(stopped)
            else:
                await stopped.wait()
        for task in (play, self._reloading):
            if task is not None:
                task.cancel()
                await asyncio.wait({task})
        self._draw()

    async def _shown(self, stopped: asyncio.Event) -> None:
        """Draw the moving picture until `stopped`."""
        if self._played:
            self._forecast = await asyncio.to_thread(_forecast, self._job)
        with Live(console=self._console, auto_refresh=False, transient=True) as self._live:
            while not stopped.is_set():
                self._live.update(self._picture(), refresh=True)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_EVERY_S):
                        await stopped.wait()
        self._live = None

    def _picture(self) -> Group:
        return Group(
            *lines(
                self._playback if self._played else None,
                self._job.scenario,
                self._forecast,
                self._seen,
                {each.shown: each.words for each in self._bindings},
                now_s=self._playback.now_s,
                width=self._console.width,
            )
        )

    def _keys(self) -> Iterator[Binding]:
        """What keys do here, in the order in which they are shown."""
        play = self._playback
        if self._played:
            every = self._job.scenario.single_faults
            yield Binding("space", "play, pause", {" ": play.play_or_pause})
            beside = {
                "left": partial(play.jump_beside, -1),
                "right": partial(play.jump_beside, 1),
            }
            yield Binding("← →", "to the change before, after", beside)
            by = {",": partial(self._jump_by, -_STEP_S), ".": partial(self._jump_by, _STEP_S)}
            yield Binding(", .", f"{_STEP_S:.0f} s back, on", by)
            start = partial(play.jump, 0.0)
            yield Binding("0", "to the start", {"0": start, "home": start})
            yield Binding("b", "break all", {"b": partial(play.hold, every)})
            yield Binding("h", "heal all", {"h": partial(play.hold, ())})
            yield Binding("t", "traffic on, off", {"t": self._traffic})
        yield Binding("r", "reload the target", {"r": self._reload})
        yield Binding("q", "end", {"q": self._stop})

    def _pressed(self, key: str) -> None:
        for binding in self._bindings:
            if key in binding.strokes:
                binding.strokes[key]()

    def _jump_by(self, by_s: float) -> None:
        self._playback.jump(self._playback.head.at(self._playback.now_s) + by_s)

    def _traffic(self) -> None:
        self._playback.traffic = not self._playback.traffic

    def _reload(self) -> None:
        if self._reloading is None or self._reloading.done():
            self._reloading = asyncio.create_task(self._anew())

    async def _anew(self) -> None:
        """Start the target again, as its file and code are now; what is wrong with them is said."""
        self._say(f"reloading {self._job.target.name}", "dim")
        try:
            target = load_target(self._target_name)
            _check_same_world(self._job.target, target)
            before = self._world.gateway.address
            await self._world.reload(target)
        except HarnessError as error:
            for line in str(error).splitlines():
                self._say(line, "bold red")
            return
        host, port = address = self._world.gateway.address
        self._playback.reloaded(address)
        moved = f", now at {host}:{port}" if address != before else ""
        self._say(f"{target.name} runs anew{moved}", "green")

    def _faults_over(self) -> None:
        if self._live is None:
            self._draw()
        self._say("the scenario's faults are over; the world stays up", "")

    def _draw(self) -> None:
        """Show what was seen until now, if anything was."""
        for line in final(
            self._seen, self._playback, now_s=self._playback.now_s, width=self._console.width
        ):
            self._console.print(line)

    def _say(self, line: str, style: str) -> None:
        self._console.print(in_line(line), style=style, markup=False)


def _check_same_world(before: Target, now: Target) -> None:
    """Raises: UsageError where the target's file asks for another world than the one that is up."""
    worlds = [
        (each.upstreams, each.upstream_names, each.real, each.url, each.start and each.start.tls)
        for each in (before, now)
    ]
    if worlds[0] != worlds[1]:
        raise UsageError(
            f"{now.file or now.name}: its upstreams, `real`, `url` or `tls` have changed; that "
            "needs another world: end this one and begin again"
        )


def _forecast(job: Job) -> Forecast | None:
    """What the contract says of the scenario; None where it can't be said."""
    target = job.target
    names = dict.fromkeys((*target.contract.upstreams, *target.upstream_names))
    try:
        return predict(
            job.scenario,
            {name: target.settings(name) for name in names},
            contract=target.contract,
            upstreams=target.upstream_names,
        )
    except HarnessError:
        return None
