"""Invariants of retries: as many as promised, a second apart, and none of what was answered.

Only requests that were alone are judged, since attempts don't say for whom they are made.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from harness.explore.evidence import Evidence
from harness.explore.phrasing import number_of, stream_request, window
from harness.explore.violation import RawExpectation, Violation
from harness.explore.wire import Attempt, Result
from harness.history.view import Request
from harness.units import format_duration

_EARLY_S = 0.12
_LATE_S = 0.7


def retries(evidence: Evidence) -> Iterator[Violation]:
    """A call makes at most n attempts, 1, 2, 4 s apart, and none after an answer (B1, B7)."""
    found: set[tuple[str, str]] = set()
    for request in evidence.requests:
        if request.answered is None or not evidence.alone(request):
            continue
        offered = evidence.offered(request)
        assert offered is not None
        for upstream in offered.upstreams:
            if evidence.blind(upstream):
                continue
            for violation in _of_calls(evidence, request, upstream):
                if violation.key not in found:
                    found.add(violation.key)
                    yield violation
        for violation in _idle(evidence, request):
            if violation.key not in found:
                found.add(violation.key)
                yield violation


def _of_calls(evidence: Evidence, request: Request, upstream: str) -> Iterator[Violation]:
    offered = evidence.offered(request)
    assert offered is not None
    usual = Counter(name for name, _ in offered.calls)
    by_route: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in evidence.made_for(request, upstream):
        # A refused connect doesn't say what it was for; it is told only where one call is made.
        if not attempt.path and usual[upstream] > 1:
            return
        by_route[attempt.route.strip() if attempt.path else ""].append(attempt)
    if "" in by_route and len(by_route) > 1:
        return
    for attempts in by_route.values():
        yield from _of_call(evidence, request, upstream, attempts)


def _of_call(
    evidence: Evidence, request: Request, upstream: str, attempts: Sequence[Attempt]
) -> Iterator[Violation]:
    own = evidence.settings(upstream)
    for number, (earlier, later) in enumerate(pairwise(attempts), start=1):
        gap_s = later.start_s - earlier.end_s
        when = window(earlier.start_s - 0.1, later.start_s + 0.3)
        if earlier.result in (Result.NEUTRAL, Result.SUCCESS) and (earlier.status or 0) >= 400:
            yield _violation(
                request,
                upstream,
                "never retried what was answered",
                ("B1",),
                f"called {upstream} again at {later.start_s:.2f} s, after an answer of "
                f"{earlier.status}",
                {"during": when, "upstream": upstream, "calls": "<= 1",
                 "because": "a 4xx is an answer, and is never retried"},
            )  # fmt: skip
        if earlier.result is not Result.FAILURE:
            return
        if number >= own.attempts:
            yield _violation(
                request,
                upstream,
                "no more attempts than promised",
                ("B7",),
                f"made attempt number {number + 1} at {upstream}; {own.attempts} is the most",
                {"during": when, "upstream": upstream, "calls": f"<= {own.attempts}"},
                {"during": window(request.sent.at_s - 0.1, later.start_s + 0.3),
                 "upstream": upstream, "calls": f"<= {own.attempts}"},
            )  # fmt: skip
            return
        backoff_s = own.backoff_s(number)
        if gap_s < backoff_s - _EARLY_S - evidence.tie_s / 2:
            yield _violation(
                request,
                upstream,
                "backoff between attempts",
                ("B7",),
                f"called {upstream} again {gap_s:.2f} s after attempt {number} had failed, "
                f"not {backoff_s:g} s",
                {"during": window(earlier.start_s - 0.1, earlier.end_s + backoff_s - _EARLY_S),
                 "upstream": upstream, "calls": "<= 1",
                 "because": f"the next attempt comes {backoff_s:g} s after the failure"},
                {"traffic": request.sent.stream, "requests": str(number_of(request)),
                 "latency": f">= {format_duration(backoff_s - 0.1)}"},
            )  # fmt: skip
        elif gap_s > backoff_s + _LATE_S + evidence.tie_s:
            high_s = max(0.2, earlier.end_s - request.sent.at_s + backoff_s + _LATE_S)
            yield _violation(
                request,
                upstream,
                "backoff between attempts",
                ("B7",),
                f"called {upstream} again {gap_s:.2f} s after attempt {number} had failed, "
                f"not {backoff_s:g} s",
                {"during": window(earlier.end_s + 0.3, earlier.end_s + backoff_s + _LATE_S),
                 "upstream": upstream, "calls": ">= 1"},
                {"traffic": request.sent.stream, "requests": str(number_of(request)),
                 "latency": f"< {format_duration(round(high_s, 2))}"},
            )  # fmt: skip


def _idle(evidence: Evidence, request: Request) -> Iterator[Violation]:
    """No wait after the last attempt: there is nothing left to wait for (B7)."""
    offered = evidence.offered(request)
    assert offered is not None
    if any(evidence.blind(upstream) for upstream in offered.upstreams):
        return
    attempts = [(a, name) for name in offered.upstreams for a in evidence.made_for(request, name)]
    if not attempts:
        return
    last, upstream = max(attempts, key=lambda pair: pair[0].end_s)
    tries = sum(a.route == last.route and name == upstream for a, name in attempts)
    if tries < evidence.settings(upstream).attempts:
        return  # it may have waited for another attempt, which the breaker then refused (B6)
    last_s = last.end_s
    idle_s = request.end_s - last_s
    hit = [name for name in offered.upstreams if name in evidence.faulted]
    unsure = any(a.result is None for a, _ in attempts)
    if idle_s < _LATE_S + evidence.tie_s or unsure or not hit:
        return
    took_s = last_s - request.sent.at_s + 0.5
    yield _violation(
        request,
        hit[-1],
        "no wait after the last attempt",
        ("B7",),
        f"was answered {idle_s:.2f} s after the last attempt for it had ended",
        {"traffic": request.sent.stream, "requests": str(number_of(request)),
         "latency": f"< {format_duration(round(took_s, 1))}"},
    )  # fmt: skip


def _violation(
    request: Request,
    upstream: str,
    invariant: str,
    claims: tuple[str, ...],
    says: str,
    *expectations: RawExpectation,
) -> Violation:
    return Violation(
        invariant=invariant,
        about=upstream,
        claims=claims,
        at_s=request.sent.at_s,
        says=f"{stream_request(request)} {says}",
        request=request.sent.id,
        expectations=tuple({"claims": list(claims), **raw} for raw in expectations),
    )
