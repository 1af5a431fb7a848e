from __future__ import annotations

import json
import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.checks import traffic
from harness.history.events import Run, Trouble, Waited
from harness.history.lines import from_json, to_json
from harness.history.view import History
from harness.judge import judge, not_in_scope
from harness.verdict import Verdict

HELD = """
traffic: {chat: {request: POST /v1/api/chat, as: ada, rate: 1/s}}
faults: [{upstream: auth, fault: status, status: 503, to: 5s}]
expect: [
  {during: 0s..2s, traffic: chat, status: 401},
  {during: 10s..90s, traffic: chat, status: 200},
]
"""


def sound(world, **run):
    """A run in which all goes well."""
    shown = world(**run).warmed_up().fault("status", "auth", 0.0, 5.0)
    for at_s in range(2):
        shown.request("chat", at_s + 1, float(at_s), 401, took_s=1.02)
        shown.call("auth", at_s + 0.001, status=503).call("auth", at_s + 1.01, status=503)
    for at_s in range(2, 90):
        shown.request("chat", at_s + 1, float(at_s), 200).call("auth", at_s + 0.001)
    return shown


def verdicts(judgement):
    return {finding.name: finding.verdict for finding in judgement.findings}


def test_a_sound_run_passes_with_all_its_figures(scenario, world):
    judgement = judge(scenario(HELD), sound(world).history())
    assert judgement.verdict is Verdict.PASSED
    assert len(judgement.findings) == 2
    assert judgement.requests == 90
    assert judgement.duration_s == 90.0
    assert judgement.start_s == pytest.approx(1.0)
    assert judgement.wall_s == pytest.approx(92.0)
    assert judgement.lateness_ms == {"p50": 0.0, "p99": 0.0, "max": 0.0}
    assert judgement.breakers == {"auth": ()}


def test_the_worst_expectation_decides(scenario, world):
    shown = sound(world).request("chat", 91, 30.5, 500)
    judgement = judge(scenario(HELD), shown.history())
    assert judgement.verdict is Verdict.FAILED


def test_it_takes_events_as_they_come_from_a_file(scenario, world):
    history = sound(world).history()
    again = [from_json(to_json(event)) for event in history.events]
    assert judge(scenario(HELD), again) == judge(scenario(HELD), history)


def test_an_unhealthy_steady_state_is_inconclusive_whatever_failed(scenario, world):
    shown = world().warmed_up(status=500).fault("status", "auth", 0.0, 5.0)
    shown.answers("chat", range(90), 500)
    text = HELD.replace("expect: [", "expect: [{never: {status: 5xx}}, ")
    judgement = judge(scenario(text), shown.history())
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert Verdict.FAILED not in verdicts(judgement).values()
    finding = next(f for f in judgement.findings if f.name == "run: steady state of chat")
    assert finding.observed == "500"


def test_the_last_warm_up_request_counts(scenario, world):
    shown = sound(world).request("chat", 0, -1.8, 500, number=0)
    assert judge(scenario(HELD), shown.history()).verdict is Verdict.PASSED


def test_an_outage_that_could_not_touch_the_traffic_is_inconclusive(scenario, world):
    shown = world().warmed_up(reaches=()).fault("status", "auth", 0.0, 5.0)
    shown.answers("chat", range(90), 200)
    judgement = judge(scenario(HELD), shown.history())
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert any("could not touch" in finding.observed for finding in judgement.findings)


def test_traffic_that_bypasses_the_proxy_is_inconclusive(scenario, world):
    shown = world().warmed_up(reaches=()).call("auth", -0.9, by_proxy=False)
    shown.fault("status", "auth", 0.0, 5.0).answers("chat", range(90), 200)
    assert judge(scenario(HELD), shown.history()).verdict is Verdict.INCONCLUSIVE


def test_trouble_makes_a_run_inconclusive_even_if_all_held(scenario, world):
    judgement = judge(scenario(HELD), sound(world).trouble("a stub died").history())
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.findings[0].observed == "a stub died"


def test_trouble_excuses_a_failure_but_not_what_a_sound_target_never_shows(scenario, world):
    text = HELD.replace("expect: [", "expect: [{never: {status: 5xx}}, ")
    shown = sound(world).trouble("a stub died").request("chat", 91, 30.5, 404)
    assert judge(scenario(text), shown.history()).verdict is Verdict.INCONCLUSIVE
    shown.request("chat", 92, 31.5, 500)
    assert judge(scenario(text), shown.history()).verdict is Verdict.FAILED


def test_a_stub_that_died_excuses_the_503_that_the_contract_then_asks_for(scenario, world):
    text = HELD.replace("expect: [", "expect: [{never: {status: 5xx}}, ")
    shown = sound(world).trouble("a stub died").request("chat", 91, 30.5, 503)
    assert judge(scenario(text), shown.history()).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("late", [{"late_s": 0.4}, {"lift_late_s": 0.4}])
def test_a_fault_that_comes_or_goes_late_is_inconclusive(scenario, world, late):
    shown = world().warmed_up().fault("status", "auth", 0.0, 5.0, **late)
    shown.answers("chat", range(5), 401).answers("chat", range(5, 90), 200)
    judgement = judge(scenario(HELD), shown.history())
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.findings[0].name == "run: fault 1, status on auth, is on time"


def test_faults_of_one_instant_come_one_after_another(scenario, world):
    """Each is late by what was waited since the one before it was confirmed, and no more."""
    names = ("auth", "chroma", "billing", "git", "filesystem")
    each = (f"{{upstream: {name}, fault: status, status: 503, to: 5s}}" for name in names)
    text = re.sub("faults: .*", f"faults: [{', '.join(each)}]", HELD)
    shown = world().warmed_up()
    for index, name in enumerate(names):
        late_s = 0.3 * (index + 1)
        shown.fault("status", name, 0.0, 5.0, late_s=late_s, index=index)
        shown.events.append(
            Waited(
                at_s=late_s - 0.1, by="engine", who="harness", how="late",
                since_s=late_s - 0.12, wait_s=0.02,
            )
        )  # fmt: skip
    shown.answers("chat", range(5), 401).answers("chat", range(5, 90), 200)
    late = [one for one in judge(scenario(text), shown.history()).findings if "on time" in one.name]
    assert late
    assert all(one.noise for one in late)


def test_a_fault_never_applied_is_inconclusive(scenario, world):
    shown = world().warmed_up().answers("chat", range(90), 200)
    judgement = judge(scenario(HELD), shown.history())
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.findings[0].observed == "it was never applied"


STEPPED = """
faults:
  - {fault: clock_step, by: -1h}
  - {upstream: git, fault: refused, to: 5s}
expect: [{traffic: chat, status: 200}, {never: {status: 500}}]
"""


def test_a_step_of_the_clock_never_made_is_inconclusive(scenario, world):
    shown = world().warmed_up(reaches=("git",)).fault("refused", "git", 0.0, 5.0, index=1)
    judgement = judge(scenario(STEPPED), shown.answers("chat", range(90), 200).history())
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.findings[0].name == "run: fault 1, clock_step on target, is on time"
    assert judgement.findings[0].observed == "it was never applied"


def test_requests_that_leave_late_are_inconclusive(scenario, world):
    shown = world().warmed_up().fault("status", "auth", 0.0, 5.0)
    shown.answers("chat", range(5), 401).answers("chat", range(5, 90), 200, late_s=0.4)
    for second in range(90):
        shown.call("auth", second + 0.001 + (0.4 if second >= 5 else 0), status=200)
    judgement = judge(scenario(HELD), shown.history())
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.lateness_ms["p99"] == pytest.approx(400)


def test_a_run_cut_short_is_inconclusive(scenario, world):
    judgement = judge(scenario(HELD), sound(world).history(end_s=34.0))
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.findings[0].observed == "it ended at 34s"
    assert judge(scenario(HELD), sound(world).history(ended=False)).verdict is (
        Verdict.INCONCLUSIVE
    )


def test_a_world_that_never_started_is_inconclusive(scenario):
    trouble = Trouble(at_s=0.0, by="engine", what="no port was free")
    judgement = judge(scenario(HELD), [trouble])
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.findings[0].observed == "no port was free"
    assert judge(scenario(HELD), []).verdict is Verdict.INCONCLUSIVE


def test_a_run_that_ended_before_its_warm_up_is_inconclusive(scenario, world):
    history = History([*world().events, Trouble(at_s=-1.0, by="engine", what="port in use")])
    judgement = judge(scenario(HELD), history)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.findings[0].observed == "port in use"


def test_claims_that_the_target_does_without_are_out_of_scope(scenario, world):
    judgement = judge(scenario(HELD), sound(world, without=("T1",)).history())
    assert judgement.verdict is Verdict.OUT_OF_SCOPE
    assert judgement.findings[0].evidence == "the target does without T1"
    text = HELD.replace("status: 401}", "status: 401, claims: [G2, T1]}")
    judgement = judge(scenario(text), sound(world, without=("T1",)).history())
    assert judgement.verdict is Verdict.PASSED


def test_an_upstream_that_the_target_lacks_is_out_of_scope(scenario, world):
    text = """
faults: [{upstream: git, fault: refused, to: 5s}]
expect:
  - {breaker: git, opens: 4s ± 1s}
  - {upstream: git, calls: 0}
  - {while: git is open, traffic: chat, status: 503}
  - {traffic: chat, status: 503}
  - {never: {status: 500}}
"""
    shown = world(upstreams=("auth", "billing")).warmed_up().answers("chat", range(90), 200)
    for second in range(90):
        shown.call("auth", second + 0.001)
    judgement = judge(scenario(text), shown.history())
    assert judgement.verdict is Verdict.OUT_OF_SCOPE
    assert len(judgement.findings) == 5
    assert "no upstream git" in judgement.findings[3].evidence


def test_what_may_never_happen_is_judged_under_the_faults_that_can_be_played(scenario, world):
    text = """
faults:
  - {upstream: git, fault: refused, to: 5s}
  - {upstream: auth, fault: status, status: 503, to: 5s}
expect: [{traffic: chat, status: 503}, {never: {status: 500}}]
"""
    shown = world(upstreams=("auth",)).warmed_up().fault("status", "auth", 0.0, 5.0, index=1)
    shown.answers("chat", range(90), 200)
    for second in range(90):
        shown.call("auth", second + 0.001)
    judgement = judge(scenario(text), shown.history())
    assert [f.verdict for f in judgement.findings] == [Verdict.OUT_OF_SCOPE, Verdict.PASSED]
    assert judgement.verdict is Verdict.PASSED


def test_a_step_of_the_clock_needs_no_upstream(scenario, world):
    text = "faults: [{fault: clock_step, by: -1h}]\nexpect: [{traffic: chat, status: 200}]"
    shown = world(upstreams=("auth",)).warmed_up().fault("clock_step", None, 0.0, 90.0)
    judgement = judge(scenario(text), shown.answers("chat", range(90), 200).history())
    assert judgement.verdict is Verdict.PASSED


def test_a_404_is_not_excused(scenario, world):
    shown = sound(world).request("chat", 91, 30.5, 404)
    assert judge(scenario(HELD), shown.history()).verdict is Verdict.FAILED


def test_charges_need_billing(scenario, world):
    text = HELD.replace("expect: [", "expect: [{charges: 0}, ")
    judgement = judge(scenario(text), sound(world, upstreams=("auth",)).history())
    assert judgement.findings[0].verdict is Verdict.OUT_OF_SCOPE
    assert judgement.verdict is Verdict.PASSED


def test_a_check_that_breaks_is_inconclusive_and_says_so(scenario, world, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(traffic, "check", broken)
    judgement = judge(scenario(HELD), sound(world).history())
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.findings[0].observed == "the check broke: ZeroDivisionError: oops"
    assert judgement.findings[0].expected == "status: 401"


def test_names_are_unique_in_a_scenario(scenario, world):
    text = HELD.replace("expect: [", "expect: [{during: 0s..2s, traffic: chat, status: 401}, ")
    names = [finding.name for finding in judge(scenario(text), sound(world).history()).findings]
    assert len(set(names)) == len(names) == 3


def test_all_figures_are_finite(scenario, world):
    judgement = judge(scenario(HELD), sound(world).history(ended=False))
    figures = [judgement.start_s, judgement.wall_s, *judgement.lateness_ms.values()]
    assert all(math.isfinite(figure) for figure in figures)


def test_a_scenario_not_played_is_out_of_scope(scenario):
    judgement = not_in_scope(scenario(HELD), "needs the engine sim")
    assert judgement.verdict is Verdict.OUT_OF_SCOPE
    assert judgement.findings[0].evidence == "needs the engine sim"


@settings(deadline=None)
@given(data=st.data())
def test_no_history_makes_the_judge_raise(scenario, world, data):
    events = sound(world).history().events
    kept = data.draw(st.lists(st.sampled_from(events), max_size=40))
    text = (
        HELD.replace("expect: [", "expect: [{charges: once per charged answer, duplicates: 0}, ")
        .replace("expect: [", "expect: [{while: auth is open, upstream: auth, calls: 0}, ")
        .replace("expect: [", "expect: [{breaker: auth, opens: 9s ± 1s}, {never: {status: 5xx}}, ")
    )
    judgement = judge(scenario(text), kept)
    if not any(isinstance(event, Run) for event in kept):
        assert judgement.verdict is Verdict.INCONCLUSIVE
    assert not any("broke" in finding.observed for finding in judgement.findings)
    json.dumps(judgement.lateness_ms, allow_nan=False)


@pytest.mark.parametrize(
    "line",
    [
        "no JSON",
        "[1, 2]",
        "null",
        '{"kind": "phase"}',
        '{"kind": "nothing", "at_s": 1, "by": "engine"}',
        '{"kind": "phase", "at_s": "x", "by": "engine", "phase": "play"}',
        '{"kind": "phase", "at_s": null, "by": "engine", "phase": "play"}',
        '{"kind": "phase", "at_s": 1, "by": "engine", "phase": ["play"]}',
    ],
)
def test_a_damaged_line_is_no_event(line: str) -> None:
    with pytest.raises(ValueError, match="not an event of a history"):
        from_json(line)
