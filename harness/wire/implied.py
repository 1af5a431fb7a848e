"""Attempts that left no trace, and that a wait gives away.

A failed attempt costs its backoff where a port refuses; one on a connection from before a silent
fault its deadline, where the proxy tells of new connections only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from harness.policy.settings import ServiceSettings
from harness.wire.attempts import FAILURE, Attempt, bare
from harness.wire.demand import NEARLY, Demand
from harness.wire.sight import Sight


class Implied:
    """What must have happened where nothing could be seen.

    `of`: the attempts of each request that are known, by its id and by upstream.
    """

    def __init__(
        self,
        settings: Mapping[str, ServiceSettings],
        sights: Mapping[str, Sight],
        of: Mapping[int, Mapping[str, Sequence[Attempt]]],
    ) -> None:
        self._settings = settings
        self._sights = sights
        self._of = of

    def by(self, demand: Demand, upstream: str) -> Attempt | None:
        """The next attempt of a call that must have been made, unseen; None if there is none."""
        own, made = self._settings[upstream], [a for a in demand.attempts if not a.old]
        tries = len(made)
        if demand.outcome == "turned away" or demand.loose or tries >= own.attempts:
            return None
        first = self._given_up_before(demand, upstream)
        if first is not None:
            return first
        at_s, by_s = demand.asked_s, demand.asked_by_s
        if tries:
            last = made[-1]
            if last.results != FAILURE:
                return None
            at_s, by_s = last.end_s + own.backoff_s(tries), demand.request.end_s
        found = self._at(upstream, at_s, by_s, tries)
        return None if found is None else replace(found, request=demand.request.id)

    def _given_up_before(self, demand: Demand, upstream: str) -> Attempt | None:
        """An attempt that must have been waited for in vain before the first one that was seen."""
        if demand.outcome != "made":
            return None
        began_s = demand.attempts[0].start_s
        mine = self._of[demand.request.id]
        before = (a for name, own in mine.items() if name != upstream for a in own)
        ends_s = [a.end_s for a in before if a.start_s < began_s]
        asked_s = max([demand.request.at_s, *ends_s])
        failed_s = self._sights[upstream].given_up_s(asked_s, self._settings[upstream].timeout_s)
        if failed_s is None or began_s <= failed_s:
            return None
        return replace(bare(asked_s, failed_s, "latency"), request=demand.request.id)

    def _at(self, upstream: str, at_s: float, by_s: float, tries: int) -> Attempt | None:
        """An attempt that must have begun then, given until when its request took; else None."""
        own, sight = self._settings[upstream], self._sights[upstream]
        end_s = sight.given_up_s(at_s, own.timeout_s)
        if end_s is not None:
            if sight.requests and not sight.is_hidden(at_s):
                return None  # it would have been seen
            if by_s - at_s < NEARLY * (end_s - at_s):
                return None
            return bare(at_s, min(end_s, by_s), "latency")  # nobody waits longer than that
        if not sight.is_hidden(at_s) or tries + 1 >= own.attempts:
            return None
        pause_s = own.backoff_s(tries + 1)
        if pause_s <= sight.late_s(at_s, at_s + pause_s):
            return None  # a wait of none at all, full jitter's least, gives nothing away
        return bare(at_s, at_s, "latency") if by_s >= at_s + NEARLY * pause_s else None
