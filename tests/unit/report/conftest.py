"""Judgements made by hand, one of each kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness.report.outcome import Outcome
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
        make_judgement(make_finding(), failed, name="failing"),
        make_judgement(unclear, name="unclear", notes=("a note",)),
        make_judgement(excused, name="excused", breakers={}),
    )
