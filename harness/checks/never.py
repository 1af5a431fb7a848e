"""Expectations of what no request may meet. Each thing listed is forbidden by itself.

That nobody met it proves something only if requests were sent and answered meanwhile.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from harness.checks.answers import body_text, cut_off, has_fields
from harness.checks.case import Case
from harness.checks.excuses import UNHANDLED, Excuses
from harness.checks.selection import WHOLE, requests_in, span_of
from harness.checks.tally import Outcome, Requirement, tally
from harness.checks.traffic import EPSILON_S, shown_status
from harness.checks.wording import bound, fields, plural, seconds, took
from harness.history.view import Request
from harness.scenario.expectations import StatusSet
from harness.scenario.expectations.never import ExpectNever, Forbidden
from harness.units import Range
from harness.verdict import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ban:
    """One forbidden thing; a request makes it `timeless` as in `Finding`."""

    requirement: Requirement
    timeless: Callable[[Request], bool]


def check(expectation: ExpectNever, case: Case) -> tuple[Finding, ...]:
    """One finding for each thing that is forbidden."""
    span = span_of(expectation, case)
    requests = requests_in(case, span, expectation.traffic)
    subject = "a request" if expectation.traffic is None else expectation.traffic
    where = "" if span is WHOLE else f" {span.words}"
    evidence = span.nothing
    if requests:
        answered = sum(request.answered is not None for request in requests)
        evidence = f"{plural(answered, 'answer')} seen by the client"
        evidence += f"; {span.inferred}" if span.inferred else ""
    excuses = Excuses(case, span)
    findings = []
    for ban in _bans(expectation.never, case):
        requirement = replace(
            excuses.of(ban.requirement, but=ban.timeless),
            name=f"never {ban.requirement.name} for {subject}{where}",
            expected=f"never {ban.requirement.expected}",
        )
        tallied = tally(requirement, requests)
        findings.append(
            tallied.finding(
                claims=case.claims(expectation),
                because=expectation.because,
                evidence=evidence,
                busy=excuses.words,
                timeless=any(map(ban.timeless, tallied.violating)),
            )
        )
    return tuple(findings)


def _bans(never: Forbidden, case: Case) -> Iterator[_Ban]:
    if never.status is not None:
        yield _status(never.status, never.except_, case)
    if never.latency is not None:
        yield _latency(never.latency, case)
    if never.json_ is not None:
        yield _json(never.json_, case)
    if never.body is not None:
        yield _body(never.body, case)


def _status(forbidden: StatusSet, excepted: StatusSet | None, case: Case) -> _Ban:
    words = str(forbidden) + (f" except {excepted}" if excepted is not None else "")

    def judge(request: Request) -> Outcome:
        if request.answered is None and not case.hung(request):
            return Outcome.NO_TIME
        status = request.status
        met = status in forbidden and (excepted is None or status not in excepted)
        return Outcome.VIOLATES if met else Outcome.COMPLIES

    requirement = Requirement(
        name=words,
        expected=words,
        judge=judge,
        show=lambda request: shown_status(request, case),
    )
    # Every other status has a time for it: 503 and 401 while a stub lies dead, 200 while a fault
    # is not in force, no answer at all while the harness has no sockets.
    return _Ban(requirement=requirement, timeless=lambda request: request.status == UNHANDLED)


def _latency(forbidden: Range, case: Case) -> _Ban:
    def judge(request: Request) -> Outcome:
        if request.answered is None:
            if math.isinf(forbidden.high) and case.waited_s(request) >= forbidden.low:
                return Outcome.VIOLATES
            return Outcome.NO_TIME
        took_s = request.service_s
        met = forbidden.low + EPSILON_S < took_s <= forbidden.high + EPSILON_S
        return Outcome.VIOLATES if met else Outcome.COMPLIES

    def show(request: Request) -> str:
        if request.answered is None:
            return f"no answer in {seconds(case.waited_s(request))}"
        return f"at {seconds(request.planned_s)} took {took(request.service_s)}"

    def excess_s(request: Request) -> float | None:
        took_s = case.waited_s(request) if request.answered is None else request.service_s
        return took_s - forbidden.low

    words = f"an answer {bound(forbidden)}"
    requirement = Requirement(
        name=words,
        expected=words,
        judge=judge,
        show=show,
        excess_s=excess_s,
        sum_up=lambda requests: f"at most {took(max(r.service_s for r in requests))}",
    )
    return _Ban(requirement=requirement, timeless=lambda _: False)


def _json(forbidden: dict[str, Any], case: Case) -> _Ban:
    def judge(request: Request) -> Outcome:
        if request.answered is None:
            return Outcome.COMPLIES if case.hung(request) else Outcome.NO_TIME
        if cut_off(request.answered):
            return Outcome.UNCLEAR
        met = has_fields(request.answered.body, forbidden)
        return Outcome.VIOLATES if met else Outcome.COMPLIES

    words = fields(forbidden)
    requirement = Requirement(
        name=words,
        expected=words,
        judge=judge,
        show=lambda r: (
            f"{shown_status(r, case)} with {words}"
            if judge(r) is Outcome.VIOLATES
            else "something else"
        ),
    )
    return _Ban(requirement=requirement, timeless=lambda _: True)


def _body(forbidden: str, case: Case) -> _Ban:
    def judge(request: Request) -> Outcome:
        if request.answered is None:
            return Outcome.COMPLIES if case.hung(request) else Outcome.NO_TIME
        met = forbidden in body_text(request)
        return Outcome.VIOLATES if met else Outcome.COMPLIES

    words = f"'{forbidden}' in an answer"
    requirement = Requirement(
        name=words,
        expected=words,
        judge=judge,
        show=lambda r: (
            f"{shown_status(r, case)} with it"
            if forbidden in body_text(r)
            else "answers without it"
        ),
    )
    return _Ban(requirement=requirement, timeless=lambda _: True)
