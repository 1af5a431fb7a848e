"""How many attempts open a breaker, where one of them left no trace."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from harness.checks.registry import findings_of
from harness.engines.sim.engine import EVIDENCE as SIMULATED
from harness.engines.sim.engine import SimEngine
from harness.history.events import Crossed
from harness.judge import judge, judge_case
from harness.policy.scopes import EachWorker, Together
from harness.policy.settings import in_a_row
from harness.scenario.loader import parse_scenario
from harness.verdict import Verdict
from tests.agreement.holding import Reference

_DOWN = """
faults: [{upstream: auth, fault: refused, to: 20s}]
expect: [{breaker: auth, attempts: contract}]
"""


def refused_from_the_start(world, *, closed_s: float):
    """Five attempts fail, the first on a connection that is just being closed; it opens at 2 s."""
    built = world(evidence=SIMULATED).warmed_up().fault("refused", "auth", 0.0, 20.0)
    auth = {"by": "proxy", "upstream": "auth"}
    built.events.append(
        Crossed(at_s=closed_s, what="closed", closed_by="proxy", connection=1, **auth)
    )
    for at_s in (1.0, 1.0, 2.0, 2.0):
        built.events.append(Crossed(at_s=at_s + 0.002, what="refused", connection=0, **auth))
    for second, took_s in ((0, 1.01), (1, 1.01), (2, 0.01), (3, 0.01), (4, 0.01)):
        built.request("chat", second + 1, second, 401, took_s=took_s)
    return built


def test_an_attempt_on_a_connection_that_is_just_being_closed_may_be_one_more(case, world) -> None:
    found = case(_DOWN, refused_from_the_start(world, closed_s=0.001))
    (finding,) = findings_of(found.scenario.expect[0], found)

    assert finding.verdict is Verdict.PASSED, str(finding)
    assert finding.observed.endswith("up to 1 more on connections that were just being closed")


def test_a_connection_that_was_closed_before_hides_none(case, world) -> None:
    found = case(_DOWN, refused_from_the_start(world, closed_s=-0.5))
    (finding,) = findings_of(found.scenario.expect[0], found)

    assert finding.verdict is not Verdict.PASSED, str(finding)


def test_who_may_have_asked_on_a_connection_just_being_cut_need_not_have_been_turned_away(
    case, world
) -> None:
    built = world(evidence=SIMULATED).warmed_up(
        reaches=("git",), routes={"git": "POST /snapshot/p1"}
    )
    built.fault("refused", "git", 0.0, 20.0)
    git = {"by": "proxy", "upstream": "git"}
    built.events.append(Crossed(at_s=0.0, what="closed", closed_by="proxy", connection=1, **git))
    for second in range(4):
        built.request("chat", second + 1, second, 503, took_s=0.001)
        if second:
            built.events.append(Crossed(at_s=second + 0.0005, what="refused", connection=0, **git))
    found = case(_DOWN.replace("auth", "git"), built)

    assert found.wire("git").refutation is None


def test_what_never_opens_closes_never_where_the_contract_says_so(case, world) -> None:
    shown = world().warmed_up().fault("status", "auth", 0.0, 20.0)
    for at_s in (0.0, 1.0, 2.0):
        shown.answers("chat", [at_s], 200).call("auth", at_s + 0.001)
    found = case(
        "faults: [{upstream: auth, fault: status, status: 429, to: 20s}]\n"
        "expect: [{breaker: auth, opens: contract ± 1s, closes: contract ± 1s, "
        "probes: contract ± 1s}]",
        shown,
    )
    opens, probes, closes = findings_of(found.scenario.expect[0], found)

    assert (opens.verdict, opens.expected) == (Verdict.PASSED, "never"), str(opens)
    assert (closes.verdict, closes.expected) == (Verdict.PASSED, "never"), str(closes)
    assert (probes.verdict, probes.expected) == (Verdict.PASSED, "none"), str(probes)
    assert closes.observed == "never opened: 0 of 3 requests rejected"


def test_requests_rejected_for_nothing_that_was_seen_are_no_proof_that_it_never_opened(
    case, world
) -> None:
    shown = world().warmed_up().fault("restart", "auth", 2.5, 2.6)
    for at_s in (0.0, 1.0, 2.0):
        shown.answers("chat", [at_s], 200).call("auth", at_s + 0.001)
    shown.answers("chat", [3.0, 4.0], 401)
    found = case(
        "faults: [{upstream: auth, fault: restart, from: 2.5s}]\n"
        "expect: [{breaker: auth, opens: never}]",
        shown,
    )
    (finding,) = findings_of(found.scenario.expect[0], found)

    assert finding.verdict is Verdict.INCONCLUSIVE, str(finding)
    assert finding.observed == "2 of 5 requests rejected"


def test_a_probe_that_may_have_been_either_is_not_called_neutral(case, world) -> None:
    """It is under way when a fault of unknown effect on it begins."""
    shown = (
        world().warmed_up().fault("status", "auth", 0.0, 3.0).fault("limit_data", "auth", 60, 80)
    )
    for at_s in (0.0, 1.0, 2.0):
        shown.request("chat", int(at_s) + 1, at_s, 401, took_s=1.02)
        shown.call("auth", at_s + 0.001, status=503).call("auth", at_s + 1.01, status=503)
    shown.answers("chat", range(3, 63), 401)
    shown.call("auth", 63.001, by_stub=False, status=200).request("chat", 64, 63.0, 200)
    found = case(
        "faults: [{upstream: auth, fault: status, status: 503, to: 3s},"
        " {upstream: auth, fault: limit_data, bytes: 300B, from: 60s, to: 80s}]\n"
        "expect: [{breaker: auth, probes: [63s ± 1s]}]",
        shown,
    )
    (finding,) = findings_of(found.scenario.expect[0], found)
    assert finding.observed == "63.00 s may have failed"


def test_a_breaker_that_opened_is_not_said_to_have_never_opened_as_it_turned_away_slowly(
    case, world
) -> None:
    shown = world().warmed_up().fault("status", "auth", 0.0, 20.0)
    for at_s in (0.0, 1.0):
        shown.request("chat", int(at_s) + 1, at_s, 401, took_s=1.02)
        shown.call("auth", at_s + 0.001, status=503).call("auth", at_s + 1.01, status=503)
    shown.request("chat", 3, 2.0, 401, took_s=1.02).call("auth", 2.005, status=503)
    for at_s in range(3, 63):
        shown.request("chat", at_s + 1, float(at_s), 401, took_s=0.3)
    shown.answers("chat", [63.0], 200).call("auth", 63.001)
    found = case(
        "faults: [{upstream: auth, fault: status, status: 503, to: 20s}]\n"
        "expect: [{breaker: auth, first_rejection: '#4'}]",
        shown,
    )
    (first,) = findings_of(found.scenario.expect[0], found)
    assert first.verdict is Verdict.FAILED
    assert first.observed == "opened at 2.02 s, and nobody was turned away at once"


def test_where_the_contract_leaves_open_whether_it_opens_that_it_did_not_is_right(
    case, world
) -> None:
    """The fifth attempt is made as the fault is lifted."""
    shown = world().warmed_up().fault("status", "auth", 0.0, 2.03)
    for at_s in range(30):
        shown.answers("chat", [at_s], 200).call("auth", at_s + 0.001)
    found = case(
        "traffic: {chat: {request: GET /v1/api/auth/check, as: ada, rate: 1/s}}\n"
        "faults: [{upstream: auth, fault: status, status: 503, to: 2030ms}]\n"
        "expect: [{breaker: auth, opens: contract ± 1s, closes: contract ± 1s, "
        "attempts: contract, first_rejection: contract, probes: contract ± 1s}]",
        shown,
    )
    opens, *others = findings_of(found.scenario.expect[0], found)
    assert (opens.verdict, opens.expected) == (Verdict.PASSED, "2 s ± 1 s, or never")
    assert {finding.verdict for finding in others} <= {
        Verdict.PASSED,
        Verdict.INCONCLUSIVE,
    }


def test_those_whom_an_upstream_before_it_slowed_may_have_been_turned_away_first(
    simulation: SimEngine,
) -> None:
    """Auth is slow until 20 s, and may have failed: nobody can say why there were 503s."""
    text = """title: x
duration: 30s
traffic: {look: {request: GET /v1/api/lookup?q=x, as: ada, rate: 1/s}}
faults:
  - {upstream: auth, fault: bandwidth, rate: 5KB/s, stream: both, to: 20s}
  - {upstream: external_data, fault: status, status: 503, to: 9s}
expect: [{breaker: external_data, traffic: look, first_rejection: contract}]
"""
    scenario = parse_scenario(text, "x")
    (first,) = judge(scenario, Reference(simulation).play(scenario)).findings
    assert (first.verdict, first.expected) == (Verdict.INCONCLUSIVE, "#6"), str(first)


def crowd_at(shown, at_s: float, *, first: int = 1):
    """Twenty requests at one instant, of which half fail: in more orders than can be tried."""
    for number in range(20):
        shown.request("chat", number + first, at_s, 401 if number % 2 else 200)
        shown.call("auth", at_s + 0.001, status=503 if number % 2 else 200)
    return shown


def opening(case, shown, opens: str, *, to: str):
    """What it comes to that auth's breaker opens then, while every second call fails."""
    fault = f"{{upstream: auth, fault: status, status: 503, one_in: 2, to: {to}}}"
    found = case(f"faults: [{fault}]\nexpect: [{{breaker: auth, opens: {opens}}}]", shown)
    (finding,) = findings_of(found.scenario.expect[0], found)
    return finding


def test_events_of_one_instant_that_may_have_come_in_any_order_are_no_noise(case, world) -> None:
    shown = world(evidence=SIMULATED).warmed_up().fault("status", "auth", 0.0, 20.0)
    opens = opening(case, crowd_at(shown, 1.0), "1s ± 1s", to="20s")

    assert opens.verdict is Verdict.INCONCLUSIVE, str(opens)
    assert opens.observed == "its events may have come in more orders than can be tried"


def test_what_came_after_events_in_any_order_is_not_missed(case, world) -> None:
    """It opens at 0.8 s, its probe succeeds, and nobody knows what became of it from 70 s on."""
    shown = world(evidence=SIMULATED).warmed_up().fault("status", "auth", 0.0, 100.0)
    for number in range(5):
        shown.request("chat", number + 1, 0.2 * number, 401)
        shown.call("auth", 0.2 * number + 0.001, status=503)
    shown.request("chat", 6, 61.5, 200).call("auth", 61.501)
    opens = opening(case, crowd_at(shown, 70.0, first=7), "[1s ± 1s, 75s ± 1s]", to="100s")

    assert opens.verdict is Verdict.INCONCLUSIVE, str(opens)
    assert opens.evidence == "its events may have come in more orders than can be tried"


def behind_billing(world, *, again: int):
    """Chats whose billing isn't called from #6 on, and whose chroma opens at #5; both are asked of
    billing again from `again` on.
    """
    shown = world().warmed_up(reaches=("billing", "chroma"), routes={
        "billing": "GET /balance/u1", "chroma": "POST /query",
    })  # fmt: skip
    shown.fault("status", "chroma", 0.0, 30.0)
    for number in range(1, 26):
        shown.request("chat", number, float(number), 200)
        if number < 6 or number >= again:
            shown.call("billing", number + 0.001, "GET /balance/u1", took_s=0.001)
        if number < 6:
            shown.call("chroma", number + 0.004, "POST /query", status=503, took_s=0.001)
    return shown


def first_rejection(case, shown):
    found = case(
        "faults: [{upstream: chroma, fault: status, status: 503, to: 30s}]\n"
        "expect: [{breaker: chroma, traffic: chat, first_rejection: 6}]",
        shown,
    )
    (finding,) = findings_of(found.scenario.expect[0], found)
    return finding


def test_who_may_not_have_come_past_an_upstream_before_may_have_been_turned_away_first(
    case, world
) -> None:
    sure = first_rejection(case, behind_billing(world, again=6))
    assert (sure.verdict, sure.observed) == (Verdict.PASSED, "#6, sent at 6.00 s"), str(sure)
    later = first_rejection(case, behind_billing(world, again=20))
    assert later.verdict is Verdict.INCONCLUSIVE, str(later)
    assert later.evidence.endswith("earlier ones can't be told from failures")
    never = first_rejection(case, behind_billing(world, again=99))
    assert never.verdict is Verdict.INCONCLUSIVE, str(never)
    assert never.observed == "opened at 5.00 s, and nothing tells whom it turned away"


@pytest.mark.parametrize("scope", [Together(), EachWorker(2)])
def test_calls_that_came_for_nobody_any_more_are_late_and_no_loop_of_the_target(
    case, world, scope
) -> None:
    own = in_a_row(attempts=1, timeout_s=10.0, threshold=5, wait_s=60.0)
    shown = world(
        evidence=("stub", "proxy connections"),
        settings={"git": replace(own, scope=scope).to_json()},
    ).warmed_up(reaches=("git",), routes={"git": "GET /history/p1"})
    shown.fault("latency", "git", 0.0, 30.0)
    for number in range(1, 86):
        made = number <= 5
        shown.request("chat", number, number - 1.0, 503, took_s=10.0 if made else 0.01)
        if made:
            shown.call("git", number + 11.5, "GET /history/p1", by_proxy=False)
    found = case(
        "faults: [{upstream: git, fault: latency, latency: 12s, stream: upstream, to: 30s}]\n"
        "expect: [{breaker: git, opens: 14s ± 0.5s}]",
        shown,
    )
    judged = judge_case(found)

    assert [one for one in judged.promises if one.verdict is Verdict.FAILED] == []
    assert judged.findings[0].verdict is Verdict.INCONCLUSIVE, str(judged.findings[0])
    assert "is known to have needed" not in judged.findings[0].observed


@pytest.mark.parametrize(("away_s", "verdict"), [(4.02, Verdict.PASSED), (4.5, Verdict.FAILED)])
def test_who_is_turned_away_just_as_it_opens_may_as_well_have_been_let_through(
    case, world, away_s, verdict
) -> None:
    shown = world().warmed_up(reaches=("git",), routes={"git": "GET /history/p1"})
    shown.fault("status", "git", 0.0, 20.0)
    for number in range(5):
        shown.request("chat", number + 1, float(number), 503)
        shown.call("git", number + 0.001, "GET /history/p1", status=503)
    shown.request("chat", 6, away_s, 503, took_s=0.001)
    found = case(
        "faults: [{upstream: git, fault: status, status: 503, to: 20s}]\n"
        "expect: [{breaker: git, attempts: 6}]",
        shown,
    )
    (attempts,) = findings_of(found.scenario.expect[0], found)

    assert attempts.verdict is verdict, str(attempts)


def test_what_nobody_may_have_come_to_while_it_was_to_be_open_is_not_said_never_to_open(
    case, world
) -> None:
    """No stub tells whether auth let anybody pass, and a refusing port leaves no trace."""
    lookup = {"path": "/v1/api/lookup?q=x", "method": "GET"}
    shown = world(evidence=("proxy requests",))
    shown.warmed_up("lookup", reaches=("auth", "external_data"),
                    routes={"external_data": "GET /lookup"}, **lookup)  # fmt: skip
    shown.fault("refused", "external_data", 5.0, 25.0)
    for second in range(25):
        down = second >= 5
        shown.request("lookup", second + 1, second, 503 if down else 200, took_s=0.01, **lookup)
        shown.call("auth", second + 0.001, by_stub=False)
        if not down:
            shown.call("external_data", second + 0.005, "GET /lookup", by_stub=False)
    found = case(
        "traffic: {lookup: {request: GET /v1/api/lookup?q=x, as: ada, rate: 1/s}}\n"
        "faults: [{upstream: external_data, fault: refused, from: 5s, to: 25s}]\n"
        "expect: [{breaker: external_data, opens: contract ± 1s}]",
        shown,
    )
    (finding,) = findings_of(found.scenario.expect[0], found)
    assert finding.verdict is Verdict.INCONCLUSIVE, str(finding)
