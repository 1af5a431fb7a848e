"""A fault that comes and goes is one in every report, with all its times."""

from __future__ import annotations

from harness.checks.case import Case
from harness.checks.hits import hits, misses
from harness.lanes import Scale
from tests.unit.checks.conftest import World, scenario_of

FLAPS = "faults: [{upstream: auth, fault: status, status: 503, to: 25s, every: 10s, for: 2s}]"


def played(*met_at_s: float) -> Case:
    world = World().warmed_up()
    for index, start_s in enumerate((0.0, 10.0, 20.0)):
        world.fault("status", "auth", start_s, start_s + 2.0, index=index)
    world.answers("chat", range(90), 200)
    for at_s in met_at_s:
        world.call("auth", at_s, status=503, met=(f"f{int(at_s // 10)}",))
    return Case(scenario_of(FLAPS), world.history())


def test_it_is_told_once_with_all_that_it_met() -> None:
    (one,) = hits(played(0.5, 20.5))
    assert (one.fault, one.met, one.start_s, one.end_s) == (1, 2, 0.0, 22.0)
    assert one.spells == ((0.0, 2.0), (10.0, 12.0), (20.0, 22.0))


def test_it_is_enough_that_it_met_somebody_once() -> None:
    assert misses(played(10.5)) == ()
    (miss,) = misses(played())
    assert miss.hits.fault == 1


def test_its_lane_shows_each_time() -> None:
    (one,) = hits(played(0.5))
    assert Scale(40.0, 20).fault("auth", *one.spells).marks == "#    #    #         "
