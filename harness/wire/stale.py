"""Kept connections that were cut while nobody used them: who takes one next fails, and unseen.

A client of what isn't HTTP seldom looks whether a connection of its pool still stands; what it asks
on one that doesn't never crosses the wire.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict

from harness.history.events import Crossed
from harness.history.view import History


class Stale:
    """The connections of one upstream that were cut while idle, until others took their place."""

    def __init__(self, history: History, upstream: str) -> None:
        self._cut_s: list[float] = []
        self._accepted_s: list[float] = []
        if upstream not in history.run.tcp:
            return
        by_connection: dict[int, list[Crossed]] = defaultdict(list)
        for event in history.crossings:
            if event.upstream == upstream and event.connection:
                by_connection[event.connection].append(event)
        for events in by_connection.values():
            self._accepted_s += [e.at_s for e in events if e.what == "accepted"]
            self._cut_s += [e.at_s for e in events[-1:] if _cut_idle(events)]
        self._cut_s.sort()
        self._accepted_s.sort()

    def may_fail(self, asked_s: float, by_s: float) -> bool:
        """Whether who asked between two instants may have taken one: there were more of them than
        connections made since.
        """
        cut = bisect_right(self._cut_s, by_s)
        if not cut:
            return False
        made = bisect_left(self._accepted_s, asked_s)
        return cut > made - bisect_right(self._accepted_s, self._cut_s[0])


def _cut_idle(events: list[Crossed]) -> bool:
    """Whether it was answered before, and then closed by another than its client."""
    return (
        len(events) > 1
        and events[-1].what == "closed"
        and events[-1].closed_by != "client"
        and events[-2].what == "response"
    )
