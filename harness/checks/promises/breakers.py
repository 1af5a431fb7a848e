"""The promise of breakers: a sound one explains all that crossed the wire (B1 to B6, B12).

Held only where every attempt was seen, with its beginning and its end. Connections and latency
alone (a real Toxiproxy, a port that refuses outside of the simulation) leave attempts to be
guessed: there instants are told, with their bounds, and nobody is accused of an event.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.checks.keeping import broken_by, request_of, says
from harness.checks.promises.facts import OWN_WORK, Facts
from harness.checks.promises.violation import Violation
from harness.contracts.promises import REJECTS_AT_ONCE, TELLS_STATES
from harness.wire.causes import Cause
from harness.wire.demand import AT_ONCE_S
from harness.wire.states import Refutation

_MOST_NAMED = 2
_NAMES = {
    "while open": "no traffic while open",
    "two probes": "one probe",
    "turned away": "nobody turned away while closed",
    "no probe": "a probe when it is due",
}


def breaker(facts: Facts) -> Iterator[Violation]:
    """What crosses the wire is what a sound breaker would let through (B1 to B6)."""
    for upstream in filter(facts.sees_all, facts.upstreams):
        refutation = facts.wire(upstream).refutation
        if refutation is not None:
            yield _violation(facts, upstream, refutation)


def slow_rejection(facts: Facts) -> Iterator[Violation]:
    """Whoever meets an open breaker goes on at once (B3)."""
    for upstream in filter(facts.sees_all, facts.upstreams):
        wire = facts.wire(upstream)
        for demand in wire.demands:
            request = demand.request
            if demand.attempts or request.stream not in facts.streams:
                continue
            if not facts.met_open(request, upstream):
                continue
            took_s = demand.asked_by_s - demand.asked_s
            own_s = OWN_WORK * facts.offered(request).healthy_s
            slack_s = facts.slack_s(request.at_s, request.end_s)
            if took_s <= AT_ONCE_S + own_s + slack_s:
                continue
            claims = facts.claims(REJECTS_AT_ONCE)
            says = f"waited {took_s:.2f} s although the breaker of {upstream} was open"
            yield Violation.of(request, "rejected at once", upstream, claims, says)
            break


def status_endpoint(facts: Facts) -> Iterator[Violation]:
    """The status endpoint shows what crossed the wire (B12)."""
    for upstream in filter(facts.sees_all, facts.upstreams):
        wire = facts.wire(upstream)
        conflicts = wire.changes.conflicts
        if conflicts:
            rivals = wire.truthful
            breaks = dict.fromkeys(name for cause in rivals for name in cause.breaks)
            yield Violation(
                promise="a truthful status endpoint",
                about=upstream,
                claims=facts.claims(*breaks, TELLS_STATES),
                at_s=0.0,
                says="; ".join(conflicts),
                evidence=_or_true(rivals),
            )


def _or_true(rivals: Sequence[Cause]) -> str:
    """What else it would be that is wrong; empty where nothing else can be."""
    told = [one.says for one in rivals[:_MOST_NAMED]]
    more = f", or is one of {len(rivals) - len(told)} others" if len(rivals) > len(told) else ""
    return f"or it tells the truth, and {' or '.join(told)}{more}" if told else ""


def _violation(facts: Facts, upstream: str, found: Refutation) -> Violation:
    wire = facts.wire(upstream)
    told = wire.told
    request = request_of(told, found)
    return Violation(
        promise=_NAMES[found.wrong],
        about=upstream,
        claims=facts.claims(*broken_by(facts.case, told, found)),
        at_s=found.at_s,
        says=says(told, found, request),
        request=None if request is None else request.id,
        evidence="; ".join(wire.hints),
    )
