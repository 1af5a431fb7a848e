"""The status route is asked when a breaker may have moved, and seldom otherwise."""

from __future__ import annotations

import pytest

from harness.engines.sim.facts import Facts

from .conftest import Outcome, Simulate, request, send

TARGET = """
import json, os, requests
asked = 0
failed = None
state = "closed"
def work(environ):
    global asked, failed, state
    if environ["PATH_INFO"] == "/status":
        asked += 1
        return json.dumps({"auth": state, "last_failure": failed})
    if environ["PATH_INFO"] == "/asked":
        return asked
    try:
        requests.get(os.environ["UPSTREAM"] + "/health")
        state = "closed"
    except requests.RequestException:
        state, failed = "open", "then"
    return "ok"
"""
STEPS = [
    *(send(float(second), number=second) for second in range(1, 100)),
    send(100.0, "/asked", 100),
]
FAULT = {
    "index": 0,
    "name": "refused",
    "upstreams": ["auth"],
    "apply": [["disable", "auth", "f0"]],
    "lift": [["enable", "auth", "f0"]],
}


def played(
    simulate: Simulate,
    *,
    faults: list[tuple[float, float]],
    target: str = TARGET,
    closely: bool = False,
    looks_s: list[float] | None = None,
) -> Outcome:
    steps = list(STEPS)
    for number, (from_s, to_s) in enumerate(faults):
        steps.append({"at_s": from_s, "send": None, "apply": number, "lift": None})
        steps.append({"at_s": to_s, "send": None, "apply": None, "lift": number})
    return simulate(
        target,
        steps=sorted(steps, key=lambda step: step["at_s"]),
        faults=[FAULT] * len(faults),
        status={
            "request": request("/status", 0),
            "state": "{upstream}",
            "closely": closely,
            "looks": looks_s,
        },
        duration_s=101.0,
    )


def test_healthy_traffic_makes_nobody_ask(simulate: Simulate) -> None:
    assert int(played(simulate, faults=[]).bodies[-1]) <= 100 / 5 + 2


def test_nor_does_it_after_an_outage_that_the_answer_still_tells_of(simulate: Simulate) -> None:
    outcome = played(simulate, faults=[(9.5, 10.5)])
    told = [fact["body"] for fact in outcome.of("status")]
    assert ["open" in body for body in told] == [False, True, False]
    assert int(outcome.bodies[-1]) <= 100 / 5 + 6


def test_each_change_is_told_at_once(simulate: Simulate) -> None:
    outcome = played(simulate, faults=[(9.5, 10.5), (79.5, 80.5)])
    times = [fact["at"] - outcome.document["zero"] for fact in outcome.of("status")]
    assert times[1:] == [pytest.approx(t + 0.15, abs=0.15) for t in (10, 11, 80, 81)]


def test_where_an_answer_may_open_a_breaker_each_makes_it_ask(simulate: Simulate) -> None:
    by_the_first = TARGET.replace(
        '        state = "closed"', '        state = "closed" if failed else "open"'
    )
    outcome = played(simulate, faults=[], target=by_the_first, closely=True)
    times = [fact["at"] - outcome.document["zero"] for fact in outcome.of("status")]
    assert times[1:] == [pytest.approx(1.15, abs=0.15)]


def test_where_instants_are_named_it_is_asked_then_and_first_and_last(simulate: Simulate) -> None:
    outcome = played(simulate, faults=[(9.5, 10.5), (98.5, 99.5)], looks_s=[5.0, 10.2, 50.0])
    told = [(fact["at"] - outcome.document["zero"], fact["since"]) for fact in outcome.of("status")]
    zero_s = outcome.document["zero"]
    assert [at_s for at_s, _ in told[1:]] == pytest.approx([5.0, 10.2, 50.0, 101.0], abs=0.01)
    asked_s = [since_s - zero_s for _, since_s in told[1:]]
    assert asked_s == pytest.approx([5.0, 10.2, 50.0, 101.0], abs=0.01)
    assert int(outcome.bodies[-1]) == 4


@pytest.mark.parametrize(
    ("faults", "crossings", "unrest"),
    [
        (0, [("accepted", {}), ("request", {}), ("response", {"status": 200}), ("closed", {})], 0),
        (0, [("accepted", {}), ("request", {}), ("response", {"status": 503}), ("closed", {})], 2),
        (0, [("accepted", {}), ("request", {}), ("closed", {})], 1),
        (0, [("refused", {})], 1),
        # Cut off in its body, perhaps: only the client knows.
        (1, [("accepted", {}), ("request", {}), ("response", {"status": 200}), ("closed", {})], 1),
    ],
)
def test_what_may_have_been_felt_as_a_failure(
    faults: int, crossings: list[tuple[str, dict[str, int]]], unrest: int
) -> None:
    facts = Facts()
    facts.faults = faults
    for what, fields in crossings:
        facts.cross(1.0, "auth", 7, what, **fields)
    assert (facts.crossings, facts.unrest) == (len(crossings), unrest)


def test_the_end_after_the_fault_of_an_exchange_begun_under_it_is_unrest() -> None:
    facts = Facts()
    facts.faults = 1
    facts.cross(1.0, "auth", 7, "response", status=200)
    facts.faults = 0
    facts.cross(2.0, "auth", 7, "closed")
    assert facts.unrest == 1
