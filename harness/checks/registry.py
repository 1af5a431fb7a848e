"""Which check judges which form of expectation, and what happens when a check breaks.

traffic: ...    traffic.py    breaker: ...    breaker.py    upstream: ...    calls.py
charges: ...    charges.py    never: ...      never.py
"""

from __future__ import annotations

from harness.checks import breaker, calls, charges, never, traffic
from harness.checks.case import Case
from harness.checks.scope import out_of_scope
from harness.scenario.expectations import (
    Expectation,
    ExpectBreaker,
    ExpectCalls,
    ExpectCharges,
    ExpectNever,
    ExpectTraffic,
)
from harness.verdict import Finding, Verdict


def findings_of(expectation: Expectation, case: Case) -> tuple[Finding, ...]:
    """Judge one expectation; out of scope where the target owes nothing.

    A check that breaks leaves its expectation inconclusive, never the run without a judgement.
    """
    excuse = out_of_scope(expectation, case)
    if excuse is not None:
        return (_unjudged(expectation, case, Verdict.OUT_OF_SCOPE, "not judged", excuse),)
    try:
        return _check(expectation, case)
    except Exception as error:  # whatever broke: it says nothing about the target
        observed = f"the check broke: {type(error).__name__}: {error}"
        evidence = "a defect of the harness, please report it"
        return (_unjudged(expectation, case, Verdict.INCONCLUSIVE, observed, evidence),)


def _check(expectation: Expectation, case: Case) -> tuple[Finding, ...]:
    match expectation:
        case ExpectTraffic():
            return traffic.check(expectation, case)
        case ExpectBreaker():
            return breaker.check(expectation, case)
        case ExpectCalls():
            return calls.check(expectation, case)
        case ExpectCharges():
            return charges.check(expectation, case)
        case ExpectNever():
            return never.check(expectation, case)


def _unjudged(
    expectation: Expectation, case: Case, verdict: Verdict, observed: str, evidence: str
) -> Finding:
    return Finding(
        name=subject(expectation),
        claims=case.claims(expectation),
        verdict=verdict,
        expected=said(expectation),
        observed=observed,
        evidence=evidence,
        because=expectation.because,
    )


def subject(expectation: Expectation) -> str:
    """What an expectation is about, and where: `chat in 10s..68s`, `auth breaker`."""
    match expectation:
        case ExpectTraffic():
            about = expectation.traffic
        case ExpectBreaker():
            return f"{expectation.breaker} breaker"
        case ExpectCalls():
            about = f"calls at {expectation.upstream}"
        case ExpectCharges():
            about = "charges"
        case ExpectNever():
            about = "never"
    if expectation.during is not None:
        return f"{about} in {expectation.during}"
    return about if expectation.while_ is None else f"{about} while {expectation.while_}"


_NOT_SAID = {"claims", "because", "during", "while_", "traffic", "breaker", "upstream"}


def said(expectation: Expectation) -> str:
    """What an expectation demands, as an author writes it: `status: 401, latency: <= 0.1`."""
    names = {name: field.alias or name for name, field in type(expectation).model_fields.items()}
    words = [
        f"{names[name]}: {getattr(expectation, name)}"
        for name in type(expectation).model_fields
        if name in expectation.model_fields_set and name not in _NOT_SAID
    ]
    return ", ".join(words)
