"""Waits as /proc tells them: read from one made up here, and from the real one."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from msgspec.structs import asdict

from harness.checks.noise import Noise
from harness.engines.chronicle import Chronicle
from harness.engines.client import exchange
from harness.engines.requests import WireRequest
from harness.engines.waits import FamilyWaits, Found, ProcessWaits, StolenTime
from harness.engines.watch import Heartbeat, Watch
from harness.history.events import LOOP_PASSES, Event, Trouble, Waited
from harness.history.view import History

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells waits")


class Proc:
    """A made-up /proc."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def thread(self, pid: int, tid: int, waited_s: float, turns: int = 1, state: str = "S") -> None:
        folder = self.root / str(pid) / "task" / str(tid)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "schedstat").write_text(f"5 {round(waited_s * 1e9)} {turns}\n")
        (folder / "stat").write_text(f"{tid} (a) b) {state} 1 1 1\n")
        if not (self.root / str(pid) / "stat").exists():
            self.state(pid, "S")

    def state(self, pid: int, state: str) -> None:
        (self.root / str(pid) / "stat").write_text(f"{pid} (a) b) {state} 1 1 1\n")

    def children(self, pid: int, children: str) -> None:
        (self.root / str(pid) / "task" / str(pid) / "children").write_text(children)

    def gone(self, pid: int, tid: int) -> None:
        for name in ("schedstat", "stat"):
            (self.root / str(pid) / "task" / str(tid) / name).unlink()
        (self.root / str(pid) / "task" / str(tid)).rmdir()


@pytest.fixture
def proc(tmp_path: Path) -> Proc:
    return Proc(tmp_path)


def looks(waits: ProcessWaits, *instants: float) -> list[tuple[str, float, float, float]]:
    return [
        (each.how, round(each.since_s, 6), each.at_s, round(each.wait_s, 6))
        for at_s in instants
        for each in waits.look(at_s)
    ]


def test_the_first_look_only_begins_to_count(proc: Proc) -> None:
    proc.thread(7, 7, 3.0)
    waits = ProcessWaits("target", 7, proc=str(proc.root))
    assert looks(waits, 10.0, 10.25) == []


def test_threads_waits_add_up_and_small_ones_are_not_told(proc: Proc) -> None:
    proc.thread(7, 7, 1.0)
    proc.thread(7, 8, 1.0)
    waits = ProcessWaits("target", 7, proc=str(proc.root))
    assert looks(waits, 10.0) == []
    proc.thread(7, 7, 1.002, turns=2)
    proc.thread(7, 8, 1.002, turns=2)
    assert looks(waits, 10.25) == []
    proc.thread(7, 7, 1.032, turns=3)
    proc.thread(7, 8, 1.022, turns=3)
    assert looks(waits, 10.5) == [("for a CPU", 10.25, 10.5, 0.05)]


def test_a_long_wait_began_before_the_last_look(proc: Proc) -> None:
    """The kernel counts a wait when it is over; until then the thread is seen to be ready."""
    proc.thread(7, 7, 0.0)
    waits = ProcessWaits("target", 7, proc=str(proc.root))
    looks(waits, 10.0)
    proc.thread(7, 7, 0.0, state="R")
    assert looks(waits, 10.25, 10.5, 10.75) == []
    proc.thread(7, 7, 0.9, turns=2)
    assert looks(waits, 11.0) == [("for a CPU", 10.0, 11.0, 0.9)]


def test_a_sleep_that_the_kernel_takes_for_a_wait_is_not_believed(proc: Proc) -> None:
    proc.thread(7, 7, 0.0)
    waits = ProcessWaits("target", 7, proc=str(proc.root))
    looks(waits, *(10 + 0.25 * look for look in range(16)))
    proc.thread(7, 7, 42.9, turns=2)
    ((_, since_s, at_s, wait_s),) = looks(waits, *(14 + 0.25 * look for look in range(8)))
    assert since_s >= 12.0
    assert wait_s <= at_s - since_s


def test_threads_that_are_idle_are_looked_at_rarely_and_nothing_is_lost(proc: Proc) -> None:
    proc.thread(7, 7, 0.0)
    waits = ProcessWaits("target", 7, proc=str(proc.root))
    instants = [10 + 0.25 * look for look in range(16)]
    assert looks(waits, *instants[:8]) == []
    proc.thread(7, 7, 0.1, turns=2)
    found = looks(waits, *instants[8:])
    assert len(found) == 1
    how, since_s, at_s, wait_s = found[0]
    assert (how, wait_s) == ("for a CPU", 0.1)
    assert since_s <= instants[7] < at_s
    assert at_s - since_s <= 2.0


def test_the_last_look_is_at_all_threads(proc: Proc) -> None:
    proc.thread(7, 7, 0.0)
    waits = ProcessWaits("target", 7, proc=str(proc.root))
    looks(waits, *(10 + 0.25 * look for look in range(5)))
    proc.thread(7, 7, 0.1, turns=2)
    assert [each.wait_s for each in waits.look(11.25, all_threads=True)] == [0.1]


def test_a_thread_born_since_counts_whole_and_one_that_ended_breaks_nothing(proc: Proc) -> None:
    proc.thread(7, 7, 0.0)
    waits = ProcessWaits("target", 7, proc=str(proc.root))
    looks(waits, 10.0)
    proc.thread(7, 9, 0.04)
    assert looks(waits, 10.25) == [("for a CPU", 10.0, 10.25, 0.04)]
    proc.gone(7, 9)
    assert looks(waits, 10.5, 10.75, 11.0) == []


def test_a_stopped_process_is_seen_from_the_look_before_to_the_look_after(proc: Proc) -> None:
    proc.thread(7, 7, 0.0)
    waits = ProcessWaits("stubs", 7, proc=str(proc.root))
    looks(waits, 10.0)
    proc.state(7, "T")
    assert looks(waits, 10.25) == [("stopped", 10.0, 10.25, 0.25)]
    proc.state(7, "S")
    assert looks(waits, 10.5) == [("stopped", 10.25, 10.5, 0.25)]
    assert looks(waits, 10.75) == []


def test_a_process_that_is_gone_tells_nothing(tmp_path: Path) -> None:
    assert looks(ProcessWaits("target", 7, proc=str(tmp_path)), 10.0, 10.25) == []


def test_children_belong_to_the_family(proc: Proc) -> None:
    proc.thread(7, 7, 0.0)
    proc.children(7, "8 ")
    proc.thread(8, 8, 0.0)
    family = FamilyWaits("target", proc=str(proc.root))
    assert family.look([7], 10.0) == []
    proc.thread(8, 8, 0.1, turns=2)
    assert [each.wait_s for each in family.look([7], 10.25)] == [0.1]
    assert family.look([], 10.5) == []


def test_a_restarted_process_is_counted_anew(proc: Proc) -> None:
    proc.thread(7, 7, 0.0)
    proc.thread(9, 9, 5.0)
    family = FamilyWaits("stubs", proc=str(proc.root))
    assert family.look([7], 10.0) == []
    assert family.look([9], 10.25) == []


def test_what_the_host_took_is_told(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text("cpu  1 2 3 4 5 6 7 100 0 0\ncpu0 1\n")
    stolen = StolenTime(proc=str(tmp_path))
    assert stolen.look(10.0) == []
    assert stolen.look(10.25) == []
    (tmp_path / "stat").write_text("cpu  1 2 3 4 5 6 7 110 0 0\ncpu0 1\n")
    (found,) = stolen.look(10.5)
    assert (found.who, found.how, found.since_s) == ("machine", "stolen", 10.25)
    assert found.wait_s == pytest.approx(10 / os.sysconf("SC_CLK_TCK"))


def test_a_heart_that_is_held_up_says_so() -> None:
    async def run() -> tuple[list[float], list[float]]:
        heart = Heartbeat(asyncio.get_running_loop())
        for _ in range(LOOP_PASSES + 2):
            time.sleep(0.06)
            await asyncio.sleep(0.04)
        late = [found.wait_s for found in heart.look()]
        heart.stop()
        return late, [found.wait_s for found in heart.look()]

    late, after = asyncio.run(run())
    assert len(late) == LOOP_PASSES, "a request takes no more turns of the loop"
    assert all(each > 0.03 for each in late)
    assert after == []


@pytest.mark.real_time
def test_what_a_crowded_loop_adds_to_an_answer_is_measured() -> None:
    """The answer is there at once, or as soon as a busy machine lets its thread run: should that
    take a second, half of it all is measured. Each turn of the loop takes 0.15 s, or longer.
    """

    def at_once(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, connection.makefile("rb") as asked:
            while asked.readline().strip():
                pass
            connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    async def crowd() -> None:
        while True:
            time.sleep(0.15)
            await asyncio.sleep(0)

    async def run(port: int) -> tuple[float, float, list[Found]]:
        loop = asyncio.get_running_loop()
        heart, crowded = Heartbeat(loop), asyncio.create_task(crowd())
        await asyncio.sleep(0.02)
        begun_s = loop.time()
        answer = await exchange("127.0.0.1", port, WireRequest(method="GET", path="/"))
        ended_s = loop.time()
        crowded.cancel()
        await asyncio.sleep(0.02)
        heart.stop()
        assert answer.status == 204
        return begun_s, ended_s, heart.look()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=at_once, args=(listening,), daemon=True).start()
        begun_s, ended_s, found = asyncio.run(run(listening.getsockname()[1]))
    late = [Waited(by="engine", **asdict(each)) for each in found]
    late_s = Noise(History(late)).late_s(begun_s, ended_s)
    assert len(found) >= 3  # a beat may take two turns
    assert late_s > 0.5 * (ended_s - begun_s)


@linux
@pytest.mark.real_time
def test_a_watched_process_that_is_starved_or_stopped_is_told_of() -> None:
    """One CPU for two busy processes: each waits for the other. Then one is stopped."""

    async def run() -> list[Event]:
        events: list[Event] = []
        chronicle = Chronicle(events.append)
        chronicle.begin(0.0)
        cpu = min(os.sched_getaffinity(0))
        words = [sys.executable, "-c", f"import os\nos.sched_setaffinity(0, [{cpu}])\nwhile 1: 0"]
        busy = [subprocess.Popen(words) for _ in range(2)]
        watch = Watch()
        try:
            async with watch.over(chronicle, lambda: {"target": [busy[0].pid]}):
                await asyncio.sleep(1.0)
                busy[0].send_signal(signal.SIGSTOP)
                await asyncio.sleep(0.6)
                busy[0].send_signal(signal.SIGCONT)
                await asyncio.sleep(0.3)
        finally:
            watch.close()
            for each in busy:
                each.kill()
                each.wait()
        return events

    waits = [event for event in asyncio.run(run()) if isinstance(event, Waited)]
    starved = [event for event in waits if (event.who, event.how) == ("target", "for a CPU")]
    stopped = [event for event in waits if (event.who, event.how) == ("target", "stopped")]
    assert sum(event.wait_s for event in starved) > 0.1
    assert sum(event.wait_s for event in stopped) >= 0.3
    assert all(event.since_s < event.at_s for event in waits)


def test_what_breaks_in_one_world_is_told_there_and_the_watch_goes_on() -> None:
    def broken() -> dict[str, list[int]]:
        raise KeyError("gone")

    async def run() -> tuple[list[Event], bool]:
        events: list[Event] = []
        chronicle = Chronicle(events.append)
        chronicle.begin(0.0)
        watch = Watch()
        try:
            async with watch.over(chronicle, broken):
                await asyncio.sleep(0.8)
            return events, watch.alive
        finally:
            watch.close()

    events, alive = asyncio.run(run())
    assert alive
    (trouble,) = (event for event in events if isinstance(event, Trouble))
    assert "KeyError" in trouble.what
