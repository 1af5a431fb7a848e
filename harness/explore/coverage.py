"""What an exploration has been through: breaker states, fault kinds, routes, and what never met."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from msgspec import Struct, field

from harness.checks.case import Case
from harness.contracts import Contract
from harness.explore.player import Seen
from harness.scenario.faults import KINDS

_CHANGES = ("closed>open", "open>half_open", "half_open>closed", "half_open>open")
Pair = tuple[str, str]


class Coverage(Struct):
    """Counts over plays."""

    plays: int = 0
    requests: int = 0
    changes: Counter[Pair] = field(default_factory=Counter)
    """By upstream and change of state."""
    faults: Counter[Pair] = field(default_factory=Counter)
    """By upstream and kind."""
    routes: Counter[str] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)
    """Plays that went wrong by themselves and prove nothing, by what happened."""

    def add(self, seen: Seen) -> None:
        """Count one play."""
        history = seen.history
        self.plays += 1
        if history.troubles:
            self.troubles[history.troubles[0]] += 1
            return
        self.requests += len(history.requests)
        names = {flow.name: flow.route for flow in seen.outage.flows}
        self.routes.update(names[request.stream] for request in history.requests)
        for upstream in history.run.upstreams:
            self.changes.update((upstream, change) for change in _reached(seen.case, upstream))
        for fault in seen.case.scenario.faults:
            self.faults.update((upstream, fault.fault) for upstream in fault.upstreams)

    def merge(self, other: Coverage) -> None:
        """Add another's counts."""
        self.plays += other.plays
        self.requests += other.requests
        self.changes.update(other.changes)
        self.faults.update(other.faults)
        self.routes.update(other.routes)
        self.troubles.update(other.troubles)

    def never_reached(self, upstreams: tuple[str, ...]) -> tuple[str, ...]:
        """Changes of state that no play reached: `mail half_open>open`."""
        return tuple(
            f"{upstream} {change}"
            for upstream in upstreams
            for change in _CHANGES
            if not self.changes[upstream, change]
        )

    def never_met(
        self, upstreams: tuple[str, ...], contract: Contract
    ) -> dict[str, tuple[str, ...]]:
        """For each upstream the kinds of fault that never hit it, of those the simulation can."""
        kinds = [
            name for name, kind in KINDS.items() if "sim" in kind.engines and kind.where != "target"
        ]
        token = contract.vouching("token")
        known = None if token is None else token.upstream
        missing = {
            upstream: tuple(
                kind
                for kind in kinds
                if not self.faults[upstream, kind] and (kind != "revoke" or upstream == known)
            )
            for upstream in upstreams
        }
        return {upstream: kinds for upstream, kinds in missing.items() if kinds}


def _reached(case: Case, upstream: str) -> set[str]:
    """The changes of state of a breaker, as `closed>open`."""
    states = ["closed", *(change.state for change in case.wire(upstream).transitions)]
    return {f"{before}>{after}" for before, after in pairwise(states)}
