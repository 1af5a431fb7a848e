"""What holds in every run, from histories by hand."""

from __future__ import annotations

import pytest

from harness.checks.promises import PROMISES, promises_of, violations
from harness.judge import judge
from harness.verdict import Verdict

_DOWN = "faults: [{upstream: chroma, fault: status, status: 503, to: 5s}]"
_REACHES = ("auth", "billing", "chroma")
_ROUTES = {"chroma": "POST /query", "billing": "GET /balance/ada"}


def chatted(world, *, sent_s: float, degraded: bool, **run):
    """One chat, after a warm-up with chroma."""
    built = world(**run).warmed_up(reaches=_REACHES, routes=_ROUTES, body={"degraded": False})
    built.request("chat", int(sent_s) + 1, sent_s, 200, took_s=0.1, body={"degraded": degraded})
    for delay_s, name in enumerate(_REACHES, start=1):
        status = 503 if name == "chroma" and sent_s < 5 else 200
        built.call(name, sent_s + delay_s / 100, _ROUTES.get(name, "POST /verify_token"),
                   status=status)  # fmt: skip
    return built


def test_a_chat_without_chroma_that_does_not_say_so_is_told(case, world) -> None:
    played = chatted(world, sent_s=1.0, degraded=False).fault("status", "chroma", 0.0, 5.0)
    (found,) = (v for v in violations(case(_DOWN, played)) if v.promise == "degraded is said")
    assert (found.about, found.claims, found.request) == ("chroma", ("G5",), 2)


@pytest.mark.parametrize(
    ("text", "sent_s", "degraded"),
    [
        (_DOWN, 1.0, True),
        (_DOWN, 6.0, False),
        (_DOWN, 4.95, False),
        (_DOWN.replace("to: 5s", "to: 5s, one_in: 2"), 1.0, False),
        (_DOWN.replace("chroma", "auth"), 1.0, False),
    ],
    ids=["says so", "after the lift", "across the lift", "some calls only", "another upstream"],
)
def test_what_may_have_had_chroma_is_not(case, world, text, sent_s, degraded) -> None:
    upstream = "auth" if "auth" in text else "chroma"
    played = chatted(world, sent_s=sent_s, degraded=degraded).fault("status", upstream, 0.0, 5.0)
    assert "degraded is said" not in {v.promise for v in violations(case(text, played))}


def test_a_broken_promise_names_its_claims_and_its_request(case, world) -> None:
    played = chatted(world, sent_s=1.0, degraded=True).fault("status", "chroma", 0.0, 5.0)
    played.request("chat", 3, 2.0, 500)
    found = [f for f in promises_of(case(_DOWN, played)) if f.verdict is Verdict.FAILED]
    assert [(f.name, f.claims, f.examples) for f in found] == [("never 5xx (chat)", ("G9",), (3,))]


def test_what_a_target_does_without_is_never_said_to_hold(case, world) -> None:
    played = chatted(world, sent_s=1.0, degraded=True, without=("G9",))
    played.fault("status", "chroma", 0.0, 5.0).request("chat", 3, 2.0, 500)
    found = promises_of(case(_DOWN, played))
    assert [f.verdict for f in found if "5xx" in f.name] == [Verdict.OUT_OF_SCOPE]


def test_a_scenario_that_expects_nothing_is_judged_by_all_of_them(scenario, world) -> None:
    played = chatted(world, sent_s=1.0, degraded=True).fault("status", "chroma", 0.0, 5.0)
    judged = judge(scenario(_DOWN), played.history())
    assert judged.verdict is Verdict.PASSED, (judged.findings, judged.promises)
    assert [f.verdict for f in judged.promises] == [Verdict.PASSED] * len(PROMISES)
    played.request("chat", 3, 2.0, 504)
    assert judge(scenario(_DOWN), played.history()).verdict is Verdict.FAILED
