"""What was seen of a world that is held open: lanes without a scenario's traffic or a judgement.

Whoever works against it sends what they like, so nothing is expected and no breaker is inferred:
the target's own word for its breakers is shown, and how each upstream's calls were answered.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from harness.frozen import Frozen
from harness.history.calls import Call
from harness.history.events import Event, Reported
from harness.history.requests import Request
from harness.history.view import History
from harness.lanes import Lane, Scale
from harness.units import Range

_SHORTEST_S = 10.0


class Force(Frozen, kw_only=True):
    """A fault that was brought into force."""

    label: str
    start_s: float
    end_s: float | None = None
    """None as long as it lasts."""


def watched(
    events: Sequence[Event],
    forces: Sequence[Force],
    *,
    until_s: float,
    columns: int,
    last_s: float = math.inf,
) -> tuple[Lane, ...]:
    """Faults, breakers as reported, calls and answers, from 0s (when all was up) until now.

    Of the last `last_s` seconds only, where that is less.
    """
    from_s = max(0.0, until_s - last_s)
    scale = Scale(max(min(until_s, last_s), _SHORTEST_S), columns, from_s)
    history = History([event for event in events if event.at_s >= from_s])
    spells: dict[str, list[tuple[float, float]]] = {}
    for force in forces:
        end_s = until_s if force.end_s is None else force.end_s
        if end_s >= from_s:
            spells.setdefault(force.label, []).append((force.start_s, end_s))
    return (
        scale.axis(),
        *(scale.fault(label, *several) for label, several in spells.items()),
        *_upstreams(events, history, scale, until_s),
        *_streams(history, scale),
    )


def _upstreams(
    events: Sequence[Event], history: History, scale: Scale, until_s: float
) -> Iterator[Lane]:
    reports = [event for event in events if isinstance(event, Reported) and event.at_s >= 0]
    names = [call.called.upstream for call in history.calls]
    opened = [event.upstream for event in reports if event.state != "closed"]
    for name in dict.fromkeys((*opened, *names)):
        if name in opened:
            own = [event for event in reports if event.upstream == name]
            yield scale.breaker(f"{name} reported", _spells(own, until_s))
        calls = history.calls_to(name)
        if calls:
            yield scale.answers(f"{name} calls", ((call.at_s, _mark(call)) for call in calls))


def _spells(reports: Sequence[Reported], until_s: float) -> Iterator[tuple[Range, Range]]:
    """When the target said that a breaker isn't closed, as far as it was looked at."""
    begun: Range | None = None
    for event in reports:
        at = Range(event.since_s, event.at_s)
        if event.state != "closed":
            begun = begun or at
        elif begun is not None:
            yield begun, at
            begun = None
    if begun is not None:
        yield begun, Range(until_s, until_s)


def _streams(history: History, scale: Scale) -> Iterator[Lane]:
    """What was sent of the scenario's own traffic, as far as it was answered."""
    found: dict[str, list[Request]] = {}
    for request in history.requests:
        found.setdefault(request.stream, []).append(request)
    for name, requests in found.items():
        answered = [each for each in requests if not each.unanswered]
        yield scale.answers(name, ((each.at_s, _digit(each.status)) for each in answered))


def _mark(call: Call) -> str:
    return _digit(None if call.replied is None else call.replied.status)


def _digit(status: int | None) -> str:
    return "x" if status is None else str(status)[0]
