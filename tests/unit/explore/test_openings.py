"""Outages that every exploration begins with: valid for all settings, reaching every state."""

from __future__ import annotations

from itertools import pairwise

import pytest
from msgspec.structs import replace

from harness.contracts import document
from harness.explore.openings import openings
from harness.explore.player import Player
from harness.explore.surface import Surface, catalogue
from harness.policy.settings import ServiceSettings, in_a_row
from harness.target.loading import load_target

ROUTES = catalogue(load_target("reference"))


def surface_with(own: ServiceSettings) -> Surface:
    offered = (
        replace(ROUTES["nobody"], calls=(("auth", "POST /verify_token"),)),
        replace(ROUTES["check"], calls=(("auth", "POST /verify_token"),)),
    )
    return Surface(offered=offered, missing=(), settings={"auth": own}, contract=document())


@pytest.mark.parametrize("attempts", [1, 4])
@pytest.mark.parametrize("threshold", [1, 2, 10])
def test_openings_are_valid_scenarios_for_all_settings(attempts: int, threshold: int) -> None:
    own = in_a_row(attempts=attempts, timeout_s=0.5, threshold=threshold, wait_s=1)
    found = list(openings(surface_with(own), ["auth"]))
    assert 10 <= len(found) <= 15
    for outage in found:
        assert outage.scenario().faults
        assert [flow.route for flow in outage.flows] == ["check"]


def test_an_upstream_that_no_user_reaches_has_none() -> None:
    own = in_a_row(attempts=1, timeout_s=1, threshold=3, wait_s=4)
    surface = surface_with(own)
    assert not list(openings(replace(surface, offered=surface.offered[:1]), ["auth"]))


def test_openings_take_a_breaker_through_all_its_states(second: Player) -> None:
    reached: set[str] = set()
    for outage in openings(second.surface, ["billing"]):
        seen = second.try_out(outage)
        assert not seen.broken
        states = ["closed", *(t.state for t in seen.case.wire("billing").transitions)]
        reached |= {f"{before}>{after}" for before, after in pairwise(states)}
    assert reached >= {"closed>open", "open>half_open", "half_open>closed", "half_open>open"}
