"""Plays begin in turn, while no world starts, and while the machine keeps up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from harness.machine.starts import KEEPS_UP_S, PATIENCE_S, SPACING_S, STARTS_AT_ONCE, Starts, pulse

BUSY_S = KEEPS_UP_S * 2


class Machine:
    """Keeps up or not, as it is told; its pulses take no time."""

    def __init__(self, *late_s: float) -> None:
        self.late_s = list(late_s)
        self.pulses = 0

    async def pulse(self, for_s: float) -> float:
        self.pulses += 1
        await asyncio.sleep(0)
        return self.late_s.pop(0) if len(self.late_s) > 1 else self.late_s[0]


async def play(
    starts: Starts, name: str, told: list[str], *, world_s: float = 0.0, play_s: float = 0.01
) -> None:
    async with starts.one(lambda words: told.append(f"{name}: {words}")) as gate:
        told.append(f"{name} starts")
        await asyncio.sleep(world_s)
        await gate()
        told.append(f"{name} plays")
        await asyncio.sleep(play_s)
    told.append(f"{name} ended")


def all_of(starts: Starts, *names: str, **more: float) -> list[str]:
    told: list[str] = []

    async def run() -> None:
        async with asyncio.timeout(20):
            await asyncio.gather(*(play(starts, name, told, **more) for name in names))

    asyncio.run(run())
    return told


def begun(told: Sequence[str]) -> list[str]:
    return [line for line in told if line.endswith("plays")]


def test_nobody_plays_while_a_world_starts_and_few_start_at_once() -> None:
    names = [str(number) for number in range(STARTS_AT_ONCE + 2)]
    told = all_of(Starts(pulse=Machine(0.0).pulse), *names, world_s=0.02)
    assert told.index(f"{names[-1]} starts") < told.index(begun(told)[0])
    assert len(begun(told)) == len(names)


def test_plays_begin_while_the_machine_keeps_up_with_one_pulse_each() -> None:
    machine = Machine(0.0)
    told = all_of(Starts(pulse=machine.pulse), "a", "b", "c")
    assert machine.pulses == 3
    assert not [line for line in told if "machine" in line]


def test_a_play_waits_until_the_machine_keeps_up() -> None:
    machine = Machine(*[BUSY_S] * 20, 0.0)
    told = all_of(Starts(pulse=machine.pulse), "a")
    assert machine.pulses == 21
    assert "a: waiting until this machine keeps up" in told
    assert told.index("a: waiting until this machine keeps up") < told.index("a plays")


def test_a_machine_that_never_keeps_up_is_waited_for_once_and_then_few_play_at_a_time() -> None:
    machine = Machine(BUSY_S)
    told = all_of(Starts(pulse=machine.pulse, few=2), *"abcdef", play_s=0.02)
    assert any("playing although this machine does not keep up" in line for line in told)
    playing = most = 0
    for line in told:
        playing += line.endswith("plays")
        playing -= line.endswith("ended")
        most = max(most, playing)
    assert most == 2
    assert len(begun(told)) == 6
    assert machine.pulses >= PATIENCE_S / SPACING_S - 1


def test_a_world_that_never_comes_up_holds_up_nobody() -> None:
    async def run() -> list[str]:
        starts, told = Starts(pulse=Machine(0.0).pulse), []

        async def broken() -> None:
            async with starts.one(told.append):
                raise OSError

        tasks = [asyncio.ensure_future(broken()) for _ in range(STARTS_AT_ONCE + 1)]
        cancelled = asyncio.ensure_future(play(starts, "b", told, world_s=10))
        await asyncio.sleep(0.01)
        cancelled.cancel()
        async with asyncio.timeout(5):
            await asyncio.gather(*tasks, cancelled, return_exceptions=True)
            await play(starts, "a", told)
        return told

    assert begun(asyncio.run(run())) == ["a plays"]


def test_a_pulse_tells_how_late_the_worst_beat_came() -> None:
    async def run() -> float:
        task = asyncio.ensure_future(pulse(SPACING_S))
        await asyncio.sleep(0.02)
        time.sleep(0.1)
        return await task

    assert asyncio.run(run()) >= 0.08
