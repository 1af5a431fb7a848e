"""Expectations on traffic: how the requests of a stream were answered, and how fast.

Latency counts from the planned instant, so that a stalled sender hides nothing; but an answer is
only held to be too slow if it was so counted from the instant the request really left, too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from statistics import median
from typing import Any

from msgspec.structs import replace

from harness.checks.answers import cookies, cut_off, has_fields
from harness.checks.case import Case
from harness.checks.excuses import Excuses, left_late
from harness.checks.selection import WHOLE, Span, last_tries, only_numbers, requests_in, span_of
from harness.checks.tally import Outcome, Requirement, tally
from harness.checks.wording import bound, fields, numbered, seconds, took, value
from harness.history.requests import Request
from harness.scenario.expectations import StatusSet
from harness.scenario.expectations.traffic import Cookie, ExpectTraffic
from harness.units import Range, plural
from harness.verdict import Finding

EPSILON_S = 1e-6


def check(expectation: ExpectTraffic, case: Case) -> tuple[Finding, ...]:
    """One finding for each of status, latency, json, headers and cookie that is expected."""
    span = span_of(expectation, case)
    planned = last_tries(requests_in(case, span, expectation.traffic))
    chosen = only_numbers(planned, expectation.requests)
    subject, where = expectation.traffic, f" {span.words}"
    if expectation.requests is not None:
        subject += f" {numbered(expectation.requests)}"
        where = "" if span is WHOLE else where
    numbered_ones = () if expectation.requests is None else chosen
    excuses = Excuses(case, span, numbered_ones)
    findings = []
    for wanted in _requirements(expectation, case):
        if expectation.at_most is not None:
            wanted = _seldom(wanted, expectation)
        requirement = replace(
            wanted,
            name=f"{subject} {wanted.name}{where}",
            expected=_expected(wanted.expected, expectation),
            share=expectation.at_least,
        )
        result = tally(excuses.of_answers(requirement), chosen).finding(
            evidence=seen_answers(chosen, span),
            busy=excuses.words,
        )
        findings.append(result)
    return tuple(findings)


def _seldom(told: Requirement, expectation: ExpectTraffic) -> Requirement:
    """That no more than `at_most` requests meet a requirement."""
    count, latency = expectation.at_most or 0, expectation.latency
    met = {Outcome.COMPLIES: Outcome.VIOLATES, Outcome.VIOLATES: Outcome.COMPLIES}

    def judge(request: Request) -> Outcome:
        says = told.judge(request)
        return met.get(says, says)

    def excess_s(request: Request) -> float | None:
        assert latency is not None
        return request.service_s - latency.low

    return Requirement(
        name=f"{told.name} at most {plural(count, 'time')}",
        expected=told.expected,
        judge=judge,
        show=told.show,
        sum_up=told.sum_up,
        excess_s=None if told.excess_s is None else excess_s,
        allowed=count,
    )


def _expected(what: str, expectation: ExpectTraffic) -> str:
    share = expectation.at_least
    if expectation.at_most is not None:
        return f"{what} for at most {plural(expectation.at_most, 'request')}"
    return f"{what} for every request" if share >= 1 else f"{what} for at least {share:.0%}"


def seen_answers(chosen: Sequence[Request], span: Span) -> str:
    """By what requests are judged; why there is nothing to judge where there are none."""
    if not chosen:
        return span.nothing
    answered = sum(not request.unanswered for request in chosen)
    words = f"{plural(answered, 'answer')} seen by the client"
    return f"{words}; {span.inferred}" if span.inferred else words


def _requirements(expectation: ExpectTraffic, case: Case) -> Iterator[Requirement]:
    if expectation.status is not None:
        yield status_requirement(expectation.status, case)
    if expectation.latency is not None:
        yield _latency(expectation.latency, case)
    if expectation.json_ is not None:
        yield _json(expectation.json_, case)
    for header in expectation.headers:
        yield _header(header, case)
    if expectation.cookie == "none":
        yield _no_cookie(case)
    elif isinstance(expectation.cookie, Cookie):
        yield _cookie(expectation.cookie, case)


def status_requirement(wanted: StatusSet, case: Case) -> Requirement:
    """Every answer has one of these statuses; a hang is no answer."""

    def judge(request: Request) -> Outcome:
        if request.unanswered and not case.hung(request):
            return Outcome.NO_TIME
        return outcome(request.status in wanted)

    return Requirement(
        name=f"is answered {wanted}",
        expected=str(wanted),
        judge=judge,
        show=lambda request: shown_status(request, case),
    )


def shown_status(request: Request, case: Case) -> str:
    """An answer's status, or why there is none."""
    if request.unanswered:
        return (
            f"no answer in {seconds(case.deadline_s(request))}"
            if case.hung(request)
            else "no answer"
        )
    if request.status is None:
        return f"no answer ({request.error or 'unknown'})"
    return str(request.status)


def outcome(complies: bool) -> Outcome:
    """What a request says of a requirement that it surely meets, or surely not."""
    return Outcome.COMPLIES if complies else Outcome.VIOLATES


def _latency(wanted: Range, case: Case) -> Requirement:
    def judge(request: Request) -> Outcome:
        if request.unanswered:
            waited_s = case.waited_s(request)
            too_long = waited_s > wanted.high + EPSILON_S or case.hung(request)
            return Outcome.VIOLATES if too_long else Outcome.NO_TIME
        if request.service_s < wanted.low - EPSILON_S:
            return Outcome.VIOLATES
        if request.latency_s <= wanted.high + EPSILON_S:
            return Outcome.COMPLIES
        if request.service_s > wanted.high + EPSILON_S:
            return Outcome.VIOLATES
        # The sender was late, not the target: what it took from then on is what counts, as long
        # as the request left near enough to its plan to have met the same state of the world.
        return Outcome.NOISE if left_late(request) else Outcome.COMPLIES

    def excess_s(request: Request) -> float | None:
        if not request.unanswered and request.service_s < wanted.low:
            return None
        took_s = case.waited_s(request) if request.unanswered else request.service_s
        return took_s - (case.deadline_s(request) if math.isinf(wanted.high) else wanted.high)

    return Requirement(
        name=f"is answered {bound(wanted)}",
        expected=f"an answer {bound(wanted)}",
        judge=judge,
        show=lambda request: _took(request, case),
        sum_up=_latencies,
        excess_s=excess_s,
    )


def _took(request: Request, case: Case) -> str:
    if request.unanswered:
        return f"at {seconds(request.planned_s)} no answer in {seconds(case.waited_s(request))}"
    return f"at {seconds(request.planned_s)} took {took(request.latency_s)}"


def _latencies(requests: Sequence[Request]) -> str:
    latencies = [request.latency_s for request in requests]
    if len(latencies) == 1:
        return took(latencies[0])
    return f"typically {took(median(latencies))}, at most {took(max(latencies))}"


def of_answer(
    case: Case,
    judge: Callable[[Request], Outcome],
    *,
    hangs: Outcome = Outcome.VIOLATES,
) -> Callable[[Request], Outcome]:
    """Judge the answer; `hangs`: what a request without one says once it hangs."""

    def judged(request: Request) -> Outcome:
        if request.unanswered:
            return hangs if case.hung(request) else Outcome.NO_TIME
        return judge(request)

    return judged


def _json(wanted: dict[str, Any], case: Case) -> Requirement:
    def judge(request: Request) -> Outcome:
        if cut_off(request):
            return Outcome.UNCLEAR
        return outcome(has_fields(request.body, wanted))

    return Requirement(
        name=f"answers {fields(wanted)}",
        expected=fields(wanted),
        judge=of_answer(case, judge),
        show=lambda request: _shown_fields(request, wanted, case),
    )


def _shown_fields(request: Request, wanted: dict[str, Any], case: Case) -> str:
    body = request.body
    if not isinstance(body, dict):
        return f"{shown_status(request, case)} without JSON"
    found = [f"{name}: {value(body[name])}" if name in body else f"no {name}" for name in wanted]
    words = ", ".join(found)
    return words if has_fields(body, wanted) else f"{shown_status(request, case)} with {words}"


def _header(name: str, case: Case) -> Requirement:
    wanted = name.lower()
    return Requirement(
        name=f"has the header {name}",
        expected=f"header {name}",
        judge=of_answer(case, lambda request: outcome(request.header(wanted) is not None)),
        show=lambda request: (
            f"{shown_status(request, case)} without {name}"
            if (value := request.header(wanted)) is None
            else f"{name}: {value}"
        ),
    )


def _cookie(wanted: Cookie, case: Case) -> Requirement:
    flags = frozenset(flag.lower() for flag in wanted.flags)
    words = ", ".join([wanted.name, *wanted.flags])

    def complies(request: Request) -> bool:
        found = cookies(request).get(wanted.name)
        return found is not None and flags <= found

    return Requirement(
        name=f"sets the cookie {words}",
        expected=f"cookie {words}",
        judge=of_answer(case, lambda request: outcome(complies(request))),
        show=lambda request: _shown_cookie(request, wanted, case),
    )


def _shown_cookie(request: Request, wanted: Cookie, case: Case) -> str:
    found = cookies(request).get(wanted.name)
    if found is None:
        return f"{shown_status(request, case)} without the cookie"
    missing = [flag for flag in wanted.flags if flag.lower() not in found]
    return f"the cookie without {', '.join(missing)}" if missing else "the cookie with its flags"


def _no_cookie(case: Case) -> Requirement:
    return Requirement(
        name="sets no cookie",
        expected="no cookie",
        judge=of_answer(case, lambda request: outcome(not cookies(request))),
        show=lambda request: (
            f"{shown_status(request, case)} with the cookie {', '.join(cookies(request))}"
            if cookies(request)
            else "no cookie"
        ),
    )
