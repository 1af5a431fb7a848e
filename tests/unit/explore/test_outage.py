"""Outages as data, the instants they are aimed at, and how they are made smaller."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from msgspec.structs import replace

from harness.checks.case import Case
from harness.checks.promises.violation import Violation
from harness.contracts import document
from harness.explore.drawing import outages
from harness.explore.outage import Flow, Outage
from harness.explore.player import Seen
from harness.explore.surface import Surface, catalogue
from harness.explore.trimming import cost, trim
from harness.history.view import History
from harness.policy.outage import trip_s
from harness.policy.scopes import EachWorker
from harness.policy.settings import ServiceSettings, in_a_row
from harness.scenario.loader import parse_scenario
from harness.target.loading import load_target

_CALLS = {
    "chat": (("auth", "POST /verify_token"), ("billing", "GET /balance/*"),
             ("chroma", "POST /query"), ("billing", "POST /deduct")),
    "login": (("auth", "POST /login"),),
    "read": (("auth", "POST /verify_token"), ("filesystem", "GET /file/*/*")),
}  # fmt: skip
ROUTES = catalogue(load_target("reference"))
SURFACE = Surface(
    offered=tuple(replace(ROUTES[name], calls=calls) for name, calls in _CALLS.items()),
    missing=(),
    settings=document().settings,
    contract=document(),
)


def outage(**more: object) -> Outage:
    flow = Flow(name="check", route="check", raw=ROUTES["check"].raw, rate_per_s=1.0)
    fault = {"upstream": "auth", "fault": "status", "status": 503, "from": 0.0, "to": 5.0}
    given: dict[str, object] = {"flows": (flow,), "faults": (fault,), "duration_s": 10.0}
    return Outage(**(given | more))  # type: ignore[arg-type]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(outages(SURFACE))
def test_whatever_is_drawn_is_a_valid_scenario_of_bounded_size(drawn: Outage) -> None:
    scenario = drawn.scenario()
    assert scenario.traffic
    assert drawn.sends() <= 300
    assert scenario.last_lift_s <= scenario.duration
    assert Outage.from_bytes(drawn.to_bytes()).scenario() == scenario


def test_what_is_no_outage_is_refused() -> None:
    for data in (b"", b"{}", b"[1]", b'{"flows": [], "faults": [], "duration_s": 1, "seed": 0}'):
        with pytest.raises(ValueError, match=r"."):
            Outage.from_bytes(data)


def test_faults_are_lifted_at_the_scenario_s_end() -> None:
    raw = outage(duration_s=3.0).as_raw(title="x")
    assert raw["faults"][0]["to"] == "3s"


def test_every_route_of_the_catalogue_is_a_valid_stream() -> None:
    flows = tuple(
        Flow(name=route.name, route=route.name, raw=route.raw, bursts=((1, 1.0),))
        for route in ROUTES.values()
    )
    assert set(outage(flows=flows).scenario().traffic) == set(ROUTES)


@pytest.mark.parametrize(
    ("own", "attempt_s", "expected_s"),
    [
        (in_a_row(attempts=2, timeout_s=5, threshold=5, wait_s=60), 0.0, 2.0),
        (in_a_row(attempts=2, timeout_s=5, threshold=5, wait_s=60), 5.0, 9.0),
        (in_a_row(attempts=1, timeout_s=30, threshold=5, wait_s=60), 0.0, 4.0),
        (in_a_row(attempts=1, timeout_s=30, threshold=5, wait_s=60), 30.0, 34.0),
        (
            replace(in_a_row(attempts=1, timeout_s=5, threshold=3, wait_s=60), scope=EachWorker(2)),
            0.0,
            5.0,
        ),
    ],
)
def test_trips_are_where_the_contract_has_them(
    own: ServiceSettings, attempt_s: float, expected_s: float
) -> None:
    assert trip_s(own, rate_per_s=1, start_s=0, attempt_s=attempt_s) == pytest.approx(expected_s)


def test_trimming_keeps_what_breaks_and_drops_the_rest() -> None:
    violation = Violation(promise="p", about="auth", claims=("B3",), at_s=3.0, says="s")

    def seen(one: Outage) -> Seen:
        case = Case(one.scenario(), History(()))
        return Seen(outage=one, case=case, broken=(violation,))

    def try_out(one: Outage) -> tuple[Seen, Violation] | None:
        """Breaks with any fault on auth of at least two seconds, and at least four seconds."""
        hits = any(f["upstream"] == "auth" and f["to"] - f["from"] >= 2 for f in one.faults)
        return (seen(one), violation) if hits and one.duration_s >= 4 else None

    other = {"upstream": "git", "fault": "empty", "from": 0.0, "to": 50.0}
    flows = (
        *outage().flows,
        Flow(name="b", route="check", raw=ROUTES["check"].raw, bursts=((40, 2.0),)),
    )
    big = outage(faults=(other, *outage().faults), flows=flows, duration_s=90.0, seed=7)
    smallest, _ = trim((seen(big), violation), try_out)
    assert smallest.outage.duration_s == 4.0
    assert [fault["upstream"] for fault in smallest.outage.faults] == ["auth"]
    assert len(smallest.outage.flows) == 1
    assert smallest.outage.seed == 0
    assert cost(smallest.outage) < cost(big) / 5
    raw = smallest.outage.as_raw(title="x")
    parse_scenario(yaml.safe_dump(raw), "x.yaml")
