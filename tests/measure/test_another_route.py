"""What measuring says of an upstream that two routes call, which may not do it alike."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import yaml

from harness.engines.sim.engine import SimEngine
from harness.measure.measuring import Measured, measure, streams_of
from harness.measure.writing import as_contract, as_target
from tests.measure import bed

_APART = {"breaker": "own"}
_OF_ROUTES = ("attempts", "timeout_s", "breaker.per")


def _measured(simulation: SimEngine, policy: dict[str, Any]) -> Measured:
    target = bed.target(
        "two_routes",
        policy,
        stubs=[{"route": "GET /rate"}, {"route": "POST /orders"}],
        routes={"order": {"request": "POST /order"}, "price": {"request": "GET /price"}},
    )
    return asyncio.run(measure(target, simulation, streams_of(target)))


@pytest.mark.parametrize(
    ("policy", "attempts", "timeout_s", "per", "unknown"),
    [
        ({}, 2, 0.8, "upstream", {}),
        (
            {"attempts": 1, "timeout": 2.5},
            None,
            None,
            "upstream",
            {
                "attempts": "it depends on the route: 2 by GET /price, 1 by POST /order (503, 500, "
                "timeout, cut)",
                "timeout_s": "it depends on the route: 0.800 s by GET /price, 2.500 s by POST "
                "/order",
            },
        ),
        (_APART, 2, 0.8, "route", {}),
        (
            _APART | {"same call": True},
            2,
            0.8,
            None,
            {
                "breaker.per": "GET /price and POST /order make the same call of it, and it isn't "
                "open for both"
            },
        ),
        (
            _APART | {"threshold": 3},
            2,
            0.8,
            None,
            {"breaker.per": "POST /order is let through while it is open, by no breaker like it"},
        ),
    ],
)  # fmt: skip
def test_what_holds_for_one_route_only_is_not_said_of_its_upstream(
    simulation: SimEngine,
    policy: dict[str, Any],
    attempts: int | None,
    timeout_s: float | None,
    per: str | None,
    unknown: dict[str, str],
) -> None:
    measured = _measured(simulation, policy)
    document = measured.as_json()
    found = document["upstreams"]["rates"]
    assert found["attempts"] == attempts
    assert found["timeout_s"] == (timeout_s and pytest.approx(timeout_s, abs=0.002))
    assert found["breaker"]["per"] == per
    told = {k.removeprefix("upstreams.rates."): why for k, why in document["unknown"].items()}
    assert {key: told[key] for key in _OF_ROUTES if key in told} == unknown
    contract = yaml.safe_load(as_contract(measured, {"RATES_URL": "rates"}))
    said = contract["upstreams"]["rates"]
    assert said.get("attempts") == 2  # no call makes more
    assert said.get("timeout") == ("2.5s" if "timeout" in policy else "800ms")
    assert said.get("per") == ("route" if per == "route" else None)
    assert ("breaker" in said) == (per is not None)
    text = as_target(measured, bed.target("two_routes").contract)
    assert ("without" in text) == bool(unknown)
