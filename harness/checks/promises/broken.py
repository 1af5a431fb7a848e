"""Which faults kept calls from succeeding, as the scenario says and as they were played."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property

from harness.checks.case import Case
from harness.history.view import FaultWindow
from harness.routes import route_matches
from harness.scenario.faults import KINDS
from harness.scenario.faults.base import FaultBase
from harness.wire.learned import CLOCK_S


class Broken:
    """The faults of one run, by the upstreams that they hit."""

    def __init__(self, case: Case) -> None:
        self._case = case

    def faults_on(self, upstream: str) -> tuple[FaultBase, ...]:
        """The faults that are to hit an upstream."""
        faults = self._case.scenario.faults
        return tuple(faults[index] for index in self._faults_on.get(upstream, ()))

    @cached_property
    def _faults_on(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = defaultdict(list)
        for index, fault in enumerate(self._case.scenario.faults):
            for upstream in dict.fromkeys(fault.upstreams):
                found[upstream].append(index)
        return found

    @cached_property
    def _windows(self) -> dict[int, FaultWindow]:
        return {window.fault: window for window in self._case.history.faults}

    def throughout(
        self, upstream: str, route: str, start_s: float, end_s: float, user: str | None = None
    ) -> bool:
        """Whether one fault kept every call of a route from succeeding, from start to end."""
        path = route.partition(" ")[2]
        return any(
            (fault.on is None or route_matches(fault.on, route, path))
            and fault.hits_each
            and (fault.spoils or (user is not None and fault.revoked == user))
            for fault in self.lasting(upstream, start_s, end_s)
        )

    def lasting(self, upstream: str, start_s: float, end_s: float) -> Iterator[FaultBase]:
        """The faults on an upstream that surely were in force, and let nothing through that they
        held back, from start to end.
        """
        for index in self._faults_on.get(upstream, ()):
            window = self._windows.get(index)
            if window is None or not self._covers(index, window, start_s, end_s):
                continue
            if not self._let_through(upstream, window, start_s, end_s):
                yield self._case.scenario.faults[index]

    def _covers(self, index: int, window: FaultWindow, start_s: float, end_s: float) -> bool:
        """Whether a fault was surely in force all that time."""
        if start_s + 1e-6 < window.start_s or window.end_s < end_s:
            return False  # no lateness makes it so
        begun_s = window.start_s + self._case.late_at_s(start_s)
        lifted_s = min(window.end_s, self._case.scenario.fault_end_s(index))
        return begun_s <= start_s + 1e-6 and end_s + self._case.late_at_s(end_s) <= lifted_s

    def _let_through(
        self, upstream: str, window: FaultWindow, start_s: float, end_s: float
    ) -> bool:
        """Whether a proxy may have let through what a fault held back, as toxics beside it came or
        went in that time: these hand on what waits (Toxiproxy 2.12).
        """
        kind = KINDS[window.name]
        if kind.where != "proxy" or kind.lift != "delivers":
            return False
        low_s, high_s = start_s - CLOCK_S, end_s + self._case.late_at_s(end_s)
        return any(
            low_s <= at_s <= high_s
            for beside in self._case.history.faults_on(upstream)
            if beside.fault != window.fault and KINDS[beside.name].where == "proxy"
            for at_s in (beside.start_s, beside.end_s)
        )
