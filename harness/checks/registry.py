"""Which check judges which form of expectation, and what happens when a check breaks.

The form `ExpectCalls` of `harness/scenario/expectations/calls.py` is judged by `check` of
`harness/checks/calls.py`, and so on: the two modules have the same name.
"""

from __future__ import annotations

from collections.abc import Callable
from pkgutil import resolve_name
from typing import Any

from msgspec.structs import replace

from harness.checks.case import Case
from harness.checks.scope import out_of_scope
from harness.scenario.expectations import ExpectationBase
from harness.verdict import Finding, Verdict

Check = Callable[[Any, Case], tuple[Finding, ...]]
"""Judges one expectation of its form by a case: pure, so same case, same findings. Why an author
expects it, and the claims that it stands for, are put to its findings here."""


def check_of(form: type[ExpectationBase]) -> Check:
    """The check of a form: `check` in this package's module of the same name."""
    check: Check = resolve_name(f"harness.checks.{form.__module__.rpartition('.')[2]}:check")
    return check


def findings_of(expectation: ExpectationBase, case: Case) -> tuple[Finding, ...]:
    """Judge one expectation; out of scope where the target owes nothing.

    A check that breaks leaves its expectation inconclusive, never the run without a judgement.
    """
    because, claims = expectation.because, case.claims(expectation)
    found = _found(expectation, case)
    return tuple(replace(one, because=because, claims=one.claims or claims) for one in found)


def _found(expectation: ExpectationBase, case: Case) -> tuple[Finding, ...]:
    excuse = out_of_scope(expectation, case)
    if excuse is not None:
        return (_unjudged(expectation, Verdict.OUT_OF_SCOPE, "not judged", excuse),)
    try:
        return check_of(type(expectation))(expectation, case)
    except Exception as error:  # whatever broke: it says nothing about the target
        observed = f"the check broke: {type(error).__name__}: {error}"
        evidence = "a defect of the harness, please report it"
        return (_unjudged(expectation, Verdict.INCONCLUSIVE, observed, evidence),)


def _unjudged(
    expectation: ExpectationBase, verdict: Verdict, observed: str, evidence: str
) -> Finding:
    return Finding(
        name=expectation.subject,
        verdict=verdict,
        expected=expectation.demand,
        observed=observed,
        evidence=evidence,
    )
