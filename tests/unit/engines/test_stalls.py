"""Waits for the disk and for memory: their bounds by a made-up /proc, and the real one's fields."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

import pytest

from harness.engines.stalls import FamilyStalls, pressure, use
from harness.engines.waits import TICKS_A_SECOND

_BLOCK = 512
"""What the system call counts reads and writes in."""

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells waits")

Told = list[tuple[str, float, float, float]]


class Machine:
    """A made-up /proc with one family of processes, looked at four times a second."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.family = FamilyStalls("target", proc=str(root))
        self.now_s = 10.0
        (root / "pressure").mkdir()
        self.waited(io_s=5.0, memory_s=1.0, busy_s=100.0)
        self.process(7)

    def waited(self, *, io_s: float = 5.0, memory_s: float = 1.0, busy_s: float) -> None:
        for name, waited_s in (("io", io_s), ("memory", memory_s)):
            (self.root / "pressure" / name).write_text(
                f"some avg10=0.00 avg60=0.00 avg300=0.00 total={round(waited_s * 1e6)}\n"
                "full avg10=0.00 avg60=0.00 avg300=0.00 total=3\n"
            )
        ticks = round(busy_s * TICKS_A_SECOND)
        (self.root / "stat").write_text(f"cpu  {ticks} 0 0 777 0 0 0 0 9 9\ncpu0 1 1\n")

    def process(self, pid: int, *, minor: int = 50, major: int = 1, read: int = 4096) -> None:
        folder = self.root / str(pid)
        folder.mkdir(exist_ok=True)
        (folder / "stat").write_text(f"{pid} (a) b) S 1 1 1 0 -1 4194304 {minor} 9 {major} 9 3 4\n")
        (folder / "io").write_text(f"rchar: 9\nwchar: 9\nread_bytes: {read}\nwrite_bytes: 0\n")

    def look(self, *pids: int) -> Told:
        now = pressure(self.now_s, proc=str(self.root))
        self.now_s += 0.25
        return [
            (each.how, each.since_s, each.at_s, round(each.wait_s, 3))
            for each in self.family.look(pids or (7,), now)
        ]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_process_that_read_waited_no_longer_than_anybody(machine: Machine) -> None:
    assert machine.look() == []
    machine.process(7, read=8192)
    machine.waited(io_s=5.04, busy_s=100.04)  # its CPU alone was busy, with waiting
    assert machine.look() == [("for the disk", 10.0, 10.25, 0.04)]


def test_other_busy_cpus_hide_a_wait_in_the_mean(machine: Machine) -> None:
    """0.1 s of one CPU's 0.1 s, and none of another's 0.25 s: a mean of 0.1 * 0.1 / 0.35."""
    machine.look()
    machine.process(7, major=2)
    machine.waited(io_s=5.0 + 0.01 / 0.35, busy_s=100.35)
    assert machine.look() == [("for the disk", 10.0, 10.25, 0.1)]


def test_nobody_waits_for_longer_than_the_time_between_the_looks(machine: Machine) -> None:
    machine.look()
    machine.process(7, major=2)
    machine.waited(io_s=5.25, busy_s=132.0)
    assert machine.look() == [("for the disk", 10.0, 10.25, 0.25)]


def test_who_had_nothing_to_do_with_the_disk_did_not_wait_for_it(machine: Machine) -> None:
    machine.look()
    machine.waited(io_s=5.2, busy_s=101.0)
    machine.process(7, minor=60)
    assert machine.look() == []


def test_memory_is_waited_for_by_whoever_was_given_some(machine: Machine) -> None:
    machine.look()
    machine.waited(memory_s=1.1, busy_s=100.1)
    assert machine.look() == []
    machine.process(7, minor=60)
    machine.waited(memory_s=1.2, busy_s=100.2)
    assert machine.look() == [("for memory", 10.0, 10.5, 0.2)]


def test_a_wait_may_go_on_after_the_look_that_shows_it_and_is_told_once(machine: Machine) -> None:
    machine.look()
    machine.waited(io_s=5.05, busy_s=100.05)
    assert machine.look() == []
    machine.process(7, read=8192)
    machine.waited(io_s=5.1, busy_s=100.1)
    assert machine.look() == [("for the disk", 10.0, 10.5, 0.1)]
    machine.waited(io_s=5.3, busy_s=100.3)
    assert machine.look() == [("for the disk", 10.5, 10.75, 0.2)]
    machine.waited(io_s=5.5, busy_s=100.5)
    assert machine.look() == []


def test_what_is_not_worth_telling_is_not_told(machine: Machine) -> None:
    machine.look()
    machine.process(7, read=8192)
    machine.waited(io_s=5.004, busy_s=100.004)
    assert machine.look() == []


def test_a_process_that_has_begun_has_been_read(machine: Machine) -> None:
    machine.look()
    machine.process(8)
    machine.waited(io_s=5.1, busy_s=100.1)
    assert machine.look(7, 8) == [("for the disk", 10.0, 10.25, 0.1)]
    machine.waited(io_s=5.1, busy_s=100.1)
    assert machine.look(7, 99) == []  # 99 has ended


@pytest.mark.parametrize(
    ("gone", "told"),
    [
        ("pressure/io", []),
        ("pressure/memory", [("for the disk", 10.0, 10.25, 0.2)]),
        ("7/io", [("for the disk", 10.0, 10.25, 0.2)]),
        ("7/stat", []),
        ("stat", [("for the disk", 10.0, 10.25, 0.1)]),
    ],
)
def test_what_a_kernel_does_not_tell_does_no_harm(machine: Machine, gone: str, told: Told) -> None:
    (machine.root / gone).unlink()
    machine.look()
    machine.waited(io_s=5.1, busy_s=100.4)
    if gone != "7/stat":
        machine.process(7, major=2)
    (machine.root / gone).unlink(missing_ok=True)
    assert machine.look() == told


def test_without_pressure_nothing_is_told(tmp_path: Path) -> None:
    family = FamilyStalls("target", proc=str(tmp_path))
    looks = [pressure(at_s, proc=str(tmp_path)) for at_s in (1.0, 2.0)]
    assert [family.look([os.getpid()], each) for each in looks] == [[], []]


@linux
def test_the_fields_are_those_of_this_kernel() -> None:
    """The test's own counts, with what its children moved, by /proc and by a system call."""

    def counts() -> tuple[int, int]:
        own, ended = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        moved = sum(each.ru_inblock + each.ru_oublock for each in (own, ended))
        return own.ru_minflt + own.ru_majflt, own.ru_majflt + moved * _BLOCK

    before, told, after = counts(), use(os.getpid()), counts()
    assert before[0] <= told.memory <= after[0]
    assert before[1] <= told.io <= after[1] + 2 * _BLOCK
