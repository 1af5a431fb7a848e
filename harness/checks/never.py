"""Expectations of what no request may meet. Each thing listed is forbidden by itself.

That nobody met it proves something only if requests were sent and answered meanwhile.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from msgspec.structs import replace

from harness.checks.answers import body_text, cut_off, has_fields
from harness.checks.case import Case
from harness.checks.excuses import UNHANDLED, Excuses
from harness.checks.selection import WHOLE, requests_in, span_of
from harness.checks.tally import Outcome, Requirement, tally
from harness.checks.traffic import EPSILON_S, of_answer, outcome, seen_answers, shown_status
from harness.checks.wording import bound, fields, seconds, took
from harness.history.requests import Request
from harness.scenario.expectations import StatusSet
from harness.scenario.expectations.never import ExpectNever, Forbidden
from harness.units import Range
from harness.verdict import Finding


def check(expectation: ExpectNever, case: Case) -> tuple[Finding, ...]:
    """One finding for each thing that is forbidden."""
    span = span_of(expectation, case)
    requests = requests_in(case, span, expectation.traffic)
    subject = "a request" if expectation.traffic is None else expectation.traffic
    where = "" if span is WHOLE else f" {span.words}"
    excuses = Excuses(case, span)
    findings = []
    for ban in _bans(expectation.never, case):
        requirement = replace(
            excuses.of(ban, but=ban.timeless),
            name=f"never {ban.name} for {subject}{where}",
            expected=f"never {ban.expected}",
        )
        result = tally(requirement, requests).finding(
            evidence=seen_answers(requests, span),
            busy=excuses.words,
        )
        findings.append(result)
    return tuple(findings)


def _bans(never: Forbidden, case: Case) -> Iterator[Requirement]:
    if never.status is not None:
        yield _status(never.status, never.except_, case)
    if never.latency is not None:
        yield _latency(never.latency, case)
    if never.json_ is not None:
        yield _json(never.json_, case)
    if never.body is not None:
        yield _body(never.body, case)


def _status(forbidden: StatusSet, excepted: StatusSet | None, case: Case) -> Requirement:
    words = str(forbidden) + (f" except {excepted}" if excepted is not None else "")

    def judge(request: Request) -> Outcome:
        if request.unanswered and not case.hung(request):
            return Outcome.NO_TIME
        status = request.status
        met = status in forbidden and (excepted is None or status not in excepted)
        return Outcome.VIOLATES if met else Outcome.COMPLIES

    return Requirement(
        name=words,
        expected=words,
        judge=judge,
        show=lambda request: shown_status(request, case),
        # Every other status has a time for it: 503 and 401 while a stub lies dead, 200 while a
        # fault is not in force, no answer at all while the harness has no sockets.
        timeless=lambda request: request.status == UNHANDLED,
    )


def _latency(forbidden: Range, case: Case) -> Requirement:
    def judge(request: Request) -> Outcome:
        if request.unanswered:
            if math.isinf(forbidden.high) and case.waited_s(request) >= forbidden.low:
                return Outcome.VIOLATES
            return Outcome.NO_TIME
        took_s = request.service_s
        met = forbidden.low + EPSILON_S < took_s <= forbidden.high + EPSILON_S
        return Outcome.VIOLATES if met else Outcome.COMPLIES

    def show(request: Request) -> str:
        if request.unanswered:
            return f"no answer in {seconds(case.waited_s(request))}"
        return f"at {seconds(request.planned_s)} took {took(request.service_s)}"

    def excess_s(request: Request) -> float | None:
        took_s = case.waited_s(request) if request.unanswered else request.service_s
        return took_s - forbidden.low

    words = f"an answer {bound(forbidden)}"
    return Requirement(
        name=words,
        expected=words,
        judge=judge,
        show=show,
        excess_s=excess_s,
        sum_up=lambda requests: f"at most {took(max(r.service_s for r in requests))}",
    )


def _json(forbidden: dict[str, Any], case: Case) -> Requirement:
    words = fields(forbidden)

    def judge(request: Request) -> Outcome:
        if cut_off(request):
            return Outcome.UNCLEAR
        return outcome(not has_fields(request.body, forbidden))

    def show(request: Request) -> str:
        met = has_fields(request.body, forbidden)
        return f"{shown_status(request, case)} with {words}" if met else "something else"

    return _of_answers(words, judge, show, case)


def _body(forbidden: str, case: Case) -> Requirement:
    def judge(request: Request) -> Outcome:
        return outcome(forbidden not in body_text(request))

    def show(request: Request) -> str:
        met = forbidden in body_text(request)
        return f"{shown_status(request, case)} with it" if met else "answers without it"

    return _of_answers(f"'{forbidden}' in an answer", judge, show, case)


def _of_answers(
    words: str,
    judge: Callable[[Request], Outcome],
    show: Callable[[Request], str],
    case: Case,
) -> Requirement:
    """What no answer may say at any time; who hangs has not heard it."""
    return Requirement(
        name=words,
        expected=words,
        judge=of_answer(case, judge, hangs=Outcome.COMPLIES),
        show=show,
        timeless=lambda _: True,
    )
