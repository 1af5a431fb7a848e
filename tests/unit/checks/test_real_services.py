"""What has no stub is judged by its proxy: requests of a real service, turns of what isn't HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from harness.checks.case import Case
from harness.history.events import Crossed
from harness.judge import judge
from tests.unit.checks.conftest import World

TEXT = """
duration: 20s
traffic: {page: {request: GET /page, rate: 1/s}}
faults: [{upstream: cache, fault: blackhole, to: 5s}]
expect:
  - {breaker: cache, opens: contract ± 500ms, closes: contract ± 1s}
  - {"while": cache is open, upstream: cache, calls: 0}
  - {traffic: page, during: 10s..20s, status: 200}
"""
SETTINGS = {"cache": {"attempts": 1, "timeout_s": 1.0, "threshold": 3, "wait_s": 4.0}}


GREETED = """
duration: 20s
traffic: {page: {request: GET /page, rate: 1/s}}
faults: [{upstream: cache, fault: blackhole, to: 5s}]
expect:
  - {breaker: cache, opens: contract ± 500ms}
  - {upstream: cache, calls: 4, during: 0s..5s}
"""


class Real(World):
    """A page that asks a cache; `http` or not, only its proxy sees that."""

    def __init__(self, *, http: bool) -> None:
        super().__init__(
            upstreams=("cache",), evidence=("stub", "proxy requests"), settings=SETTINGS
        )
        self._http = http
        self._connection = 0

    def ask(self, at_s: float, *, answered: bool) -> None:
        self._connection += 1
        crossed: dict[str, Any] = {
            "by": "proxy", "upstream": "cache", "connection": self._connection,
        }  # fmt: skip
        said = {"method": "GET", "path": "/get"} if self._http else {}
        self.events += [
            Crossed(at_s=at_s, what="accepted", **crossed),
            Crossed(at_s=at_s + 0.001, what="request", **said, **crossed),
        ]
        if answered:
            status = 200 if self._http else 0
            self.events.append(Crossed(at_s=at_s + 0.01, what="response", status=status, **crossed))
        end_s = at_s + (0.011 if answered else 1.0)
        self.events.append(Crossed(at_s=end_s, what="closed", closed_by="client", **crossed))


def played(*, http: bool, sound: bool = True) -> Real:
    world = Real(http=http)
    world.warmed_up("page", 200, reaches=(), path="/page", method="GET", at_s=-1.0)
    world.ask(-0.95, answered=True)
    world.fault("blackhole", "cache", 0.0, 5.0)
    for second in range(20):
        open_ = sound and 3 < second < 8
        failed = second < 5 and not open_
        if not open_:
            world.ask(second + 0.02, answered=not failed)
        world.request(
            "page", second + 1, float(second), 503 if failed or open_ else 200,
            took_s=1.03 if failed else 0.05, path="/page", method="GET",
        )  # fmt: skip
    return world


@pytest.mark.parametrize("http", [True, False])
def test_a_sound_breaker_before_it_is_seen(http: bool, case: Callable[..., Case]) -> None:
    found = case(TEXT, played(http=http), end_s=20.0)
    assert found.witness.warm_up.through_proxy("cache")
    judgement = judge(found.scenario, found.history)
    assert judgement.verdict.value == "passed", [str(f) for f in judgement.findings]
    assert [t.state for t in judgement.breakers["cache"]] == ["open", "half_open", "closed"]


@pytest.mark.parametrize("http", [True, False])
def test_a_missing_breaker_is_missed(http: bool, case: Callable[..., Case]) -> None:
    found = case(TEXT, played(http=http, sound=False), end_s=20.0)
    judgement = judge(found.scenario, found.history)
    assert judgement.verdict.value == "failed", [str(f) for f in judgement.findings]


class Greeting(Real):
    """A page that asks a service which speaks first: kept waiting, nothing is asked of it."""

    def __init__(self, *, tcp: tuple[str, ...] = ("cache",)) -> None:
        super().__init__(http=False)
        self.events[0] = replace(self.events[0], tcp=tcp)  # type: ignore[type-var, call-arg]

    def wait(self, at_s: float) -> None:
        self._connection += 1
        crossed: dict[str, Any] = {
            "by": "proxy", "upstream": "cache", "connection": self._connection,
        }  # fmt: skip
        self.events += [
            Crossed(at_s=at_s, what="accepted", **crossed),
            Crossed(at_s=at_s + 1.0, what="closed", closed_by="client", **crossed),
        ]


def greeted(world: Greeting, *, sound: bool = True) -> Greeting:
    world.warmed_up("page", 200, reaches=(), path="/page", method="GET", at_s=-1.0)
    world.ask(-0.95, answered=True)
    world.fault("blackhole", "cache", 0.0, 5.0)
    for second in range(20):
        open_ = sound and 3 < second < 8
        failed = second < 5 and not open_
        if failed:
            world.wait(second + 0.02)
        elif not open_:
            world.ask(second + 0.02, answered=True)
        world.request(
            "page", second + 1, float(second), 503 if failed or open_ else 200,
            took_s=1.03 if failed else 0.05, path="/page", method="GET",
        )  # fmt: skip
    return world


def test_who_waits_for_a_greeting_has_attempted(case: Callable[..., Case]) -> None:
    found = case(GREETED, greeted(Greeting()), end_s=20.0)
    judgement = judge(found.scenario, found.history)
    assert judgement.verdict.value == "passed", [str(f) for f in judgement.findings]
    found = case(GREETED, greeted(Greeting(), sound=False), end_s=20.0)
    judgement = judge(found.scenario, found.history)
    assert judgement.verdict.value == "failed", [str(f) for f in judgement.findings]


def test_that_it_has_is_known_where_the_protocol_is_said_only(case: Callable[..., Case]) -> None:
    found = case(GREETED, greeted(Greeting(tcp=())), end_s=20.0)
    judgement = judge(found.scenario, found.history)
    assert judgement.verdict.value != "passed", "connections without a question are no attempts"


def test_an_idle_connection_of_a_pool_is_no_attempt(case: Callable[..., Case]) -> None:
    world = greeted(Greeting())
    before = case(GREETED, world, end_s=20.0).wire("cache").attempts
    world.wait(12.0)
    world.wait(15.0)
    after = case(GREETED, world, end_s=20.0).wire("cache").attempts
    assert [(a.start_s, a.ok) for a in before] == [(a.start_s, a.ok) for a in after]


def test_a_proxy_that_tells_of_connections_only_leaves_open_what_came_of_them(
    case: Callable[..., Case],
) -> None:
    world = greeted(Greeting())
    run = replace(world.events[0], evidence=("stub", "proxy connections"))  # type: ignore[type-var, call-arg]
    world.events[0] = run
    found = case(GREETED, world, end_s=20.0)
    attempts = found.wire("cache").attempts
    held = [attempt for attempt in attempts if attempt.start_s < 5]
    assert [attempt.ok for attempt in held] == [False] * len(held)
    later = [attempt for attempt in attempts if attempt.start_s > 8]
    assert later
    assert {attempt.ok for attempt in later} == {None}


CUT = """
duration: 12s
traffic: {page: {request: GET /page, rate: 1/s}}
faults: [{upstream: cache, fault: empty, to: 5s}]
expect:
  - {"while": cache is open, upstream: cache, calls: 0}
"""


def kept(closed_by: str) -> Greeting:
    """A page that keeps one connection, cut as the fault begins: page #1 fails on it."""
    world = Greeting()
    world.warmed_up("page", 200, reaches=(), path="/page", method="GET", at_s=-1.0)
    world.ask(-0.95, answered=True)
    world.events[-1] = replace(world.events[-1], at_s=0.001, closed_by=closed_by)  # type: ignore[call-arg]
    world.fault("empty", "cache", 0.0, 5.0)
    for second in range(12):
        if second in (1, 2):
            world.wait(second + 0.02)
            world.events[-1] = replace(
                world.events[-1],
                at_s=second + 0.021,
                closed_by="upstream",  # type: ignore[call-arg]
            )
        elif second > 6:
            world.ask(second + 0.02, answered=True)
        world.request(
            "page", second + 1, float(second), 503 if second < 7 else 200,
            took_s=0.05, path="/page", method="GET",
        )  # fmt: skip
    return world


def test_who_finds_a_kept_connection_cut_has_attempted_unseen(case: Callable[..., Case]) -> None:
    found = case(CUT, kept("proxy"), end_s=12.0)
    judgement = judge(found.scenario, found.history)
    assert judgement.verdict.value == "passed", [str(f) for f in judgement.findings]
    found = case(CUT, kept("client"), end_s=12.0)
    judgement = judge(found.scenario, found.history)
    assert judgement.verdict.value == "failed", "nothing was cut: it was turned away"


def test_a_goodbye_that_nobody_answers_is_no_attempt(case: Callable[..., Case]) -> None:
    """PostgreSQL's clients say so, and close."""
    world = greeted(Greeting())
    before = case(GREETED, world, end_s=20.0).wire("cache").attempts
    for index, event in enumerate(tuple(world.events)):
        if isinstance(event, Crossed) and event.what == "closed" and event.at_s > 5:
            said = replace(event, at_s=event.at_s - 0.0002, what="request", closed_by=None)
            world.events.insert(index, said)
    after = case(GREETED, world, end_s=20.0).wire("cache").attempts
    assert [(a.start_s, a.ok) for a in before] == [(a.start_s, a.ok) for a in after]


@pytest.mark.parametrize(("fault", "hangs"), [("latency", False), ("blackhole", True)])
def test_a_conversation_that_goes_on_slowly_does_not_hang(
    fault: str, hangs: bool, case: Callable[..., Case]
) -> None:
    """SMTP: seven turns of half a second each, each within its deadline of a second."""
    world = Greeting()
    world.warmed_up("page", 200, reaches=(), path="/page", method="GET", at_s=-1.0)
    world.ask(-0.95, answered=True)
    world.fault(fault, "cache", 0.0, 5.0)
    world.ask(0.02, answered=not hangs)
    world.events[-1] = replace(world.events[-1], at_s=3.99)
    world.request("page", 1, 0.0, 503 if hangs else 200, took_s=4.0, path="/page", method="GET")
    latency = ", latency: 500ms" if fault == "latency" else ""
    text = CUT.partition("expect")[0].replace("fault: empty", f"fault: {fault}{latency}")
    found = case(text, world, end_s=12.0)
    judgement = judge(found.scenario, found.history)
    failed = [f.name for f in judgement.promises if f.verdict.value == "failed"]
    assert ("no hang (cache)" in failed) is hangs, failed
    assert hangs or not failed


def test_where_only_connections_tell_of_a_real_service_nothing_is_said_never_to_open(
    case: Callable[..., Case],
) -> None:
    """Behind a real Toxiproxy: its breaker "never opened", as no attempt was seen."""
    world = played(http=True)
    world.fault("reply_lost", "cache", 0.0, 5.0)
    run = replace(  # type: ignore[type-var, call-arg]
        world.events[0], real=("cache",), evidence=("proxy connections",), proxy="toxiproxy 2.12.0"
    )
    told = (e for e in world.events[1:] if not isinstance(e, Crossed) or e.what == "accepted")
    kinds = (e for e in told if getattr(e, "name", "") != "blackhole")
    world.events = [run, *kinds]
    found = case(TEXT.replace("blackhole", "reply_lost"), world, end_s=20.0)
    judgement = judge(found.scenario, found.history)
    assert judgement.verdict.value == "inconclusive", [str(f) for f in judgement.findings]
    assert "open" in [change.state for change in judgement.breakers["cache"]]
