"""What a run shows of the calls at an upstream in a span, and what of it nobody could see.

Counted where they enter its proxy if that records requests, else where its stub got them. A port
that refuses shows nobody's calls: that part of a window proves nothing, and only the rest is
judged.
"""

from __future__ import annotations

from collections import Counter

from harness.checks.case import Case
from harness.checks.selection import Span, requests_in, span_of
from harness.checks.slipping import Slipped, slipped
from harness.checks.visibility import Visibility, visibility
from harness.frozen import Frozen
from harness.history.requests import Request
from harness.history.view import History
from harness.routes import route_matches
from harness.scenario.expectations.called import OfCalls
from harness.units import plural
from harness.wire.attempts import Attempt

_SOURCES = {
    "proxy": "entering the proxy",
    "stub": "at the stub",
    "connection": "connections only, as nothing else could be seen",
}


class Called(Frozen, kw_only=True):
    """What a run shows of calls in a span."""

    upstream: str
    on: str | None
    span: Span
    visibility: Visibility
    calls: tuple[Attempt, ...]
    streams: tuple[str, ...]
    """Those whose warm-up reached the upstream."""
    requests: tuple[Request, ...]
    """Of these streams, sent where calls could be seen."""
    nobodys: int
    """Calls that no request caused, which are not counted."""
    slipped: Slipped

    @property
    def of_route(self) -> str:
        """` of GET /rate`, to follow the word for calls; empty where any route counts."""
        return f" of {self.on}" if self.on else ""

    @property
    def partly_unseen(self) -> str:
        """Why it isn't told how many calls there were, where some were hidden."""
        return f"what was called in {self.visibility.unseen} could not be seen"

    @property
    def _nobody_seen(self) -> str:
        seen = self.visibility
        return f"nobody's calls can be seen in {seen.unseen}, because of {seen.faults}"

    @property
    def proves_nothing(self) -> str | None:
        """Why it says nothing that few calls were seen; None where it does."""
        if not self.span.windows:
            return self.span.nothing
        if not self.visibility.visible:
            if not self.visibility.hidden:
                return "the run had ended by then"
            return self._nobody_seen
        if not self.streams:
            return (
                f"the warm-up showed no call{self.of_route} at {self.upstream}, so that none is "
                "seen proves nothing"
            )
        if not self.requests:
            return f"no request that would need {self.upstream} was sent in {self.visibility.shown}"
        return None

    @property
    def untold(self) -> str | None:
        """Why there may have been more calls than were seen; None where there weren't."""
        if self.proves_nothing is not None and not self.calls:
            return self.proves_nothing
        return self.partly_unseen if self.visibility.hidden else None

    def evidence(self, history: History) -> str:
        """By what the calls are known."""
        sources = Counter(call.source for call in self.calls)
        default = "proxy" if "proxy requests" in history.run.evidence else "stub"
        words = " and ".join(_SOURCES.get(name, name) for name in sources or (default,))
        parts = [f"counted {words}"]
        sent = plural(len(self.requests), "request")
        parts.append(f"{sent} of {', '.join(self.streams) or 'no stream'} sent meanwhile")
        if self.visibility.hidden and not self.calls:
            parts.append(f"judged in {self.visibility.shown} only: {self._nobody_seen}")
        if self.nobodys:
            parts.append(f"{plural(self.nobodys, 'call')} that no request caused left out")
        if self.span.inferred:
            parts.append(self.span.inferred)
        return "; ".join(parts)


def called(expectation: OfCalls, case: Case) -> Called:
    """What is seen of the calls that an expectation is about."""
    upstream, on = expectation.upstream, expectation.on
    span, wire = span_of(expectation, case), case.wire(upstream)
    visible = visibility(span, wire.sight.hiding, case.history.end_s)
    # An open breaker has no say in the retries of calls that it let through before.
    unasked = wire.unasked if while_open(expectation) else ()
    made = [
        attempt
        for attempt in (*wire.attempts, *(wire.background if on else ()))
        if attempt.source != "latency" and _is_on(attempt, on) and attempt.id not in unasked
    ]
    calls = tuple(attempt for attempt in made if attempt.start_s in span)
    nobodys = [a for a in wire.background if a.start_s in span and not on]
    streams = case.witness.warm_up.reaching(upstream, on)
    requests = tuple(
        request
        for request in requests_in(case, span)
        if request.stream in streams and request.at_s in visible
    )
    return Called(
        upstream=upstream,
        on=on,
        span=span,
        visibility=visible,
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


def while_open(expectation: OfCalls) -> bool:
    """Whether it is about the time in which the upstream's own breaker is open."""
    condition = expectation.while_
    return (
        condition is not None
        and condition.state == "open"
        and condition.upstream == expectation.upstream
    )


def _is_on(attempt: Attempt, on: str | None) -> bool:
    # A bare connection may be anything: it counts rather than passes unseen.
    if on is None or not attempt.route:
        return True
    return route_matches(on, attempt.route, attempt.route.partition(" ")[2])
