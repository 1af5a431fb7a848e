"""How what crossed a connection says that an attempt on it ended."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from harness.history.columns import Coded
from harness.history.connections import Connections
from harness.history.view import FaultWindow
from harness.scenario.faults import KINDS


class Ending(NamedTuple):
    """How an attempt ended on its connection."""

    at_s: float
    """When its answer's first bytes passed, or its client heard that it was closed."""
    status: int | None
    answered: bool
    passed_s: float
    """When its client may have heard at the earliest that it was closed."""
    gone_s: float
    """When nothing more of its answer can have come."""


class Endings:
    """How attempts ended at one upstream's proxy.

    `status`: of each answer, by the place of what crossed. `slowing`: those of the faults that let
    data pass late, or bit by bit.
    """

    def __init__(
        self,
        crossed: Connections,
        status: Coded[int | None],
        faults: Sequence[FaultWindow],
        slowing: Sequence[FaultWindow],
    ) -> None:
        self._crossed = crossed
        self._what, self._at_s = crossed.what, crossed.at_s
        self._status = status
        self._slowing = slowing
        self._silent = [f for f in faults if KINDS[f.name].new in ("silent", "late")]
        self._holding = [*self._silent, *slowing]
        self._drawn = [f for f in faults if KINDS[f.name].drawn]
        self._mute = [f for f in faults if KINDS[f.name].running == "silent"]

    def of(self, place: int) -> Ending:
        """What crossed a request's connection until the next request there."""
        end_s, status, answered = math.inf, None, False
        passed_s, gone_s = math.inf, math.inf
        for after in self._crossed.on(place):
            what, at_s = self._what[after], self._at_s[after]
            if what == "request":
                gone_s = min(gone_s, at_s)
                break
            if what == "response" and not answered:
                end_s, status, answered = at_s, self._status[after], True
            elif what == "closed":
                by = self._crossed.closed_by[after]
                heard_s = self._heard_s(at_s, by)
                gone_s = min(gone_s, heard_s)
                if not answered:
                    end_s, passed_s = min(end_s, heard_s), min(passed_s, self._passes_s(at_s, by))
        return Ending(end_s, status, answered, passed_s, gone_s)

    def _heard_s(self, at_s: float, closed_by: str | None) -> float:
        """When a client hears at the latest that its connection is closed, which data held back
        goes before.
        """
        if closed_by == "client" or not any(f.holds(at_s) for f in self._holding):
            return at_s
        if any(f.holds(at_s) for f in self._slowing):
            return math.inf
        return max((f.end_s for f in self._silent if f.holds(at_s)), default=at_s)

    def _passes_s(self, at_s: float, closed_by: str | None) -> float:
        """When a client may hear of it at the earliest: at once, where the proxy itself may have
        closed both sides, or the fault that holds back data may have been drawn for some
        connections only, or holds back no close that nothing was said before.
        """
        at_once = closed_by == "proxy" or any(f.holds(at_s) for f in self._drawn)
        at_once = at_once or not any(f.holds(at_s) for f in self._mute)
        return at_s if at_once else math.inf
