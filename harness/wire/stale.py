"""Kept connections that were cut while nobody used them: who takes one next fails, and unseen.

A client of what isn't HTTP seldom looks whether a connection of its pool still stands; what it asks
on one that doesn't never crosses the wire.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right

from harness.history.view import History
from harness.wire.connections import Connections


class Stale:
    """The connections of one upstream that were cut while idle, until others took their place."""

    def __init__(self, history: History, upstream: str) -> None:
        self._cut_s: list[float] = []
        self._accepted_s: list[float] = []
        if upstream in history.run.tcp:
            crossed = Connections.of(history, upstream)
            self._cut_s = crossed.cut_idle(-math.inf)
            accepted = crossed.all("accepted", -math.inf)
            self._accepted_s = [crossed.at_s[place] for place in accepted]

    def may_fail(self, asked_s: float, by_s: float) -> bool:
        """Whether who asked between two instants may have taken one: there were more of them than
        connections made since.
        """
        cut = bisect_right(self._cut_s, by_s)
        if not cut:
            return False
        made = bisect_left(self._accepted_s, asked_s)
        return cut > made - bisect_right(self._accepted_s, self._cut_s[0])
