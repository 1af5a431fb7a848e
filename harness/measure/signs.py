"""Signs that a breaker is open: a request that makes no attempt, a call that is cut short."""

from __future__ import annotations

from harness.frozen import Frozen
from harness.measure.bench import Bench
from harness.measure.experiment import Course
from harness.measure.reading import Reading, Seen


class Opened(Frozen, kw_only=True):
    """An opening that was seen, and how it can be had again."""

    kind: str
    calls: int
    """How many calls led to it, of those that make it again."""
    last_tries: int
    """How many attempts the last of them made; 0 where they overlapped."""
    trip_s: float
    """When it opened, at the latest."""
    unsure_s: float = 0.0
    """How much earlier that may have been."""
    again: Course
    """What makes it again; all calls of it are over at its end."""


def turned_away(seen: Seen) -> bool:
    """Whether a request was answered without any attempt at the upstream."""
    return not seen.tries


def cut_short(bench: Bench, kind: str, seen: Seen) -> bool:
    """Whether a call that met a kind gave up before its last attempt: it opened under way."""
    return 0 < len(seen.tries) < bench.tries[kind]


def opened_in(bench: Bench, kind: str, reading: Reading) -> tuple[int, Seen] | None:
    """How many calls that met a kind opened it, and the last of them; None where none did.

    A call that is cut short tells of it as well as one that is turned away; the next one may come
    when it is half open already.
    """
    for index, one in enumerate(reading.seen):
        if turned_away(one):
            return None if index == 0 else (index, reading.seen[index - 1])
        if cut_short(bench, kind, one):
            return index + 1, one
    return None
