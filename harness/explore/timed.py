"""Plays side by side that end when their time is over, whatever the machine made of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from msgspec import Struct, field

from harness.engines.base import Engine, Progress
from harness.runs.runner import Played, play_all
from harness.scenario.model import Scenario
from harness.target import Target

RETRIES = 2
"""How often what the machine was too slow for is played again, as far as there is time."""


def side_by_side(
    durations: Sequence[float], *, room: int, left_s: float | None, start_s: float, each_s: float
) -> list[int]:
    """Which of these can be played to their end side by side in `left_s` seconds: as many as can.

    No more than `room`; a start takes `start_s`, and `each_s` longer for each that there is. None
    left: all may take as long as they do.
    """
    best: list[int] = []
    for longest_s in sorted(set(durations), reverse=True):
        most = room
        if left_s is not None:
            most = min(room, int((left_s - start_s - longest_s) / each_s))
        fitting = [n for n, duration_s in enumerate(durations) if duration_s <= longest_s]
        best = max(best, fitting[: max(0, most)], key=len)
    return best


class _Kept(Struct):
    """Keeps what was told of; nobody watches single plays."""

    played: list[Played] = field(default_factory=list)

    def progress(self, scenario: Scenario, progress: Progress) -> None:
        """A scenario got somewhere."""

    def done(self, played: Played) -> None:
        """A scenario has been judged, at its end or when its time was over."""
        self.played.append(played)


async def play_until(
    until_s: float | None,
    scenarios: Sequence[Scenario],
    *,
    engine: Engine,
    target: Target,
    seed: int,
) -> dict[str, Played]:
    """By name, the scenarios whose plays ended before the loop's clock said `until_s`.

    At that instant the worlds of the others are taken down, and these are left out. None: all may
    take as long as they do.
    """
    kept = _Kept()
    limit = asyncio.timeout_at(until_s)
    try:
        async with limit:
            ended = await play_all(
                scenarios, engine=engine, target=target, watcher=kept, retries=RETRIES, seed=seed
            )
    except TimeoutError:
        if not limit.expired():
            raise
        ended = [each for each in kept.played if each.real_s is not None]
    return {each.scenario.name: each for each in ended}
