"""What connections alone tell of attempts, where nothing was asked on them or nobody saw it."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence

from harness.history.columns import column, taken
from harness.history.events import Crossed
from harness.history.view import FaultWindow
from harness.scenario.faults import KINDS
from harness.wire.attempts import EITHER, FAILURE, Attempt, bare
from harness.wire.sight import Sight

_AT_ONCE_S = 0.02
"""Nobody gives an answer up so soon."""


def by_connection(
    crossed: Sequence[Crossed],
) -> tuple[Sequence[Crossed], Iterator[tuple[int, int]]]:
    """What crossed a proxy, by connection and then as it came, and from where to where each
    connection reaches; what belongs to none is left out.
    """
    numbers = list(column(crossed, "connection"))
    order = array("I", sorted(range(len(numbers)), key=numbers.__getitem__))
    return taken(crossed, order), _spans([numbers[place] for place in order])


def _spans(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    first = 0
    for place in range(1, len(numbers) + 1):
        if place == len(numbers) or numbers[place] != numbers[first]:
            if numbers[first]:
                yield first, place
            first = place


def closed_unasked(events: Sequence[Crossed]) -> tuple[float, float] | None:
    """When a connection was accepted and closed by the far side before any request."""
    closed = next((e for e in events if e.what == "closed"), None)
    if closed is None or closed.closed_by == "client" or events[0].what != "accepted":
        return None
    return events[0].at_s, closed.at_s


def says_goodbye(events: Sequence[Crossed]) -> bool:
    """Whether a client that had been answered spoke once more and closed at once: it can't have
    wanted an answer to that.
    """
    if len(events) < 3:
        return False
    before, said, closed = events[-3:]
    goodbye = (before.what, said.what, closed.what) == ("response", "request", "closed")
    by_client = closed.closed_by == "client"
    return goodbye and by_client and closed.at_s - said.at_s <= _AT_ONCE_S


def unheard(
    events: Sequence[Crossed], sight: Sight, timeout_s: float, slowing: Sequence[FaultWindow]
) -> Iterator[Attempt]:
    """A connection of a service that doesn't speak HTTP, on which nothing was asked.

    Where the service speaks first (mail, some databases), who is kept waiting for its greeting asks
    nothing; an idle connection of a pool in health asks nothing either, and is no attempt.
    """
    at_s = events[0].at_s
    if events[0].what != "accepted":
        return  # it was there before 0s
    closed = next((e for e in events if e.what == "closed"), None)
    deadline_s = at_s + timeout_s
    ended_s = deadline_s if closed is None else min(closed.at_s, deadline_s)
    dead, holding = closed_unasked(events), sight.holding(at_s)
    slowed = any(f.meets(at_s, ended_s) for f in slowing)
    if dead is None and holding is None and not slowed:
        return
    open_ = dead is None and holding is None  # whether its greeting came is not known
    if holding is not None and KINDS[holding.name].lift == "delivers":
        open_ = open_ or holding.end_s < ended_s
    from_s = at_s if open_ or dead is not None else ended_s
    yield bare(at_s, ended_s, "proxy", from_s=from_s, results=EITHER if open_ else FAILURE)
