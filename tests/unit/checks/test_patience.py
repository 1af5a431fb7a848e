"""What fails to the letter fails for good only where no measured wait makes up for it."""

from __future__ import annotations

import pytest

from harness.history.events import Event, Waited
from harness.judge import judge
from harness.verdict import Finding, Verdict

FAULT = "faults: [{upstream: auth, fault: status, status: 503, from: 0.9s, to: 40s}]"


def waited(at_s: float, wait_s: float, who: str = "target") -> Waited:
    since_s = at_s - max(wait_s, 0.25)
    return Waited(at_s=at_s, by="engine", who=who, how="for a CPU", since_s=since_s, wait_s=wait_s)


def outage(world, *waits: Event, late_s: float = 0.0, lift_late_s: float = 0.0):
    """A sound breaker, one attempt a call: the fifth failure in a row opens it, at 5 s, for 30 s.

    `late_s`: how late that failure came.
    """
    shown = world(upstreams=("auth", "billing"), settings={"auth": {"attempts": 1, "wait_s": 30}})
    shown.warmed_up().fault("status", "auth", 0.9, 40.0, lift_late_s=lift_late_s)
    for second in range(90):
        away = 6 <= second < 35 or 36 <= second < 66
        failing = 1 <= second < 40
        took_s = 0.01 + (late_s if second == 5 else 0.0)
        status = 401 if away or failing else 200
        shown.request("chat", second + 1, float(second), status, took_s=took_s)
        if not away:
            at_s = second + took_s - 0.009
            shown.call("auth", at_s, status=503 if failing else 200)
    shown.events += waits
    return shown


def judged(scenario, world_, expect: str) -> Finding:
    judgement = judge(scenario(f"{FAULT}\nexpect: [{expect}]"), world_.history())
    (finding,) = (f for f in judgement.findings if not f.name.startswith("run: "))
    return finding


@pytest.mark.parametrize(
    ("wanted_s", "wait", "verdict"),
    [
        (5.0, None, Verdict.PASSED),
        (4.4, None, Verdict.FAILED),
        (4.4, waited(5.3, 0.5), Verdict.INCONCLUSIVE),
        (4.4, waited(5.3, 0.3), Verdict.FAILED),
        (4.4, waited(20.0, 0.5), Verdict.FAILED),
        (4.4, waited(5.3, 0.5, who="harness"), Verdict.INCONCLUSIVE),
        (2.5, waited(5.3, 0.5), Verdict.FAILED),
        (25.0, waited(5.3, 0.5), Verdict.FAILED),
    ],
)
def test_a_breaker_opened_at_its_instant_give_or_take_what_was_waited_there(
    scenario, world, wanted_s: float, wait: Waited | None, verdict: Verdict
) -> None:
    shown = outage(world, *([wait] if wait else []))
    finding = judged(scenario, shown, f"{{breaker: auth, opens: {wanted_s}s ± 0.1s}}")
    assert finding.verdict is verdict, finding
    assert finding.noise is (verdict is Verdict.INCONCLUSIVE)


def test_where_waits_decided_whom_a_fault_met_its_breaker_may_be_a_request_off(
    scenario, world
) -> None:
    """The fault comes 0.1 s before #2: had it come after that, the breaker had opened at 6 s."""
    for wanted_s, verdict in ((6.0, Verdict.INCONCLUSIVE), (8.0, Verdict.FAILED)):
        shown = outage(world, waited(1.1, 0.3))
        finding = judged(scenario, shown, f"{{breaker: auth, opens: {wanted_s}s ± 0.1s}}")
        assert finding.verdict is verdict
    assert (
        judged(scenario, outage(world), "{breaker: auth, opens: 6s ± 0.1s}").verdict
        is Verdict.FAILED
    )


@pytest.mark.parametrize(
    ("calls", "wait", "verdict"),
    [
        ("5", None, Verdict.PASSED),
        ("4", None, Verdict.FAILED),
        ("4", waited(5.2, 0.3), Verdict.INCONCLUSIVE),
        ("4", waited(20.0, 0.3), Verdict.FAILED),
        ("3", waited(5.2, 0.3), Verdict.FAILED),
        ("0", waited(5.2, 0.3), Verdict.FAILED),
    ],
)
def test_a_call_at_the_edge_of_its_window_may_have_slipped_in(
    scenario, world, calls: str, wait: Waited | None, verdict: Verdict
) -> None:
    shown = outage(world, *([wait] if wait else []), late_s=0.05)
    expect = f"{{upstream: auth, during: 0.5s..5.1s, calls: {calls}}}"
    finding = judged(scenario, shown, expect)
    assert finding.verdict is verdict, finding


def test_a_fault_late_for_noise_spoils_no_failure_that_it_cannot_explain(scenario, world) -> None:
    held_up = [waited(40.0 + part / 4, 0.25, who="proxy") for part in range(1, 4)]
    shown = outage(world, *held_up, lift_late_s=0.6)
    text = f"{FAULT}\nexpect: [{{breaker: auth, opens: %s}}]"
    wrong = judge(scenario(text % "25s ± 1s"), shown.history())
    assert wrong.verdict is Verdict.FAILED
    right = judge(scenario(text % "5s ± 1s"), shown.history())
    assert right.verdict is Verdict.INCONCLUSIVE
    assert right.busy is not None


def test_what_a_breaker_leaves_unclear_is_noise_where_waits_decided_of_its_life(
    scenario, world
) -> None:
    nobody = "{while: auth is open, traffic: chat, requests: 500, status: 401}"
    for waits, noise in (((), False), ((waited(1.1, 0.3),), True)):
        finding = judged(scenario, outage(world, *waits), nobody)
        assert (finding.verdict, finding.noise) == (Verdict.INCONCLUSIVE, noise)


def test_an_attempt_that_only_a_wait_gives_away_is_in_doubt_where_waits_make_up_for_it(
    case, world
) -> None:
    """A port that refuses shows nobody's attempts: that a request took 1 s says it was retried."""
    shown = world(evidence=("stub",), upstreams=("auth",), settings={"auth": {"attempts": 2}})
    shown.warmed_up().fault("refused", "auth", 0.9, 50.0)
    for second in range(1, 90):
        took_s = 1.02 if second < 4 or second == 20 else 0.01
        shown.request("chat", second + 1, float(second), 401 if second < 64 else 200, took_s=took_s)
        if second >= 64:
            shown.call("auth", second + 0.001, by_proxy=False)
    text = "expect: [{breaker: auth, probes: [64s ± 1s]}]"
    found = case(text, shown)
    assert [round(attempt.start_s) for attempt in found.wire("auth").late] == [20]
    assert found.with_patience.wire("auth").late == found.wire("auth").late
    shown.events.append(waited(20.9, 0.8))
    assert case(text, shown).with_patience.wire("auth").late == ()
