"""When an explored target's status page is asked: seldom, in order, and where a lie would show."""

from __future__ import annotations

from typing import Any

import pytest

from harness.explore.looks import looks_of
from harness.explore.outage import Outage


def _outage(*faults: tuple[float, float], duration_s: float = 100.0) -> Outage:
    raw: list[dict[str, Any]] = [{"upstream": "auth", "from": a, "to": b} for a, b in faults]
    return Outage(flows=(), faults=tuple(raw), duration_s=duration_s)


def test_it_is_asked_in_the_middle_of_a_fault_after_it_and_in_the_widest_gaps() -> None:
    assert looks_of(_outage((0.0, 20.0))) == (10.0, 20.7, 40.525, 60.35, 80.175)


def test_a_short_fault_is_looked_at_when_what_it_does_may_have_been_shown() -> None:
    assert {50.7, 52.0, 61.7} <= set(looks_of(_outage((50.0, 51.3), (61.0, 61.0))))


@pytest.mark.parametrize("many", [3, 40])
def test_however_many_faults_there_are_it_is_asked_five_times(many: int) -> None:
    looks = looks_of(_outage(*((float(at), at + 1.0) for at in range(1, many + 1))))
    assert len(looks) == 5
    assert list(looks) == sorted(looks)
    assert all(0 < at_s < 100 for at_s in looks)


def test_nothing_is_looked_at_when_all_is_over() -> None:
    assert max(looks_of(_outage((0.0, 500.0), (99.9, 200.0)))) < 100
