from __future__ import annotations

import math

import pytest

from harness.checks import wording
from harness.checks.remarks import remarks
from harness.units import Range, Window


def sent(world, *numbers, stream="chat"):
    shown = world()
    for number in numbers:
        shown.request(stream, number, float(number - 1), 200)
    return shown.history().requests


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ([1], "#1"),
        ([1, 2, 3], "#1-#3"),
        ([1, 3, 4, 9], "#1, #3-#4, #9"),
        (range(1, 20, 2), "#1, #3, #5, #7, #9, ... #19"),
    ],
)
def test_numbers_are_drawn_together(world, numbers, words):
    assert wording.numbers(sent(world, *numbers)) == words


def test_examples_say_when_and_how_many_more(world):
    assert wording.examples(sent(world, 11)) == "#11 at 10s"
    assert wording.examples(sent(world, 11, 12, 13, 14, 15)) == "#11 at 10s, #12, #13 and 2 more"


def test_requests_of_several_streams_are_told_apart(world):
    both = (*sent(world, 1, 2), *sent(world, 1, stream="login"))
    assert wording.numbers(both) == "chat #1-#2, login #1"
    assert wording.examples(both) == "chat #1 at 0s, chat #2, login #1"


def test_quantities_read_well():
    assert wording.seconds(9.0123) == "9.01s"
    assert wording.seconds(0.0481) == "48ms"
    assert wording.seconds(math.inf) == "for ever"
    assert wording.took(0.0002) == "under 1ms"
    assert wording.bound(Range(0, 0.1)) == "within 100ms"
    assert wording.bound(Range(13, math.inf)) == "after 13s or more"
    assert wording.bound(Range(0.9, 2)) == "in 900ms..2s"
    assert wording.window(Window(3.2512, math.inf)) == "3.25s..the end"
    assert wording.numbered(Range(6, math.inf)) == "from #6 on"
    assert wording.numbered(Range(0, 4)) == "#1-#4"
    assert wording.numbered(Range(2, 2)) == "#2"
    assert wording.counted(Range(1, 1), "call") == "1 call"
    assert wording.counted(Range(5, math.inf), "call") == ">= 5 calls"
    assert len(wording.value({"a": "x" * 100})) == 60


def test_a_401_is_remarked_on_only_while_auth_is_down(case, world):
    shown = world().warmed_up().fault("blackhole", "auth", 0.0, 5.0).answers("chat", [1], 401)
    down = case("faults: [{upstream: auth, fault: blackhole, to: 5s}]\n" + ANY, shown)
    assert any("browsers discard" in remark for remark in remarks(down))
    refusing = "faults: [{upstream: auth, fault: revoke, user: ada, to: 5s}]\n" + ANY
    shown = world().warmed_up().fault("revoke", "auth", 0.0, 5.0).answers("chat", [1], 401)
    assert not remarks(case(refusing, shown))


ANY = "expect: [{traffic: chat, status: 401}]"


def test_rejections_after_the_recovery_are_remarked_on(case, world):
    shown = world().warmed_up().fault("status", "auth", 0.0, 2.0)
    for at_s in (0.0, 1.0):
        shown.request("chat", 1, at_s, 401, took_s=1.02)
        shown.call("auth", at_s + 0.001, status=503).call("auth", at_s + 1.01, status=503)
    shown.answers("chat", range(3, 8), 401)
    built = case("faults: [{upstream: auth, fault: status, status: 503, to: 2s}]\n" + ANY, shown)
    assert any(
        r.startswith("5 requests turned away although auth was back") for r in remarks(built)
    )


def test_any_json_object_is_asked_for_in_words():
    assert wording.fields({"degraded": True}) == "degraded: true"
    assert wording.fields({}) == "a JSON object"
