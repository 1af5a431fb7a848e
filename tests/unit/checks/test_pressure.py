"""What an upstream has to bear: calls over any time, calls at once, attempts for each request."""

from __future__ import annotations

import pytest

from harness.checks.registry import findings_of
from harness.history.events import Waited
from harness.judge import judge
from harness.verdict import Verdict

FAULT = "faults: [{upstream: auth, fault: %s, to: 50s}]\nexpect: [%s]"
STATUS = "status, status: 503"


def one(case):
    (finding,) = findings_of(case.scenario.expect[0], case)
    return finding


def waited(at_s: float, wait_s: float) -> Waited:
    since_s = at_s - max(wait_s, 0.25)
    return Waited(
        at_s=at_s, by="engine", who="target", how="for a CPU", since_s=since_s, wait_s=wait_s
    )


def called_at(world, *instants_s: float, fault: str = "blackhole", **more):
    """A request at each instant, and a call for it."""
    shown = world(settings={"auth": {"attempts": 2}}).warmed_up().fault(fault, "auth", 0.0, 50.0)
    for number, at_s in enumerate(instants_s, start=1):
        shown.request("chat", number, at_s, 401)
        shown.call("auth", at_s + 0.001, **more)
    return shown


# rate

RATE = '{upstream: auth, rate: "<= 3/s"}'


@pytest.mark.parametrize(
    ("instants_s", "verdict"),
    [
        ((1.0, 1.3, 1.6), Verdict.PASSED),
        ((1.0, 1.3, 1.6, 1.99), Verdict.FAILED),
        ((1.0, 1.3, 1.6, 2.0), Verdict.PASSED),
        ((0.8, 1.3, 1.6, 1.79), Verdict.FAILED),
    ],
)
def test_a_stretch_may_begin_anywhere_and_leaves_out_its_end(case, world, instants_s, verdict):
    finding = one(case(FAULT % (STATUS, RATE), called_at(world, *instants_s)))
    assert finding.verdict is verdict
    assert finding.name == "auth gets at most 3 calls in any 1s throughout"


def test_the_worst_stretch_is_told(case, world):
    shown = called_at(world, 1.0, 5.0, 5.1, 5.2, 5.3, 9.0)
    finding = one(case(FAULT % (STATUS, RATE), shown))
    assert finding.observed == "4 calls in the 1s from 5s"
    assert finding.expected == "at most 3 calls in any 1s"


def test_only_the_window_is_judged(case, world):
    text = FAULT % (STATUS, '{upstream: auth, rate: "<= 3/s", during: 10s..20s}')
    shown = called_at(world, 5.0, 5.1, 5.2, 5.3, 12.0)
    assert one(case(text, shown)).verdict is Verdict.PASSED


def test_no_rate_is_shown_where_nobody_was_sent_or_nothing_is_seen(case, world):
    text = FAULT % (STATUS, '{upstream: auth, rate: "<= 3/s", during: 10s..20s}')
    finding = one(case(text, called_at(world, 5.0)))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "no request that would need auth was sent" in finding.evidence
    finding = one(case(FAULT % ("refused", RATE), called_at(world, 5.0, 55.0, fault="refused")))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "could not be seen" in finding.evidence


@pytest.mark.parametrize(("at_s", "verdict"), [(1.5, "inconclusive"), (20.0, "failed")])
def test_calls_that_waits_may_have_pushed_together_are_not_held_against_it(
    scenario, world, at_s, verdict
):
    shown = called_at(world, 1.0, 1.3, 1.6, 1.9)
    shown.events.append(waited(at_s, 0.5))
    shown.answers("chat", range(4, 90), 200)
    judgement = judge(scenario(FAULT % (STATUS, RATE)), shown.history())
    (finding,) = (f for f in judgement.findings if "in any 1s" in f.name)
    assert finding.verdict == verdict
    assert finding.noise is (verdict == "inconclusive")


# in flight


def in_flight(world, count: int, *, took_s: float, status: int | None = None):
    shown = world().warmed_up().fault("blackhole", "auth", 0.0, 50.0)
    for number in range(1, count + 1):
        shown.request("chat", number, number * 0.1, 401, took_s=took_s)
        shown.call("auth", number * 0.1 + 0.001, status=status, took_s=took_s, by_stub=False)
    return shown


AT_ONCE = '{upstream: auth, in_flight: "<= 9"}'


def test_calls_whose_deadlines_have_passed_are_under_way_as_long_as_they_are_held(case, world):
    # The declared deadline is 5 s: these are held for 8, and none of them was answered.
    shown = in_flight(world, 10, took_s=8.0, status=504)
    finding = one(case(FAULT % ("blackhole", AT_ONCE), shown))
    assert finding.verdict is Verdict.FAILED
    assert finding.observed == "10 calls at once at 1s"
    assert finding.name == "auth has at most 9 calls in flight throughout"


def test_calls_one_after_the_other_are_not_at_once(case, world):
    finding = one(
        case(FAULT % ("blackhole", AT_ONCE), in_flight(world, 30, took_s=0.2, status=200))
    )
    assert finding.verdict is Verdict.PASSED
    assert finding.observed.startswith("2 calls at once")


def test_calls_of_which_no_end_was_seen_are_sure_for_as_long_as_the_play(case, world):
    finding = one(case(FAULT % ("blackhole", AT_ONCE), in_flight(world, 10, took_s=1.0)))
    assert finding.verdict is Verdict.FAILED


# amplification


def amplified(world, *, attempts: int, requests: int = 20):
    shown = world(settings={"auth": {"attempts": 9}}).warmed_up()
    shown.fault("status", "auth", 0.0, 50.0)
    for number in range(1, requests + 1):
        shown.request("chat", number, float(number), 401, took_s=0.9)
        for again in range(attempts):
            shown.call("auth", number + 0.01 + 0.1 * again, status=503)
    return shown


@pytest.mark.parametrize(
    ("wanted", "attempts", "verdict"),
    [
        ("<= 2", 2, Verdict.PASSED),
        ("<= 2", 3, Verdict.FAILED),
        (">= 1.5", 1, Verdict.FAILED),
        ("1..2", 2, Verdict.PASSED),
    ],
)
def test_attempts_are_counted_for_each_request(case, world, wanted, attempts, verdict):
    text = FAULT % (STATUS, f'{{upstream: auth, amplification: "{wanted}", during: 0s..30s}}')
    finding = one(case(text, amplified(world, attempts=attempts)))
    assert finding.verdict is verdict
    assert finding.observed == f"{attempts}.00: {attempts * 20} attempts for 20 requests"


def test_attempts_without_a_request_prove_no_ratio(case, world):
    text = FAULT % (STATUS, '{upstream: auth, amplification: "<= 2", during: 40s..50s}')
    finding = one(case(text, amplified(world, attempts=2)))
    assert finding.verdict is Verdict.INCONCLUSIVE


def test_a_port_that_refuses_shows_no_ratio(case, world):
    text = FAULT % ("refused", '{upstream: auth, amplification: "<= 2"}')
    shown = called_at(world, 5.0, 55.0, fault="refused")
    assert one(case(text, shown)).verdict is Verdict.INCONCLUSIVE
