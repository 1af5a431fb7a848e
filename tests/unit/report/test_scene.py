"""What a judged play looks like, as data and as lanes of text."""

from __future__ import annotations

import io
import re

import pytest
from msgspec.structs import replace
from rich.console import Console

from harness.history.events import (
    Answered,
    Applied,
    Called,
    Crossed,
    Event,
    Lifted,
    Phase,
    Replied,
    Reported,
    Run,
)
from harness.report.markdown import summary_md
from harness.report.scene import judge_and_observe
from harness.report.scene.model import BreakerView
from harness.report.scene.picture import EXPECTED, picture
from harness.report.scene.watched import Force, watched
from harness.report.text import details
from harness.scenario.loader import parse_scenario
from harness.units import Range
from tests.unit.report.conftest import outage_events


def test_breakers_have_bounds_reports_and_what_was_expected(seen):
    _, scene = seen
    (auth,) = scene.upstreams
    assert [spell.state for spell in auth.breaker.spells(scene.end_s)] == [
        "closed", "open", "half_open", "closed",
    ]  # fmt: skip
    opened = auth.breaker.changes[0]
    assert abs(opened.at_s - 4.004) <= opened.error_s + 0.01
    assert [(each.what, each.sure) for each in auth.breaker.wanted.expected] == [
        ("opens", True), ("probes", True),
    ]  # fmt: skip
    assert auth.breaker.wanted.never == ("closes",)
    assert [each.state for each in auth.breaker.reported] == ["open"]


def test_of_an_upstream_without_a_breaker_none_is_promised(outage):
    run, *events = outage_events()
    none = {"auth": run.settings["auth"] | {"never": 1}}
    for settings, promised, said in ((run.settings, True, "for 60s"), (none, False, "no breaker")):
        _, scene = judge_and_observe(outage, [replace(run, settings=settings), *events])
        assert scene is not None
        (auth,) = scene.upstreams
        assert (auth.promised, auth.settings.endswith(said)) == (promised, True), auth.settings


def test_each_request_knows_what_turned_it_away_and_each_attempt_its_request(seen):
    _, scene = seen
    requests = {request.number: request for request in scene.streams["chat"]}
    assert scene.turned_away[requests[30].id] == ("auth",)
    assert requests[3].id not in scene.turned_away
    assert "".join(requests[n].outcome for n in (3, 11, 30, 70)) == "4542"
    tries = scene.upstreams[0].tries
    assert [each.request for each in tries[:5]] == [1, 2, 3, 4, 5]
    assert all(each.number == 1 for each in tries)
    assert [bool(each.met) for each in tries] == [each.attempt.start_s < 50 for each in tries]


def test_the_machine_and_faults_are_on_the_same_clock(seen):
    _, scene = seen
    (band,) = scene.bands
    assert (band.hits.start_s, band.hits.end_s, band.upstreams) == (0.0, 50.0, ("auth",))
    assert [(veil.start_s, veil.wait_s) for veil in scene.veils] == [(20.0, 0.3)]


def test_it_is_drawn_in_text_beside_what_the_contract_says_where_they_differ(seen):
    _, scene = seen
    lanes = {lane.label: lane.marks for lane in picture(scene, columns=80)}
    assert lanes["status auth"].rstrip() == "#" * 50
    assert lanes["chat"] == "4" * 10 + "55" + "4" * 52 + "2" * 16
    breaker = lanes["auth breaker"]
    assert (breaker[:4], breaker[6:63], breaker[66:]) == ("....", "O" * 57, "." * 14)
    assert lanes[EXPECTED] == "4" * 64 + "?" + "2" * 15  # of chat: the breaker did what it should


def test_the_terminal_and_the_summary_show_the_picture_of_a_failure(seen, outcome):
    judgement, scene = seen
    stream = io.StringIO()
    Console(file=stream, soft_wrap=True).print(details(judgement, scene))
    text, summary = stream.getvalue(), summary_md(outcome(judgement, scenes=(scene,)))
    assert "\n    status auth" in text
    assert "```text\n" in summary
    for shown in (text, summary):
        assert re.search(r"^ *chat +4+5+4+2+\n +expected +4+[?]2+$", shown, re.MULTILINE)
    assert "`report.html#/down?t=0`" in summary


def test_a_world_held_open_shows_faults_calls_and_what_is_reported(outage_events_of):
    forces = [
        Force(label="status auth", start_s=0.0, end_s=50.0),
        Force(label="b", start_s=70.0),
        Force(label="status auth", start_s=60.0, end_s=70.0),
    ]
    shown = watched(outage_events_of(), forces, until_s=80.0, columns=80)
    lanes = {lane.label: lane.marks for lane in shown}
    assert lanes["status auth"].rstrip() == "#" * 50 + " " * 10 + "#" * 10
    assert [lane.label for lane in shown].count("status auth") == 1
    assert lanes["b"] == " " * 70 + "#" * 10
    assert lanes["auth calls"] == "5" * 5 + "·" * 59 + "2" * 16
    assert lanes["auth reported"] == "." * 4 + "O" * 76


@pytest.mark.parametrize(("in_warm_up", "second"), [(False, 2), (True, None)])
def test_a_second_attempt_is_a_retry_only_where_it_can_be_no_other_call(
    outage, outage_events_of, in_warm_up, second
):
    """A route that calls twice when all is well may do so when something is wrong, too."""
    events = list(outage_events_of())
    for event in tuple(events):
        number = getattr(event, "connection", getattr(event, "id", 0))
        if not (0 < number < 4 or (number == 0 and in_warm_up)):
            continue
        if isinstance(event, Crossed):
            events.append(replace(event, at_s=event.at_s + 0.004, connection=1000 + number))
        elif isinstance(event, Called | Replied) and (
            0 < number < 4 or (number == 0 and in_warm_up)
        ):
            events.append(replace(event, at_s=event.at_s + 0.004, id=1000 + number))
    events.sort(key=lambda event: (event.at_s, not isinstance(event, Run)))
    _, scene = judge_and_observe(outage, events)
    assert [each.number for each in scene.upstreams[0].tries[:6]] == [1, second] * 3


def test_a_connection_whose_trace_came_in_after_the_answer_is_called_no_retry(outage_events_of):
    """As of Toxiproxy, whose log tells connections only, through a pipe."""
    events = []
    for event in outage_events_of():
        if isinstance(event, Run):
            events.append(replace(event, evidence=("stub", "proxy connections")))
        elif isinstance(event, Applied | Lifted):
            events.append(replace(event, name="empty"))
        elif not isinstance(event, Crossed):
            events.append(event)
        elif event.what == "request":
            events.append(replace(event, what="accepted", method="", path=""))
    late = {"by": "proxy", "upstream": "auth", "connection": 1001, "what": "accepted"}
    events.append(Crossed(at_s=0.015, **late))  # the request was answered at 10 ms
    events.sort(key=lambda event: (event.at_s, not isinstance(event, Run)))
    hangs_up = parse_scenario(
        "title: t\nduration: 80s\ntraffic: {chat: {request: POST /v1/api/chat, rate: 1/s}}\n"
        "faults: [{upstream: auth, fault: empty, to: 50s}]\n",
        "down.yaml",
    )
    _, scene = judge_and_observe(hangs_up, events)
    first, stray = scene.upstreams[0].tries[:2]
    assert (first.number, stray.number) == (1, None)


def test_a_breaker_that_may_have_been_open_is_drawn_as_that(seen):
    _, scene = seen
    (auth,) = scene.upstreams
    unsure = BreakerView(perhaps_open=(Range(10.0, 20.0),), wanted=auth.breaker.wanted)
    shown = replace(scene, upstreams=(replace(auth, breaker=unsure),), forecast=None)
    (lane,) = [each for each in picture(shown, columns=80) if each.kind == "breaker"]
    marks = set(lane.marks)
    assert marks == {".", "?"}, "neither closed nor open is said of that time"


def played(events: list[Event], until_s: float) -> list[Event]:
    """The same, of a play that ended before the scenario's time."""
    kept = [event for event in events if event.at_s < until_s]
    return [*kept, Phase(at_s=until_s, by="engine", phase="end")]


def silent(number: int, over_s: float, answered_s: float) -> list[Event]:
    """Events in which nothing is heard of an attempt until its connection is closed."""
    events: list[Event] = []
    for event in outage_events():
        own = getattr(event, "connection", getattr(event, "id", None)) == number
        if own and isinstance(event, Replied | Called):
            continue
        if own and isinstance(event, Crossed) and event.what == "response":
            event = replace(event, at_s=over_s, what="closed", closed_by="client", status=None)
        if own and isinstance(event, Answered):
            event = replace(event, at_s=answered_s)
        events.append(event)
    return sorted(events, key=lambda event: (event.at_s, not isinstance(event, Run)))


@pytest.mark.parametrize(
    ("events", "until_s"),
    [
        (silent(3, 22.0, 22.01), 22.0),  # who has no deadline waits on
        (silent(3, 22.0, 7.01), 7.01),  # who has one has left a connection open
        (silent(3, 5.0, 5.01), 5.0),
        (played(silent(3, 22.0, 22.01), 4.5), 4.5),  # nobody saw what came then
    ],
)
def test_an_attempt_lasts_as_long_as_its_request_waits_for_it(outage, events, until_s):
    _, scene = judge_and_observe(outage, events)
    assert scene.upstreams[0].tries[2].until_s == pytest.approx(until_s, abs=0.05)


def test_a_breaker_that_turned_nobody_away_before_its_target_died_did_not_open(outage):
    """Ten failures and each was followed by a call: the rules don't hold, whatever came next."""
    events = []
    for event in outage_events():
        number = getattr(event, "connection", getattr(event, "id", 0))
        if isinstance(event, Crossed | Called | Replied) and number == 1:
            took_s = 2.0 if isinstance(event, Replied) or event.at_s > 0.003 else 0.0
            later = [replace(event, at_s=event.at_s + took_s + n) for n in range(10)]
            name = "connection" if isinstance(event, Crossed) else "id"
            events += [replace(each, **{name: 1 + n}) for n, each in enumerate(later)]
        elif isinstance(event, Answered) and 0 < number <= 10:
            events.append(replace(event, at_s=event.at_s + 2.0))
        elif not isinstance(event, Crossed | Called | Replied | Reported) or number == 0:
            events.append(event)
    events.sort(key=lambda event: (event.at_s, not isinstance(event, Run)))
    _, scene = judge_and_observe(outage, played(events, 9.99))
    assert scene.upstreams[0].breaker.changes == ()


@pytest.mark.parametrize(("over_s", "number"), [(22.0, None), (7.0, 2)])
def test_an_attempt_beside_one_that_goes_on_may_be_the_first_of_somebody_else(
    outage, over_s, number
):
    """Request 3 is due to try again at 8 s, when request 9 comes; neither is answered for long."""
    events = []
    for event in silent(3, over_s, 30.0):
        if isinstance(event, Run):
            event = replace(event, settings={"auth": event.settings["auth"] | {"attempts": 2}})
        if isinstance(event, Answered) and event.id == 9:
            event = replace(event, at_s=31.0)
        events.append(event)
    crossed = next(e for e in events if isinstance(e, Crossed))
    events.append(replace(crossed, at_s=8.006, connection=77, what="request"))
    events.sort(key=lambda event: (event.at_s, not isinstance(event, Run)))
    _, scene = judge_and_observe(outage, events)
    (second,) = (each for each in scene.upstreams[0].tries if each.attempt.start_s == 8.006)
    assert (second.request, second.number) == (3, number)
