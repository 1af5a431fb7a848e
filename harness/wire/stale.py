"""Kept connections that were cut while nobody used them: who takes one next fails, and unseen.

What is asked on one that stands no longer never crosses the wire. Most clients look whether it
does, and are too late only as it is being cut (`swallowed`); one of what isn't HTTP seldom looks
(`Stale`).
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import chain

from harness.history.spans import Spans
from harness.history.view import History
from harness.wire.attempts import Attempt
from harness.wire.demand import Demand
from harness.wire.learned import CLOCK_S
from harness.wire.sight import Sight


class Stale:
    """The connections of one upstream that were cut while idle, until others took their place."""

    def __init__(self, history: History, upstream: str) -> None:
        self._cut_s: list[float] = []
        self._accepted_s: list[float] = []
        if upstream in history.run.tcp:
            crossed = history.connections_at(upstream)
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


def swallowed(
    history: History,
    upstream: str,
    demands: Sequence[Demand],
    attempts: Sequence[Attempt],
    sight: Sight,
    soonest_s: float,
) -> list[float]:
    """When an attempt may have been made that nobody saw: on a connection just being cut.

    At most one for each such connection, and for each request under way without an attempt.
    `soonest_s`: how soon after one that failed its call makes another, which is that one no more.
    """
    found: list[float] = []
    cut_s = history.connections_at(upstream).cut_idle()
    if not cut_s:
        return _on_kept(history, upstream, demands, sight)
    needing = Spans(
        (d.request.at_s, d.request.end_s)
        for d in demands
        if d.outcome in ("unknown", "turned away", "made")
    )
    begun = Spans((a.start_s, a.start_s) for a in attempts)
    for at_s in cut_s:
        slack_s = sight.slack_s(at_s, at_s)
        could = needing.touching(at_s, at_s + slack_s)
        seen = begun.touching(at_s - CLOCK_S, at_s + min(slack_s, soonest_s))
        told = len(found) - bisect_left(found, at_s - sight.fine_s)
        if could > seen + told:
            found.append(at_s)
    return found


def _on_kept(
    history: History, upstream: str, demands: Sequence[Demand], sight: Sight
) -> list[float]:
    """When an attempt may have failed at once on a connection from before the fault that met it,
    where the proxy tells of new connections only: of who was seen to call later than it could
    have, or not at all. At most one for each connection that may have been kept, and none once a
    new one was asked for: who does that has none of those left.
    """
    found: list[float] = []
    crossed = history.connections_at(upstream)
    accepted_s = [crossed.at_s[place] for place in crossed.all("accepted", -math.inf)]
    for fault in sight.ending_kept:
        before = bisect_right(accepted_s, fault.began_s)
        new_s = min([*accepted_s[before : before + 1], fault.end_s])
        met = (d for d in demands if fault.began_s <= d.request.at_s <= new_s)
        slack_s = sight.slack_s(fault.began_s, new_s)
        belated = (d for d in met if not d.attempts or d.asked_s > d.request.at_s + slack_s)
        asked_s = [d.request.at_s if d.attempts else d.asked_s for d in belated]
        found += asked_s[: max(0, before - len(found))]
    return sorted(found)


def cut_last_s(history: History, upstream: str, by_s: float) -> float | None:
    """When the last of them was cut that somebody may have taken by then; None where there was
    none, or a connection was asked for since: who does that has none of those left.
    """
    crossed = history.connections_at(upstream)
    cut_s = max((at_s for at_s in crossed.cut_idle() if at_s <= by_s), default=None)
    made = chain(crossed.all("accepted"), crossed.all("refused"))
    if cut_s is None or any(cut_s < crossed.at_s[place] <= by_s for place in made):
        return None
    return cut_s
