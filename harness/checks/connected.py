"""The connections to an upstream as its proxy saw them, from accepting each to its close.

Overlaps and gaps shorter than `SWAP_S` (and than the machine was late) are none: whoever replaces
a connection closes one and opens another in either order. While a fault holds back or slows what
passes, a proxy may hear late that the target closed: until then it is not known whether it did.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from harness.checks.case import Case
from harness.checks.selection import Span
from harness.frozen import Frozen
from harness.scenario.faults import KINDS
from harness.units import Window

SWAP_S = 0.05
"""How long two connections may seem to be open together, or none, while one takes another's
place, in seconds."""


class Connection(Frozen):
    """One connection: when it was accepted, and when it ended at the earliest and the latest."""

    start_s: float
    ends_from_s: float
    end_s: float


def connections(upstream: str, case: Case) -> tuple[Connection, ...]:
    """All connections to an upstream, those from before 0s too, by when they were accepted."""
    crossed = case.history.connections_at(upstream)
    holding = [
        fault.start_s
        for fault in case.history.faults_on(upstream)
        if KINDS[fault.name].running in ("late", "slow")
    ]
    found = []
    for place in crossed.all("accepted", -math.inf):
        start_s, closed = crossed.at_s[place], crossed.first(place, "closed")
        end_s = case.history.end_s if closed is None else crossed.at_s[closed]
        ends_from_s = end_s
        if closed is not None and crossed.closed_by[closed] == "client":
            held = (at_s for at_s in holding if at_s < end_s)
            ends_from_s = max(start_s, min((end_s, *held)))
        found.append(Connection(start_s, ends_from_s, end_s))
    return tuple(found)


def why_untold(upstream: str, found: Sequence[Connection], span: Span, case: Case) -> str | None:
    """Why connections say nothing here; None where they do."""
    evidence = case.history.run.evidence
    if not span.windows:
        return span.nothing
    if not {"proxy requests", "proxy connections"} & set(evidence):
        return "the proxy doesn't tell of connections"
    if not found:
        return f"no connection to {upstream} was ever seen, so it proves nothing that there is none"
    return None


def windows(span: Span, case: Case) -> Iterator[Window]:
    """The windows of a span, no longer than the play."""
    for window in span.windows:
        start_s, end_s = max(0.0, window.start_s), min(window.end_s, case.scenario.duration)
        if start_s < end_s:
            yield Window(start_s, end_s)


def counts(
    spans: Iterable[tuple[float, float]], within: Iterable[Window]
) -> Iterator[tuple[int, float]]:
    """How many spans hold an instant of some windows, and the instant: at the beginning of each
    window and wherever the number changes. A span leaves out its end.
    """
    steps: Counter[float] = Counter()
    for start_s, end_s in spans:
        if start_s < end_s:
            steps[start_s] += 1
            steps[end_s] -= 1
    changes = sorted(steps.items())
    for window in within:
        now = sum(step for at_s, step in changes if at_s <= window.start_s)
        yield now, window.start_s
        for at_s, step in changes:
            if window.start_s < at_s < window.end_s:
                now += step
                yield now, at_s
