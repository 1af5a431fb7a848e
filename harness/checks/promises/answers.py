"""Promises of answers: no status that no outage excuses, no answer that never comes, no hang."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from harness.checks.promises.facts import Facts, Offered
from harness.checks.promises.violation import Violation
from harness.checks.wording import stream_request
from harness.scenario.faults import KINDS

_MARGIN_S = 0.6
"""Beyond the sum of the deadlines, before an answer is called late."""
_OWN_WORK = 3
"""So many times what a request takes when all is well a target may spend on its own work."""
_REFUSALS = frozenset({400, 401, 403, 404, 405, 409, 410, 415, 418, 422})


def never_5xx(facts: Facts) -> Iterator[Violation]:
    """No answer is a 5xx other than 503 (G9)."""
    for request in facts.requests:
        status = request.status
        if status is not None and status >= 500 and status != 503:
            yield Violation(
                promise="never 5xx",
                about=request.sent.stream,
                claims=("G9",),
                at_s=request.sent.at_s,
                says=f"{stream_request(request)} was answered {status}",
                request=request.sent.id,
            )
            return


def unanswered(facts: Facts) -> Iterator[Violation]:
    """No connection is dropped in a client's face (G9)."""
    for request in facts.requests:
        answer = request.answered
        if answer is not None and answer.status is None and not facts.excused(request):
            yield Violation(
                promise="never dropped",
                about=request.sent.stream,
                claims=("G9",),
                at_s=request.sent.at_s,
                says=f"{stream_request(request)} got no answer: {answer.error}",
                request=request.sent.id,
            )
            return


def hung(facts: Facts) -> Iterator[Violation]:
    """No request takes longer than the sum of its calls' deadlines and backoffs (B8, G9)."""
    for request in facts.requests:
        offered = facts.offered(request)
        end_s = min(request.end_s, facts.history.end_s)
        took_s = end_s - request.sent.at_s
        calls_s = longest_s(facts, offered)
        most_s = calls_s + _OWN_WORK * offered.healthy_s + _MARGIN_S
        if not calls_s or took_s <= most_s + facts.slack_s(request.sent.at_s, end_s):
            continue
        yield Violation(
            promise="no hang",
            about=slowest(facts, offered),
            claims=("B8", "G9"),
            at_s=request.sent.at_s,
            says=f"{stream_request(request)} took {took_s:.1f} s, more than {most_s:.1f} s",
            request=request.sent.id,
            evidence="; ".join(facts.queues(offered)),
        )
        return


def longest_s(facts: Facts, offered: Offered) -> float:
    """The longest that a stream's calls to faulted upstreams may take; others are quick."""
    return sum(
        facts.settings(upstream).longest_call_s
        for upstream, _ in offered.calls
        if upstream in facts.faulted
    )


def slowest(facts: Facts, offered: Offered) -> str:
    """The faulted upstream that a stream depends on, by which hangs are told apart."""
    hit = [name for name in offered.upstreams if name in facts.faulted]
    return hit[-1] if hit else offered.stream


def unflagged(facts: Facts) -> Iterator[Violation]:
    """A chat says that it had to do without chroma (G5)."""
    for request in facts.requests:
        if not facts.offered(request).says_degraded or request.status != 200:
            continue
        start_s, end_s = request.sent.at_s, request.end_s
        without = facts.broken_throughout("chroma", "POST /query", start_s, end_s)
        if not without or request.field("degraded") is not False:
            continue
        yield Violation(
            promise="degraded is said",
            about="chroma",
            claims=("G5",),
            at_s=start_s,
            says=f"{stream_request(request)} said degraded: false while chroma was down",
            request=request.sent.id,
        )
        return


def wrong_answer(facts: Facts) -> Iterator[Violation]:
    """An answer has a status that its route may give while these upstreams fail (G1 to G6)."""
    seen: Counter[tuple[str, int]] = Counter()
    for request in facts.requests:
        status = request.status
        if status is None or (status >= 500 and status != 503):
            continue
        offered = facts.offered(request)
        if offered.kind == "unknown":
            continue  # what it may answer is not known
        if status in allowed_statuses(facts, offered) or facts.excused(request):
            continue
        seen[offered.stream, status] += 1
        if seen[offered.stream, status] > 1:
            continue
        broken = ", ".join(facts.faulted) or "nothing"
        yield Violation(
            promise=f"never {status}",
            about=offered.stream,
            claims=_claims(offered),
            at_s=request.sent.at_s,
            says=f"{stream_request(request)} was answered {status}, with {broken} failing",
            request=request.sent.id,
        )


def _claims(offered: Offered) -> tuple[str, ...]:
    claim = {"chat": "G4", "login": "G1", "project": "G3"}.get(offered.kind)
    if claim is not None:
        return (claim,)
    return ("G6",) if offered.upstreams[-1:] not in ((), ("auth",)) else ("G2",)


def allowed_statuses(facts: Facts, offered: Offered) -> frozenset[int]:
    """What a sound target may answer, given which upstreams fail in the scenario at all."""
    hit = set(facts.faulted)
    allowed = {offered.healthy, 429}
    if offered.kind == "login":
        if "auth" in hit:
            allowed.add(503)
            if _answers_falsely(facts, "auth"):
                allowed |= _REFUSALS
        return frozenset(allowed)
    if "auth" in hit:
        allowed.add(401)
        if offered.kind == "project":
            allowed.add(403)
            if _answers_falsely(facts, "auth"):
                allowed.add(404)
    services = [name for name in offered.upstreams if name not in ("auth", "billing", "chroma")]
    for name in services:
        if name in hit:
            allowed.add(503)
            if _answers_falsely(facts, name):
                allowed |= _REFUSALS
    if offered.kind == "chat":
        allowed.add(402)  # a balance may be used up
    return frozenset(allowed)


def _answers_falsely(facts: Facts, upstream: str) -> bool:
    """Whether a fault makes the upstream itself say something else, which may be passed on."""
    return any(
        KINDS[facts.scenario.faults[index].KIND.name].new == "otherwise"
        for index in facts.faults_on(upstream)
    )
