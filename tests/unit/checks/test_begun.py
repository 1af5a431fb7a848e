"""Events after which faults begin, as each source tells of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from harness.history.events import Called, Crossed, Event, Logged, Replied, Reported, Run
from harness.judge import judge
from harness.policy.settings import ServiceSettings, in_a_row
from harness.scenario.loader import parse_scenario
from harness.scenario.model import Scenario
from harness.triggers import Triggers
from harness.verdict import Verdict

SETTINGS = in_a_row(attempts=1, timeout_s=1.0, threshold=2, wait_s=10.0)
OPEN = "{breaker: auth, is: open}"
HALF_OPEN = "{breaker: auth, is: half_open}"
CLOSED = "{breaker: auth, is: closed}"


def scenario(after: str) -> Scenario:
    text = (
        "title: t\nduration: 60s\n"
        "traffic: {chat: {request: GET /, rate: 1/s}}\n"
        "faults: [{upstream: billing, fault: refused, wait: 2s, for: 5s, after: AFTER},\n"
        "         {upstream: auth, fault: blackhole, from: 1s, to: 50s}]\n"
    )
    return parse_scenario(text.replace("AFTER", after).encode(), "s.yaml")


def run(*evidence: str, marks: tuple[str, ...] = ()) -> Run:
    return Run(
        at_s=-2.0, by="engine", scenario="s", file="s.yaml", engine="local", proxy="embedded",
        target="t", seed=0, upstreams=("auth", "billing"), evidence=evidence, marks=marks,
    )  # fmt: skip


def crossed(at_s: float, what: str, **more: Any) -> Crossed:
    return Crossed(at_s=at_s, by="proxy", upstream="auth", connection=1, what=what, **more)


def answered(at_s: float, status: int) -> Sequence[Event]:
    return crossed(at_s, "request"), crossed(at_s + 0.1, "response", status=status)


def known(
    after: str, events: Iterable[Event], settings: ServiceSettings = SETTINGS
) -> list[tuple[float, str]]:
    """When the fault's event was known, and by what."""
    triggers = Triggers(scenario(after), lambda name: settings)
    return [(event.at_s, by) for event in events for _, by in triggers.take(event)]


WIRE = (
    run("stub", "proxy requests"),
    *answered(-1.0, 500),
    *answered(1.0, 200),
    *answered(2.0, 500),
    crossed(3.0, "request"),
    crossed(4.0, "closed", closed_by="client"),
    *answered(15.0, 200),
)


@pytest.mark.parametrize(("after", "at_s"), [(OPEN, 4.0), (HALF_OPEN, 15.0), (CLOSED, 15.1)])
def test_attempts_on_the_wire_are_counted_as_the_policy_counts(after: str, at_s: float) -> None:
    assert known(after, WIRE) == [(at_s, "what crossed the proxy")]


def test_calls_are_counted_from_0s() -> None:
    assert known("{calls: 2, at: auth}", WIRE) == [(2.0, "what crossed the proxy")]


def test_where_no_proxy_sees_requests_the_stub_tells() -> None:
    events: list[Event] = [run("stub", "proxy connections")]
    for number, at_s in enumerate((1.0, 2.0)):
        common: dict[str, Any] = {"by": "stub", "upstream": "auth", "id": number}
        events.append(Called(at_s=at_s, route="GET /x", path="/x", of="x", attempt=1, **common))
        events.append(Replied(at_s=at_s + 0.5, status=503, outcome="sent", **common))
    assert known(OPEN, events) == [(2.5, "calls at the stub")]


def test_what_the_target_reports_comes_before_the_wire() -> None:
    def reported(at_s: float, state: str, upstream: str = "auth") -> Reported:
        return Reported(at_s=at_s, by="target", upstream=upstream, state=state, since_s=at_s - 0.5)

    told = (
        run("proxy requests", "status"), reported(-1.0, "closed"), *WIRE[1:],
        reported(16.0, "open", "billing"), reported(17.0, "open"), reported(30.0, "closed"),
    )  # fmt: skip
    by = "the target's status endpoint"
    assert known(OPEN, told) == [(17.0, by)]
    assert known(CLOSED, told) == [(30.0, by)]
    assert known(HALF_OPEN, told) == []


def test_a_log_pattern_is_heeded_where_there_is_one_for_the_state() -> None:
    line = Logged(
        at_s=16.0, by="target", source="target", line="!", marks=("opened",), upstream="auth"
    )
    told = (run("proxy requests", "log", marks=("opened",)), *WIRE[1:], line)
    assert known(OPEN, told) == [(16.0, "the target's log")]
    assert known(CLOSED, told) == [(15.1, "what crossed the proxy")]


def test_calls_that_count_once_are_not_told_apart_on_the_wire() -> None:
    by_call = in_a_row(attempts=1, timeout_s=1.0, threshold=2, wait_s=10.0, per_call=True)
    assert known(OPEN, WIRE, by_call) == []


def test_a_fault_that_never_began_is_inconclusive_and_says_what_was_watched(world: Any) -> None:
    shown = world().warmed_up(reaches=("auth", "billing"))
    shown.fault("blackhole", "auth", 1.0, 50.0, index=1)
    judgement = judge(scenario(OPEN), shown.history(end_s=60.0))
    (found,) = [f for f in judgement.findings if f.name.startswith("run: fault 1")]
    assert found.verdict is Verdict.INCONCLUSIVE
    assert (found.expected, found.observed, found.evidence) == (
        "that auth's breaker is open",
        "never seen, so it never began",
        "the target's status endpoint",
    )
