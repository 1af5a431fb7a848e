"""Judgements made by hand, one of each kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from harness.history.events import (
    Answered,
    Applied,
    Called,
    Charged,
    Crossed,
    Event,
    Lifted,
    Logged,
    Phase,
    Replied,
    Reported,
    Run,
    Sent,
    Waited,
)
from harness.report.outcome import Outcome
from harness.report.scene import Scene, judge_and_observe
from harness.scenario.loader import parse_scenario
from harness.scenario.model import Scenario
from harness.verdict import Finding, Judgement, Transition, Verdict, worst


def make_finding(verdict: Verdict = Verdict.PASSED, **more: Any) -> Finding:
    defaults: dict[str, Any] = {
        "name": "chat is answered 401 while auth is open",
        "claims": ("T1", "G2"),
        "verdict": verdict,
        "expected": "401 for every request",
        "observed": "401 for 58 of 58 requests (#11-#68)",
        "evidence": "58 answers seen by the client",
    }
    return Finding(**(defaults | more))


def make_judgement(*findings: Finding, **more: Any) -> Judgement:
    found = findings or (make_finding(),)
    defaults: dict[str, Any] = {
        "name": "auth_blackhole_50s",
        "file": "scenarios/auth_blackhole_50s.yaml",
        "title": "Auth server unreachable for 50 s",
        "verdict": worst(each.verdict for each in found),
        "findings": found,
        "breakers": {
            "auth": (
                Transition(state="open", at_s=9.0123, error_s=0.05, evidence="the wire"),
                Transition(state="half_open", at_s=69.0),
                Transition(state="closed", at_s=69.01),
            )
        },
        "duration_s": 90.0,
        "start_s": 1.1,
        "wall_s": 92.2,
        "requests": 90,
        "lateness_ms": {"p50": 0.2, "p99": 1.1, "max": 3.0},
    }
    return Judgement(**(defaults | more))


def make_outcome(*judgements: Judgement, **more: Any) -> Outcome:
    defaults: dict[str, Any] = {
        "engine": "local",
        "proxy": "embedded",
        "target": "reference",
        "wall_s": 92.0,
    }
    return Outcome(judgements=judgements or (make_judgement(),), **(defaults | more))


@pytest.fixture(scope="session")
def finding() -> Callable[..., Finding]:
    return make_finding


@pytest.fixture(scope="session")
def judgement() -> Callable[..., Judgement]:
    return make_judgement


@pytest.fixture(scope="session")
def outcome() -> Callable[..., Outcome]:
    return make_outcome


@pytest.fixture(scope="session")
def mixed() -> Outcome:
    """One scenario of each verdict."""
    failed = make_finding(
        Verdict.FAILED,
        observed="200 for 3 of 58: #11 at 10s, #12, #13",
        because="nobody is let in without auth",
        examples=(11, 12),
    )
    unclear = make_finding(Verdict.INCONCLUSIVE, observed="no request", evidence="nothing sent")
    excused = make_finding(Verdict.OUT_OF_SCOPE, evidence="the target has no upstream git")
    return make_outcome(
        make_judgement(),
        make_judgement(make_finding(name="chat is answered"), failed, name="failing"),
        make_judgement(unclear, name="unclear", notes=("a note",)),
        make_judgement(excused, name="excused", breakers={}),
    )


OUTAGE = """\
title: "auth is down <b>for a while</b>"
duration: 80s
traffic:
  chat: {request: POST /v1/api/chat, json: {message: hello}, as: ada, rate: 1/s}
faults:
  - {upstream: auth, fault: status, status: 503, from: 0s, to: 50s}
expect:
  - {breaker: auth, opens: 4s ± 1s, probes: contract ± 1.5s, closes: never}
  - {traffic: chat, during: 0s..40s, status: 401}
"""
SPELL = "<script>alert(1)</script><img src=x onerror=alert(2)>"
"""What a hostile target might say."""


def outage_events(
    *, requests: int = 80, duration_s: float = 80.0, hostile: str = SPELL
) -> list[Event]:
    """Auth fails until 50 s; the breaker opens at the fifth failure, 4 s, and lets a probe through
    at 64 s. Requests of seconds 10 and 11 are answered 500, against the scenario.
    """
    events: list[Event] = [
        Run(
            at_s=-2.0, by="engine", scenario="down", file="down.yaml", engine="local",
            proxy="embedded", target="mine", seed=0, upstreams=("auth",),
            evidence=("stub", "proxy requests"), settings={"auth": {
                "attempts": 1, "timeout_s": 5, "threshold": 5, "wait_s": 60, "backoffs_s": [1.0]}},
        ),
        Phase(at_s=-1.5, by="engine", phase="warm-up"),
        Phase(at_s=0.0, by="engine", phase="play"),
        Applied(at_s=0.0, by="engine", fault=0, name="status", upstreams=("auth",), planned_s=0.0),
        Lifted(at_s=50.0, by="engine", fault=0, name="status", upstreams=("auth",), planned_s=50.0),
        Reported(at_s=4.2, by="target", upstream="auth", state="open", since_s=3.9),
        Waited(at_s=20.5, by="engine", who="target", how="for a CPU", since_s=20.0, wait_s=0.3),
        Charged(at_s=70.03, by="stub", job_id="j1", user_id="ada", cost=0.01, duplicate=False),
        Logged(at_s=10.005, by="target", source="target", line=f"token=hunter2 {hostile}"),
    ]  # fmt: skip
    for number in range(requests + 1):
        at_s = -1.0 if number == 0 else (number - 1) * duration_s / requests
        events += _request(number, at_s, hostile)
    events.append(Phase(at_s=duration_s, by="engine", phase="end"))
    return sorted(events, key=lambda event: (event.at_s, not isinstance(event, Run)))


def _request(number: int, at_s: float, hostile: str) -> Iterator[Event]:
    refused = 4.5 < at_s < 63.5
    failing = 0 <= at_s < 50
    status = 500 if 9.5 < at_s < 11.5 else 401 if failing or refused else 200
    path = "/v1/api/chat"
    yield Sent(
        at_s=at_s, by="client", id=number, stream="chat", number=number, planned_s=at_s,
        method="POST", path=path, user="ada",
    )  # fmt: skip
    if not refused:
        yield Crossed(
            at_s=at_s + 0.001, by="proxy", upstream="auth", connection=number, what="request",
            method="POST", path="/verify_token",
        )  # fmt: skip
        yield Called(
            at_s=at_s + 0.002, by="stub", upstream="auth", id=number, route="POST /verify_token",
            path="/verify_token", of=f"{number}", attempt=1, met=("f0",) if failing else (),
        )  # fmt: skip
        answer = 503 if failing else 200
        yield Replied(
            at_s=at_s + 0.003, by="stub", upstream="auth", id=number, status=answer, outcome="sent"
        )
        yield Crossed(
            at_s=at_s + 0.004, by="proxy", upstream="auth", connection=number, what="response",
            status=answer,
        )  # fmt: skip
    yield Answered(
        at_s=at_s + 0.01, by="client", id=number, status=status,
        headers=(("content-type", "application/json"), ("x-said", hostile)),
        body={"message": hostile if status == 500 else "hello", "n": number % 7},
    )  # fmt: skip


@pytest.fixture(scope="session")
def outage_events_of() -> Callable[..., list[Event]]:
    return outage_events


@pytest.fixture(scope="session")
def outage() -> Scenario:
    return parse_scenario(OUTAGE, "down.yaml")


@pytest.fixture(scope="session")
def seen(outage: Scenario) -> tuple[Judgement, Scene]:
    """A play with two findings that fail, judged and observed."""
    judgement, scene = judge_and_observe(outage, outage_events())
    assert scene is not None
    return judgement, scene
