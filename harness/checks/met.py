"""How many calls one fault met, by whatever saw them.

A stub says of each call which faults changed what becomes of it. What happens on the network, or to
a process, is counted by what crossed the upstream's proxy while it lasted, and by what was under
way when it began.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from harness.frozen import Frozen
from harness.history.calls import Call
from harness.history.connections import Connections
from harness.history.view import FaultWindow, History
from harness.scenario import faults
from harness.scenario.faults import KINDS, Fault
from harness.units import Window
from harness.verdict import Hits

_IN_VAIN = ("refused", "unanswered")


class Struck(Frozen, kw_only=True):
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


class Count(Frozen, kw_only=True):
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
        crossed = self._history.connections_at(upstream)
        kind, evidence = KINDS[self._fault.fault], self._history.run.evidence
        if "proxy requests" in evidence:
            met = sum(self._during(crossed, what) for what in _IN_VAIN) + self._asked(crossed)
            met += self._unasked(crossed, waits=upstream in self._history.run.tcp)
            sees_all = not kind.invisible or "refused connects" in evidence
        else:
            met = max(self._during(crossed, "accepted"), self._at_stub(upstream))
            sees_all = not kind.silent
        toxicity = getattr(self._fault, "toxicity", 1.0)
        if met and toxicity < 1:
            note = f"drawn for {toxicity:.0%} of the connections, nobody records for which"
            return Count(met=None, note=note)
        if met or sees_all:
            return Count(met=met, at_least=not sees_all)
        shows = "a refused port" if kind.invisible else "a connection that was kept open"
        return Count(met=None, note=f"{shows} shows nobody")

    def _during(self, crossed: Connections, what: str) -> int:
        """How many events of a kind there were while it lasted."""
        return sum(1 for _ in self._within(crossed, what))

    def _within(self, crossed: Connections, what: str) -> Iterator[int]:
        """The events of a kind since 0s while it lasted."""
        window = self._struck.window
        return crossed.all(what, max(0.0, window.start_s), window.end_s)

    def _asked(self, crossed: Connections) -> int:
        """Requests that entered the proxy, or were under way."""
        found = 0
        for place in crossed.all("request", -math.inf, self._struck.window.end_s):
            after = crossed.after(place, "response", "closed")
            cut = after is not None and crossed.closed_by[after] not in (None, "client")
            end_s = None if after is None else crossed.at_s[after]
            found += self._meets(crossed.at_s[place], end_s, cut=cut)
        return found

    def _unasked(self, crossed: Connections, *, waits: bool) -> int:
        """Connections that it turned away; `waits`: for the service to speak first, which it may
        have kept from it.
        """
        found = 0
        for place in self._within(crossed, "accepted"):
            after = next(crossed.on(place), None)
            if after is None or crossed.what[after] != "closed":
                found += waits and after is None
            else:
                found += waits or crossed.closed_by[after] != "client"
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
