"""Invariants of answers: statuses that no outage excuses, answers that never come, hangs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from harness.explore.evidence import Evidence
from harness.explore.phrasing import around, number_of, stream_request
from harness.explore.surface import Offered
from harness.explore.violation import Violation
from harness.history.view import Request
from harness.units import format_duration

_MARGIN_S = 0.6
"""Beyond the sum of the deadlines, before an answer is called late."""
_REFUSALS = frozenset({400, 401, 403, 404, 405, 409, 410, 415, 418, 422})


def never_5xx(evidence: Evidence) -> Iterator[Violation]:
    """No answer is a 5xx other than 503 (G9)."""
    for request in evidence.requests:
        status = request.status
        if status is not None and status >= 500 and status != 503:
            stream = request.sent.stream
            yield Violation(
                invariant="never 5xx",
                about=evidence.route_name(request),
                claims=("G9",),
                at_s=request.sent.at_s,
                says=f"{stream_request(request)} was answered {status}",
                request=request.sent.id,
                expectations=(
                    {"never": {"status": "5xx", "except": 503}, "claims": ["G9"]},
                    {"traffic": stream, "status": _allowed_list(evidence, request)},
                ),
            )
            return


def unanswered(evidence: Evidence) -> Iterator[Violation]:
    """No connection is dropped in a client's face (G9)."""
    for request in evidence.requests:
        answer = request.answered
        if answer is not None and answer.status is None:
            yield Violation(
                invariant="never dropped",
                about=evidence.route_name(request),
                claims=("G9",),
                at_s=request.sent.at_s,
                says=f"{stream_request(request)} got no answer: {answer.error}",
                request=request.sent.id,
                expectations=(
                    {"never": {"status": ["error", "5xx"], "except": 503}, "claims": ["G9"]},
                ),
            )
            return


def hung(evidence: Evidence) -> Iterator[Violation]:
    """No request takes longer than the sum of its calls' deadlines and backoffs (B8, G9)."""
    for request in evidence.requests:
        offered = evidence.offered(request)
        assert offered is not None
        most_s = longest_s(evidence, offered) + _MARGIN_S + evidence.tie_s
        took_s = request.service_s
        if math.isinf(took_s):
            took_s = evidence.history.end_s - request.sent.at_s
        if took_s <= most_s:
            continue
        stream = request.sent.stream
        bound = format_duration(math.ceil(most_s))
        expectation = {
            "traffic": stream,
            "requests": f"{number_of(request)}",
            "latency": f"< {bound}",
            "claims": ["B8", "G9"],
            "because": "that is the sum of its calls' deadlines and backoffs",
        }
        yield Violation(
            invariant="no hang",
            about=stream_upstream(evidence, offered),
            claims=("B8", "G9"),
            at_s=request.sent.at_s,
            says=f"{stream_request(request)} took {took_s:.1f} s, more than {most_s:.1f} s",
            request=request.sent.id,
            expectations=(expectation,),
        )
        return


def unflagged(evidence: Evidence) -> Iterator[Violation]:
    """A chat says that it had to do without chroma (G5)."""
    for request in evidence.requests:
        offered = evidence.offered(request)
        if offered is None or not offered.says_degraded or request.status != 200:
            continue
        without = evidence.broken_throughout(
            "chroma", "POST /query", request.sent.at_s, request.end_s, request.sent.user
        )
        if not without or request.field("degraded") is not False:
            continue
        yield Violation(
            invariant="degraded is said",
            about="chroma",
            claims=("G5",),
            at_s=request.sent.at_s,
            says=f"{stream_request(request)} said degraded: false while chroma was down",
            request=request.sent.id,
            expectations=(
                {
                    "traffic": request.sent.stream,
                    "requests": f"{number_of(request)}",
                    "json": {"degraded": True},
                    "claims": ["G5"],
                },
            ),
        )
        return


def longest_s(evidence: Evidence, offered: Offered) -> float:
    """The longest that a route's calls to faulted upstreams may take together; others are quick."""
    return sum(
        evidence.settings(upstream).longest_call_s
        for upstream, _ in offered.calls
        if upstream in evidence.faulted
    )


def stream_upstream(evidence: Evidence, offered: Offered) -> str:
    """The faulted upstream that a route depends on, by which hangs are told apart."""
    hit = [name for name in offered.upstreams if name in evidence.faulted]
    return hit[-1] if hit else offered.route.name


def wrong_answer(evidence: Evidence) -> Iterator[Violation]:
    """An answer has a status that its route may give while these upstreams fail (G1 to G6)."""
    seen: Counter[tuple[str, int]] = Counter()
    for request in evidence.requests:
        status = request.status
        if status is None or (status >= 500 and status != 503):
            continue
        allowed = allowed_statuses(evidence, request)
        if status in allowed:
            continue
        name = evidence.route_name(request)
        seen[name, status] += 1
        if seen[name, status] > 1:
            continue
        broken = ", ".join(evidence.faulted) or "nothing"
        yield Violation(
            invariant=f"never {status}",
            about=name,
            claims=_claims(evidence, request),
            at_s=request.sent.at_s,
            says=f"{stream_request(request)} was answered {status}, with {broken} failing",
            request=request.sent.id,
            expectations=(
                {
                    "traffic": request.sent.stream,
                    "status": _allowed_list(evidence, request),
                    "claims": list(_claims(evidence, request)),
                },
                {
                    "traffic": request.sent.stream,
                    "during": around(request.sent.at_s, request.sent.at_s),
                    "status": _allowed_list(evidence, request),
                },
            ),
        )


def _claims(evidence: Evidence, request: Request) -> tuple[str, ...]:
    offered = evidence.offered(request)
    assert offered is not None
    own = {"chat": "G4", "chat_bob": "G4", "login": "G1", "wrong_password": "G1"}
    own |= {"project": "G3", "stranger": "G3"}
    claim = own.get(offered.route.name)
    if claim is not None:
        return (claim,)
    return ("G6",) if offered.upstreams[-1:] not in ((), ("auth",)) else ("G2",)


def _allowed_list(evidence: Evidence, request: Request) -> list[int]:
    # 429 and 5xx of a limit aren't what an author would expect; they stay allowed where drawn.
    few = allowed_statuses(evidence, request)
    offered = evidence.offered(request)
    assert offered is not None
    odd = few - {offered.route.healthy, 401, 403, 503} if len(few) > 6 else frozenset()
    return sorted(few - odd)


def allowed_statuses(evidence: Evidence, request: Request) -> frozenset[int]:
    """What a sound target may answer, given which upstreams fail in the scenario at all."""
    offered = evidence.offered(request)
    assert offered is not None
    route, hit = offered.route, set(evidence.faulted)
    allowed = {route.healthy}
    if route.name in ("login", "wrong_password"):
        allowed.add(429)
        if "auth" in hit:
            allowed.add(503)
            if _answers_falsely(evidence, "auth"):
                allowed |= _REFUSALS
        return frozenset(allowed)
    if "auth" in hit:
        allowed.add(401)
        if route.name in ("project", "stranger"):
            allowed.add(403)
            if _answers_falsely(evidence, "auth"):
                allowed.add(404)
    services = [name for name in offered.upstreams if name not in ("auth", "billing", "chroma")]
    for name in services:
        if name in hit:
            allowed.add(503)
            if _answers_falsely(evidence, name):
                allowed |= _REFUSALS
    return frozenset(allowed)


def _answers_falsely(evidence: Evidence, upstream: str) -> bool:
    """Whether a fault makes the upstream itself say something else, which may be passed on."""
    return any(
        evidence.scenario.faults[index].KIND.new == "otherwise"
        for index in evidence.faults_on(upstream)
    )
