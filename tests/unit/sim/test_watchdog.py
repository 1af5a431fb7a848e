"""What the watchdog takes for a play without end, on a clock of the test's own."""

from __future__ import annotations

from typing import NoReturn

import pytest

from harness.engines.sim import real
from harness.engines.sim.escapes import ESCAPES
from harness.engines.sim.watchdog import Watchdog


class Stuck(Exception):
    pass


def stuck(what: str) -> NoReturn:
    raise Stuck(what)


def watch(monkeypatch: pytest.MonkeyPatch, *, looks: int, apart_s: float) -> None:
    """As many looks, so far apart: what a thread sees that is to look every 20 ms."""
    now_s = 0.0

    class Bell:
        """Instead of the lock whose release ends the watch."""

        def acquire(self, *_: object) -> bool:
            nonlocal looks, now_s
            looks -= 1
            now_s += apart_s
            return looks < 0

    watchdog = Watchdog(60.0, stuck)
    watchdog._stop = Bell()
    monkeypatch.setattr(real, "monotonic", lambda: now_s)
    # Nothing waits in this test: whoever holds the baton is left out of it.
    monkeypatch.setattr(watchdog, "_judge", lambda *_: None)
    watchdog._watch()


def test_a_thread_that_runs_nothing_of_the_targets_does_not_wait_in_it() -> None:
    """One that only begins may have to wait for Python's lock, where the machine is busy."""
    before = list(ESCAPES.found)
    Watchdog(60.0, stuck)._judge(-1, 0.0, 0.5)
    assert ESCAPES.found == before


def test_a_play_that_goes_on_and_on_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    watch(monkeypatch, looks=100, apart_s=0.5)
    with pytest.raises(Stuck, match="more than 60 s of real time"):
        watch(monkeypatch, looks=200, apart_s=0.5)


def test_what_a_machine_gives_no_time_to_has_not_begun_to_take_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watch(monkeypatch, looks=20, apart_s=30.0)
