"""Evidence that was configured and never said anything is named."""

from __future__ import annotations

from typing import Any

from harness.checks.case import Case
from harness.checks.promises import promises_of
from harness.checks.silence import silent_evidence, uncalled_routes
from harness.history.events import Logged, Looked, Reported

_TEXT = """
faults: [{upstream: auth, fault: status, status: 503, to: 5s}]
expect: [{never: {status: 5xx}}]
"""


def look(status: int | None, at_s: float = -0.5, what: str = "status", **more: Any) -> Looked:
    request = "GET /states" if what == "status" else "GET /healthz"
    return Looked(at_s=at_s, by="target", what=what, request=request, status=status, **more)


def said(scenario: Any, shown: Any) -> tuple[str, ...]:
    return silent_evidence(Case(scenario(_TEXT), shown.history()))


def opened(world: Any, **run: Any) -> Any:
    """A run in which auth's breaker opens."""
    shown = world(**run).warmed_up().fault("status", "auth", 0.0, 5.0)
    for at_s in range(2):
        shown.request("chat", at_s + 1, float(at_s), 401, took_s=1.02)
        shown.call("auth", at_s + 0.001, status=503).call("auth", at_s + 1.01, status=503)
    shown.request("chat", 3, 2.0, 401).call("auth", 2.001, status=503)
    for at_s in range(3, 25):
        shown.request("chat", at_s + 1, float(at_s), 401)
    return shown


def test_evidence_that_speaks_is_not_mentioned(scenario, world):
    shown = opened(world)
    shown.events += [look(200), look(200, what="ready")]
    assert said(scenario, shown) == ()


def test_a_proxy_that_shows_no_requests_is_said_to_leave_breakers_unjudged(scenario, world):
    """No promise passes then that only attempts seen one by one can break."""
    by_requests = opened(world, evidence=("stub", "proxy requests", "proxy connections"))
    by_connections = opened(world, evidence=("stub", "proxy connections"))
    assert said(scenario, by_requests) == ()
    (why,) = said(scenario, by_connections)
    assert why.startswith("this proxy tells of connections, not of requests: whom a breaker lets")

    promised, untold = (
        {finding.name for finding in promises_of(Case(scenario(_TEXT), shown.history()))}
        for shown in (by_requests, by_connections)
    )
    assert untold < promised
    assert "breakers open, reject, probe and close as they should" in promised - untold


def test_of_a_log_that_was_not_kept_whole_no_line_is_missed(scenario, world, monkeypatch):
    shown = opened(world, evidence=("stub", "proxy requests", "log"), marks=("opened",))
    shown.logged(0.0, "starting").logged(1.0, "serving")
    missed = "the log pattern `opened` matched no line, though the breaker of auth was seen open"
    assert [each.partition(" at ")[0] for each in said(scenario, shown)] == [missed]
    monkeypatch.setattr("harness.checks.silence.MOST_LINES", 2)
    assert said(scenario, shown) == ()


def test_a_status_endpoint_that_is_none(scenario, world):
    shown = opened(world)
    shown.events += [look(404)]
    assert said(scenario, shown) == (
        "the status endpoint GET /states answers 404: it was no evidence of anything",
    )


def test_a_status_endpoint_that_falls_silent(scenario, world):
    shown = opened(world)
    shown.events += [look(200), look(None, 12.0)]
    assert said(scenario, shown) == (
        "the status endpoint GET /states gives no answer since 12.0 s",
    )


def test_a_path_that_finds_no_state(scenario, world):
    shown = opened(world)
    shown.events += [look(200, missing=("auth", "git")), look(200, 3.0, missing=("git",))]
    assert said(scenario, shown) == (
        "the status endpoint GET /states shows no state of git where `state` says",
    )


def test_an_upstream_without_a_breaker_has_no_state_to_show(scenario, world):
    none = {"threshold": 1, "wait_s": 60.0, "never": 1}
    shown = opened(world, settings={"git": none})
    shown.events += [look(200, missing=("git",))]
    assert said(scenario, shown) == ()


def test_states_that_nobody_understands(scenario, world):
    shown = opened(world)
    shown.events.append(
        Reported(at_s=2.0, by="target", upstream="auth", state="tripped", since_s=1.5)
    )
    assert said(scenario, shown) == (
        "the status endpoint says 'tripped' of auth, which is none of closed, open, half_open",
    )


def test_a_target_that_is_ready_without_being_so(scenario, world):
    shown = opened(world)
    shown.events.append(look(404, what="ready"))
    assert said(scenario, shown) == (
        "`ready: GET /healthz` answers 404: that something listens is all",
    )


def test_patterns_that_match_nothing_of_what_happened(scenario, world):
    shown = opened(world, evidence=("stub", "proxy requests", "log"), marks=("opened", "closed"))
    line = Logged(at_s=2.0, by="target", source="target", line="breaker is open")
    shown.events.append(line)
    assert said(scenario, shown) == (
        "the log pattern `opened` matched no line, though the breaker of auth was seen open at "
        "2.0 s",
    )
    shown.events.remove(line)
    assert said(scenario, shown) == (
        "the target logged nothing, so that the patterns of `log` say nothing",
    )


def test_routes_of_upstreams_that_no_request_needs_are_not_missed(world):
    """One scenario of several leaves most upstreams alone; what pings one of them is no request."""
    own = {"stub_routes": ("post POST /parcels",), "background": ("post GET /ping",)}
    shown = world(**own).warmed_up()
    assert uncalled_routes([shown.history().events]) == ()
    assert uncalled_routes([shown.call("post", 3.0, "GET /ping").history().events]) == ()
    assert uncalled_routes([shown.call("post", 4.0, "POST /parcel").history().events]) != ()


def test_routes_of_stubs_that_no_scenario_called(world):
    routes = ("auth POST /verify_token/", "billing GET /price/*")
    one = world(stub_routes=routes).warmed_up().call("billing", 2.0, "GET /prices/7").history()
    assert uncalled_routes([one.events]) == (
        "nobody called what the target file adds to stubs: billing GET /price/*",
    )
    other = world(stub_routes=routes)
    other.call("billing", 3.0, "GET /price/*")
    assert uncalled_routes([one.events, other.history().events]) == ()
    never_started = world(stub_routes=routes)
    assert uncalled_routes([never_started.events]) == ()
