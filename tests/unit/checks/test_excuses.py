"""What the machine was measured to have delayed is inconclusive; what that can't explain fails."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.checks import never, traffic
from harness.history.events import Event, Trouble, Waited
from harness.judge import judge
from harness.verdict import Verdict

FAST = 'expect: [{during: 10s..30s, traffic: chat, latency: "< 100ms"}]'
REFUSED = "expect: [{during: 10s..30s, traffic: chat, status: 401}]"


def waited(at_s: float, wait_s: float, who: str = "target", how: str = "for a CPU") -> Waited:
    since_s = at_s - max(wait_s, 0.25)
    return Waited(at_s=at_s, by="engine", who=who, how=how, since_s=since_s, wait_s=wait_s)


def judged(case, world, text: str, *waits: Event, check=traffic.check, **history):
    world.events += waits
    found = case(text, world, **history)
    (finding,) = check(found.scenario.expect[0], found)
    return finding


def test_an_answer_as_late_as_the_target_was_starved_is_inconclusive(case, world) -> None:
    shown = world().answers("chat", range(10, 29), 401).request("chat", 30, 29.0, 401, took_s=0.3)
    finding = judged(case, shown, FAST, waited(29.3, 0.22))
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.noise
    assert "#30 at 29s took 300ms (this machine was too busy to tell)" in finding.observed
    assert "the target waited 220ms for a CPU at 29.3s" in finding.evidence


@pytest.mark.parametrize(
    "wait",
    [waited(29.3, 0.15), waited(20.0, 1.0)],
    ids=["less than it took too long", "at another time"],
)
def test_an_answer_that_waits_do_not_explain_fails(case, world, wait: Waited) -> None:
    shown = world().answers("chat", range(10, 29), 401).request("chat", 30, 29.0, 401, took_s=0.3)
    finding = judged(case, shown, FAST, wait)
    assert finding.verdict is Verdict.FAILED
    assert not finding.noise


def test_one_excused_answer_excuses_no_other(case, world) -> None:
    shown = world().answers("chat", range(10, 28), 401)
    shown.request("chat", 29, 28.0, 401, took_s=0.3).request("chat", 30, 29.0, 401, took_s=0.3)
    finding = judged(case, shown, FAST, waited(29.3, 0.3))
    assert finding.verdict is Verdict.FAILED
    assert finding.examples[0] == 19


def test_a_quick_answer_needs_no_excuse(case, world) -> None:
    shown = world().answers("chat", range(10, 30), 401)
    finding = judged(case, shown, FAST, *(waited(t + 0.1, 0.25) for t in range(10, 30)))
    assert finding.verdict is Verdict.PASSED
    assert "busy" not in finding.observed


def test_waits_of_half_a_deadline_may_have_lost_an_attempt(case, world) -> None:
    """5 s is auth's deadline: what follows from one more failed attempt takes seconds more."""
    shown = world().answers("chat", range(10, 25), 401).request("chat", 26, 25.0, 401, took_s=6.3)
    assert judged(case, shown, FAST, waited(28.0, 2.6)).verdict is Verdict.INCONCLUSIVE
    shown.events.pop()
    assert judged(case, shown, FAST, waited(28.0, 2.4)).verdict is Verdict.FAILED


def at_a_lift(world):
    """An outage of auth that ends at 29.1 s, and #30 just before."""
    shown = world().warmed_up().fault("status", "auth", 10.0, 29.1)
    return shown.answers("chat", range(10, 29), 401)


def test_another_status_where_waits_decided_what_it_met_is_inconclusive(case, world) -> None:
    shown = at_a_lift(world).request("chat", 30, 29.0, 200).call("auth", 29.05)
    assert judged(case, shown, REFUSED, waited(29.2, 0.3)).noise
    shown.events.pop()
    assert judged(case, shown, REFUSED).verdict is Verdict.FAILED
    assert judged(case, shown, REFUSED, waited(20.0, 0.3)).verdict is Verdict.FAILED
    inside = world().warmed_up().fault("status", "auth", 10.0, 40.0)
    inside.answers("chat", range(10, 29), 401).request("chat", 30, 29.0, 503)
    assert judged(case, inside, REFUSED, waited(29.1, 0.3)).verdict is Verdict.FAILED


def test_where_a_window_begins_a_late_world_is_excused(case, world) -> None:
    """A breaker that tripped 0.4 s late turns away 0.4 s late: #11 may still get another answer."""
    late = waited(9.5, 0.4, who="stubs")
    shown = world().request("chat", 11, 10.0, 503).answers("chat", range(11, 30), 401)
    assert judged(case, shown, REFUSED, late).noise
    inside = world().answers("chat", range(10, 15), 401).request("chat", 16, 15.0, 503)
    assert judged(case, inside, REFUSED, late).verdict is Verdict.FAILED


def test_a_request_chosen_by_number_is_the_beginning_of_its_window(case, world) -> None:
    text = "expect: [{traffic: chat, requests: 4, status: 401}]"
    shown = world().answers("chat", range(3), 200).request("chat", 4, 3.0, 503)
    assert judged(case, shown, text, waited(2.2, 0.4)).noise
    shown.events.pop()
    assert judged(case, shown, text).verdict is Verdict.FAILED


def test_too_quick_an_answer_is_no_matter_of_waits(case, world) -> None:
    text = 'expect: [{during: 10s..30s, traffic: chat, latency: ">= 1s"}]'
    shown = world().request("chat", 20, 20.0, 401, took_s=0.1)
    assert judged(case, shown, text, waited(20.1, 0.2)).verdict is Verdict.FAILED


def test_a_hang_is_excused_by_as_much_as_it_lasted_too_long_only(case, world) -> None:
    """With the margin 46 s is the longest that a call to an upstream may take (G9)."""
    shown = world(upstreams=("auth",)).request("chat", 1, 20.0, None, took_s=None)
    assert judged(case, shown, REFUSED, waited(22.0, 0.3)).verdict is Verdict.FAILED


def test_a_share_is_failed_only_by_what_noise_cannot_explain(case, world) -> None:
    text = "expect: [{during: 10s..30s, traffic: chat, status: 401, at_least: 90%}]"
    shown = at_a_lift(world)
    del shown.events[-4:]
    shown.answers("chat", [27, 28], 503).request("chat", 30, 29.0, 200).call("auth", 29.05)
    assert judged(case, shown, text).verdict is Verdict.FAILED
    assert judged(case, shown, text, waited(29.2, 0.3)).noise


NEVER = 'expect: [{never: {latency: "> 3s"}}]'


def test_never_slower_is_judged_alike(case, world) -> None:
    shown = world().request("chat", 21, 20.0, 401, took_s=3.4)
    assert judged(case, shown, NEVER, waited(22, 0.5), check=never.check).noise
    shown.events.pop()
    failed = judged(case, shown, NEVER, waited(22, 0.3), check=never.check)
    assert failed.verdict is Verdict.FAILED


def test_what_a_sound_target_shows_at_no_time_has_no_excuse(case, world) -> None:
    shown = world().request("chat", 21, 20.0, 500)
    text = "expect: [{never: {status: 500}}]"
    assert judged(case, shown, text, waited(20.1, 5.0), check=never.check).verdict is Verdict.FAILED
    text = "expect: [{never: {status: [5xx, error]}}]"
    assert judged(case, shown, text, waited(20.1, 5.0), check=never.check).verdict is Verdict.FAILED


def test_no_answer_in_the_midst_of_a_burst_is_inconclusive(case, world) -> None:
    shown = world().request("chat", 21, 20.0, None, error="no answer")
    text = "expect: [{never: {status: error}}]"
    assert judged(case, shown, text, waited(20.1, 0.4), check=never.check).noise


# The run itself


def played(scenario, world, *waits: Event, late_s: float = 0.0):
    shown = world().warmed_up().fault("status", "auth", 0.0, 5.0, late_s=late_s)
    shown.request("chat", 1, 0.0, 401, took_s=1.02).answers("chat", range(1, 90), 200)
    shown.call("auth", 0.001, status=503).call("auth", 1.003, status=503)
    for second in range(1, 90):
        shown.call("auth", second + 0.002)
    shown.events += waits
    text = """
    faults: [{upstream: auth, fault: status, status: 503, to: 5s}]
    expect: [{traffic: chat, status: 200, during: 10s..90s}]
    """
    return judge(scenario(text), shown.history())


def test_a_fault_that_the_machine_made_late_is_noise(scenario, world) -> None:
    judgement = played(scenario, world, waited(0.5, 0.5, who="proxy"), late_s=0.6)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.busy == "the proxy waited 500ms for a CPU at 0.5s"


def test_a_fault_late_for_another_reason_is_not(scenario, world) -> None:
    judgement = played(scenario, world, late_s=0.6)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.busy is None


def test_a_run_that_passed_was_never_too_busy(scenario, world) -> None:
    judgement = played(scenario, world, waited(50.0, 3.0))
    assert judgement.verdict is Verdict.PASSED
    assert judgement.busy is None


@given(
    st.lists(st.tuples(st.floats(0, 90), st.floats(0.001, 3)), max_size=12),
    st.floats(0.0, 2.0),
)
def test_more_noise_never_makes_a_failure(case, world, waits, took_s: float) -> None:
    """Whatever the waits: they turn failures into nothing worse, and no pass into anything."""
    shown = world().answers("chat", range(10, 29), 401)
    shown.request("chat", 30, 29.0, 401, took_s=took_s)
    quiet = judged(case, shown, FAST)
    noisy = judged(case, shown, FAST, *(waited(at_s, wait_s) for at_s, wait_s in waits))
    assert noisy.verdict is quiet.verdict or (
        quiet.verdict is Verdict.FAILED and noisy.verdict is Verdict.INCONCLUSIVE and noisy.noise
    )


def test_a_target_that_was_not_ready_in_time_on_a_busy_machine_is_noise(scenario) -> None:
    text = "expect: [{traffic: chat, status: 200}]"
    trouble = {"at_s": 0.0, "by": "engine", "what": "target 'x' was not ready in 20 s"}
    starved = waited(-2.0, 0.6)
    late = judge(scenario(text), [starved, Trouble(**trouble, late=True)])
    assert late.verdict is Verdict.INCONCLUSIVE
    assert late.busy == "the target waited 600ms for a CPU at -2.0s"
    assert judge(scenario(text), [starved, Trouble(**trouble)]).busy is None
    assert judge(scenario(text), [Trouble(**trouble, late=True)]).busy is None


def test_no_lateness_makes_a_target_break_down(case, world) -> None:
    shown = world().answers("chat", range(10, 29), 401).request("chat", 30, 29.0, 500)
    assert judged(case, shown, REFUSED, waited(29.1, 3.0)).verdict is Verdict.FAILED
