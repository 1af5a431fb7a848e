"""How many calls one fault met, by whatever saw them.

A stub says of each call which faults changed what becomes of it. What happens on the network, or to
a process, is counted by what crossed the upstream's proxy while it lasted, and by what was under
way when it began.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter

from harness.history.calls import Call
from harness.history.columns import column, taken
from harness.history.events import Crossed
from harness.history.view import FaultWindow, History
from harness.scenario import faults
from harness.scenario.faults import KINDS, Fault
from harness.units import Window
from harness.verdict import Hits

_at_s = attrgetter("at_s")
_IN_VAIN = ("refused", "unanswered")


@dataclass(frozen=True, slots=True, kw_only=True)
class Struck:
    """A fault that came into force, on those of its upstreams that the target has."""

    real: FaultWindow
    fault: Fault
    upstreams: tuple[str, ...]
    window: Window
    """From when on it was confirmed to be in force."""

    @property
    def low(self) -> float:
        """The number of the first call that it picks."""
        return 1 if self.fault.counted is None else self.fault.counted.low


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Calls that were met (None: nothing can tell), and whether these are all."""

    met: int | None
    at_least: bool = False
    note: str = ""


def total(counts: Sequence[Count | Hits]) -> Count:
    """Several counts together: unknown only where none of them is known to have met anybody."""
    met = sum(count.met or 0 for count in counts)
    unknown = any(count.met is None for count in counts)
    more = any(count.at_least for count in counts) or (unknown and met > 0)
    note = "" if met else next((count.note for count in counts if count.note), "")
    return Count(met=None if unknown and not met else met, at_least=more, note=note)


class Counter:
    """Counts the calls that one fault met."""

    def __init__(self, history: History, struck: Struck) -> None:
        self._history = history
        self._struck = struck
        self._fault = struck.fault

    @property
    def count(self) -> Count:
        """All that it met, over its upstreams."""
        by = self._by_stub if self._fault.where == "stub" else self._by_wire
        return total([by(name) for name in self._struck.upstreams])

    def _by_stub(self, upstream: str) -> Count:
        """What the stub says that it did."""
        own = self._struck.real.mark
        calls = self._history.calls_to(upstream)
        met = sum(own in (call.called.met or ()) and self._took_effect(call) for call in calls)
        silent = [c for c in calls if c.called.met is None and c.at_s in self._struck.window]
        if not met and silent:
            return Count(met=None, note="the stub doesn't say what it did with a call")
        return Count(met=met)

    def _took_effect(self, call: Call) -> bool:
        """A body that ends before the point where it was to be cut off arrives whole."""
        whole = call.replied is not None and call.replied.outcome == "sent"
        return not (isinstance(self._fault, faults.Truncate) and whole)

    def _by_wire(self, upstream: str) -> Count:
        crossed = self._by_then(self._history.crossings_at(upstream))
        kind, evidence = KINDS[self._fault.fault], self._history.run.evidence
        if "proxy requests" in evidence:
            met = self._in_vain(crossed) + self._crossed(crossed)
            sees_all = not kind.invisible or "refused connects" in evidence
        else:
            accepted = sum(c.what == "accepted" and c.at_s in self._struck.window for c in crossed)
            met = max(accepted, self._at_stub(upstream))
            sees_all = not kind.silent
        toxicity = getattr(self._fault, "toxicity", 1.0)
        if met and toxicity < 1:
            note = f"drawn for {toxicity:.0%} of the connections, nobody records for which"
            return Count(met=None, note=note)
        if met or sees_all:
            return Count(met=met, at_least=not sees_all)
        shows = "a refused port" if kind.invisible else "a connection that was kept open"
        return Count(met=None, note=f"{shows} shows nobody")

    def _by_then(self, crossed: Sequence[Crossed]) -> Sequence[Crossed]:
        """What crossed on connections that were there before it was lifted."""
        until = bisect_right(crossed, self._struck.window.end_s, key=_at_s)
        numbers = list(column(crossed, "connection"))
        known = set(numbers[:until])
        later = (k for k in range(until, len(numbers)) if numbers[k] in known)
        return taken(crossed, chain(range(until), later))

    def _in_vain(self, crossed: Sequence[Crossed]) -> int:
        return sum(c.what in _IN_VAIN and c.at_s in self._struck.window for c in crossed)

    def _crossed(self, crossed: Sequence[Crossed]) -> int:
        """Requests that entered the proxy, or were under way; connections that it turned away."""
        found = 0
        for events in _by_connection(crossed):
            found += sum(self._meets(*each) for each in _requests(events))
            first, last = events[0], events[-1]
            unasked = first.what == "accepted" and all(e.what == "closed" for e in events[1:])
            turned_away = last.what == "closed" and last.closed_by != "client"
            waits = first.upstream in self._history.run.tcp  # for the service to speak first
            if unasked and (turned_away or waits) and first.at_s in self._struck.window:
                found += 1
        return found

    def _at_stub(self, upstream: str) -> int:
        spans = (
            (call.at_s, None if call.replied is None else call.replied.at_s)
            for call in self._history.calls_to(upstream)
        )
        return sum(self._meets(*each, cut=False) for each in spans)

    def _meets(self, start_s: float, end_s: float | None, cut: bool) -> bool:
        """Whether a call begins while it lasts, or is under way when it comes and ended by it."""
        span = self._struck.window
        if start_s >= span.start_s:
            return start_s in span
        under_way_s = self._struck.real.began_s if cut else span.start_s
        return end_s is None or end_s > under_way_s or (cut and end_s == under_way_s)


def _by_connection(crossed: Sequence[Crossed]) -> list[list[Crossed]]:
    found: dict[int, list[Crossed]] = defaultdict(list)
    for event in crossed:
        if event.what not in _IN_VAIN:
            found[event.connection].append(event)
    return list(found.values())


def _requests(events: Sequence[Crossed]) -> list[tuple[float, float | None, bool]]:
    """When each request of a connection came in; when its answer began or it was cut off (True)."""
    found: list[tuple[float, float | None, bool]] = []
    for event in events:
        if event.what == "request":
            found.append((event.at_s, None, False))
        elif found and found[-1][1] is None and event.what in ("response", "closed"):
            cut = event.what == "closed" and event.closed_by != "client"
            found[-1] = (found[-1][0], event.at_s, cut)
    return found
