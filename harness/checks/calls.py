"""Expectations on how many calls an upstream got.

Counted where they enter its proxy if that records requests, else where its stub got them. A port
that refuses shows nobody's calls: that part of a window proves nothing, and only the rest is
judged. That there were none proves something only if requests were sent meanwhile whose like was
seen to reach the upstream in the warm-up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from harness.checks.case import Case
from harness.checks.proof import reaching
from harness.checks.selection import Span, requests_in, span_of
from harness.checks.sight import Sight, sight
from harness.checks.slipping import Slipped, slipped
from harness.checks.wording import counted, plural, seconds
from harness.history.view import History, Request
from harness.routes import route_matches
from harness.scenario.expectations.calls import ExpectCalls
from harness.units import Range
from harness.verdict import Finding, Verdict
from harness.wire.attempts import Attempt

_MOST_INSTANTS = 3
_SOURCES = {
    "proxy": "entering the proxy",
    "stub": "at the stub",
    "connection": "connections only, as nothing else could be seen",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What a run shows of calls in a span."""

    upstream: str
    span: Span
    sight: Sight
    calls: tuple[Attempt, ...]
    streams: tuple[str, ...]
    """Those whose warm-up reached the upstream."""
    requests: tuple[Request, ...]
    """Of these streams, sent where calls could be seen."""
    nobodys: int
    """Calls that no request caused, which are not counted."""
    slipped: Slipped


def check(expectation: ExpectCalls, case: Case) -> tuple[Finding, ...]:
    """One finding: the number of calls, and by what it is known."""
    seen = _see(expectation, case)
    verdict, why = _judge(expectation.calls, seen, expectation.on)
    what = counted(expectation.calls, "call")
    what += "" if expectation.on is None else f" of {expectation.on}"
    return (
        Finding(
            name=f"{expectation.upstream} gets {what} {seen.span.words}",
            claims=case.claims(expectation),
            verdict=verdict,
            expected=counted(expectation.calls, "call"),
            observed=_observed(seen.calls),
            evidence=why or _evidence(case.history, seen),
            because=expectation.because,
        ),
    )


def _see(expectation: ExpectCalls, case: Case) -> _Seen:
    history, upstream = case.history, expectation.upstream
    span, wire = span_of(expectation, case), case.wire(upstream)
    visible = sight(case, span, upstream, wire.sight.hides)
    made = [
        attempt
        for attempt in (*wire.attempts, *(wire.background if expectation.on else ()))
        if attempt.source != "latency" and _is_on(attempt, expectation.on)
    ]
    calls = tuple(attempt for attempt in made if attempt.start_s in span)
    nobodys = [a for a in wire.background if a.start_s in span and not expectation.on]
    streams = reaching(history, upstream, expectation.on)
    requests = tuple(
        request
        for request in requests_in(case, span)
        if request.sent.stream in streams and request.sent.at_s in visible
    )
    return _Seen(
        upstream=upstream,
        span=span,
        sight=visible,
        calls=calls,
        streams=streams,
        requests=requests,
        nobodys=len(nobodys),
        slipped=slipped(
            case,
            span,
            upstream,
            [attempt.start_s for attempt in made],
            [(r, [attempt.start_s for attempt in wire.made_for(r)]) for r in requests],
            most=wire.settings.attempts,
        ),
    )


def _is_on(attempt: Attempt, on: str | None) -> bool:
    # A bare connection may be anything: it counts rather than passes unseen.
    if on is None or not attempt.route:
        return True
    return route_matches(on, attempt.route, attempt.route.partition(" ")[2])


def _judge(wanted: Range, seen: _Seen, on: str | None) -> tuple[Verdict, str | None]:
    """The verdict, and why where it is inconclusive."""
    count = len(seen.calls)
    if count - seen.slipped.in_ > wanted.high:
        return Verdict.FAILED, None
    if count >= wanted.low > 0 and (wanted.high == float("inf") or not seen.sight.hidden):
        return Verdict.PASSED, None
    if not seen.span.windows:
        return Verdict.INCONCLUSIVE, seen.span.nothing
    if not seen.sight.visible:
        if not seen.sight.hidden:
            return Verdict.INCONCLUSIVE, "the run had ended by then"
        return Verdict.INCONCLUSIVE, (
            f"nobody's calls can be seen in {seen.sight.unseen}, because of {seen.sight.faults}"
        )
    if not seen.streams:
        route = f" of {on}" if on else ""
        return Verdict.INCONCLUSIVE, (
            f"the warm-up showed no call{route} at {seen.upstream}, so that none is seen "
            "proves nothing"
        )
    if not seen.requests:
        return Verdict.INCONCLUSIVE, (
            f"no request that would need {seen.upstream} was sent in {seen.sight.shown}"
        )
    if seen.sight.hidden and wanted.low > 0:
        return Verdict.INCONCLUSIVE, f"what was called in {seen.sight.unseen} could not be seen"
    too_few = count + seen.slipped.out < wanted.low
    return (Verdict.FAILED if too_few else Verdict.PASSED), None


def _observed(calls: Sequence[Attempt]) -> str:
    if not calls:
        return "0 calls"
    shown = ", ".join(seconds(call.start_s) for call in calls[:_MOST_INSTANTS])
    more = ", ..." if len(calls) > _MOST_INSTANTS else ""
    return f"{plural(len(calls), 'call')}, at {shown}{more}"


def _evidence(history: History, seen: _Seen) -> str:
    sources = Counter(call.source for call in seen.calls)
    default = "proxy" if "proxy requests" in history.run.evidence else "stub"
    words = " and ".join(_SOURCES.get(name, name) for name in sources or (default,))
    parts = [f"counted {words}"]
    sent = plural(len(seen.requests), "request")
    parts.append(f"{sent} of {', '.join(seen.streams) or 'no stream'} sent meanwhile")
    if seen.sight.hidden and not seen.calls:
        parts.append(
            f"judged in {seen.sight.shown} only: nobody's calls can be seen in "
            f"{seen.sight.unseen}, because of {seen.sight.faults}"
        )
    if seen.nobodys:
        parts.append(f"{plural(seen.nobodys, 'call')} that no request caused left out")
    if seen.span.inferred:
        parts.append(seen.span.inferred)
    return "; ".join(parts)
