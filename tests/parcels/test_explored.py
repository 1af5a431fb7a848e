"""What exploration finds in a gateway whose upstreams are its own is stated, as anybody's is."""

from __future__ import annotations

from harness.engines.sim.engine import SimEngine
from harness.explore.finding import Origin, Result
from harness.explore.hunt import Hunt, Limits
from harness.explore.outage import Flow, Outage
from harness.explore.player import Player
from tests.parcels.test_words import gateway

DOWN = Outage(
    flows=(Flow(name="shelf", route="shelf", raw={"request": "GET /shelf"}, rate_per_s=1.0),),
    faults=({"upstream": "depot", "fault": "status", "status": 503, "from": 0.0, "to": 2.0},),
    duration_s=4.0,
)


def test_it_is_written_into_a_scenario_file(simulation: SimEngine) -> None:
    found: list[Result] = []
    with Player(gateway("an error of its own"), simulation) as player:
        limits = Limits(examples=1)
        origin = Origin(target_name="parcels.yaml", seed=0)
        hunt = Hunt(player, seed=0, limits=limits, origin=origin, say=found.append)
        hunt.run([DOWN])
    assert [one.promise for one in found] == ["never 5xx"]
    assert "upstream: depot" in found[0].text
    assert not hunt.doubtful
