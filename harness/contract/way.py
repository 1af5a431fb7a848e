"""The way to one upstream in virtual time: its proxy, its service, and every fault on it."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Protocol

from harness.contract.attempt import Attempt
from harness.contract.chance import Chance
from harness.contract.service import Service
from harness.faults import TOXICS, Placed
from harness.scenario.faults import FaultBase
from harness.scenario.faults.row import ToxicUse


class Clock(Protocol):
    """Virtual time."""

    @property
    def now_s(self) -> float:
        """The present instant."""

    def at(self, at_s: float, act: Callable[[], None]) -> None:
        """Do something then."""


class Way:
    """The proxy in front of one upstream, and the service behind it."""

    def __init__(
        self,
        clock: Clock,
        chance: Chance,
        changes_s: Sequence[float] = (),
    ) -> None:
        """`changes_s`: when faults begin here and are lifted."""
        self.clock = clock
        self.request_bytes = chance.request_bytes
        self.rng = chance.rng
        self._between_s = chance.between_changes_s
        self._changes_s = sorted(changes_s)
        self._in_force = 0
        self._ordered: deque[Callable[[], None]] = deque()
        self.service = Service(chance.rng, chance.draw, lambda: clock.now_s)
        self.chains: dict[str, list[Placed]] = {"upstream": [], "downstream": []}
        self.refused_by: set[int] = set()
        self.cut_off_by: set[int] = set()
        self.unanswered_by: set[int] = set()
        self.dead = False
        self.paused = False
        self.held: list[Callable[[], None]] = []
        """What the service does when it goes on, if it is paused."""
        self.open: dict[Attempt, None] = {}

    def expect(self, change_s: float) -> None:
        """A fault will begin here then, or be lifted."""
        insort(self._changes_s, change_s)

    def steady(self, for_s: float) -> bool:
        """Whether no fault begins or is lifted from now on for so long."""
        now_s = self.clock.now_s
        index = bisect_left(self._changes_s, now_s)
        return index == len(self._changes_s) or self._changes_s[index] > now_s + for_s

    @property
    def calm(self) -> bool:
        """Whether no fault is in force and nothing is under way."""
        return not (self._in_force or self._ordered or self.open)

    @property
    def plain(self) -> bool:
        """Whether nothing is in the way of a connection that is made now."""
        return not (self.paused or self._ordered or any(self.chains.values()))

    def apply(self, index: int, fault: FaultBase) -> None:
        """Fault number `index` comes into force."""
        self._in_force += 1
        match fault.where:
            case "stub":
                self.service.begin(index, fault)
            case "connect":
                self.unanswered_by.add(index)
                self._drop_all()
            case "process":
                self._to_process(index, fault)
            case "proxy":
                self._to_proxy(index, fault)
            case _:
                pass

    def lift(self, index: int, fault: FaultBase) -> None:
        """Fault number `index` is lifted."""
        self._in_force -= 1
        self.service.end(index)
        for attempt in list(self.open):
            if attempt.sent is not None and attempt.sent.held_by == index:
                attempt.released()
        self.refused_by.discard(index)
        self.unanswered_by.discard(index)
        if index in self.cut_off_by:
            self.cut_off_by.discard(index)
            self._drop_all()
        if fault.where == "process":
            if "kill" in fault.KIND.process:
                self.dead = False
            if "pause" in fault.KIND.process:
                self._resume()
        elif fault.where == "proxy":
            self._order(partial(self._remove, name) for name in _names(index, fault))

    def _order(self, changes: Iterable[Callable[[], None]]) -> None:
        """Have the proxy change, one call after the other: what one sets free may be answered
        before the next, or after.
        """
        idle = not self._ordered
        self._ordered.extend(changes)
        if idle and self._ordered:
            self._next_change()

    def _next_change(self) -> None:
        self._ordered[0]()
        self._ordered.popleft()
        if self._ordered:
            self.clock.at(self.clock.now_s + self._between_s(), self._next_change)

    def _to_process(self, index: int, fault: FaultBase) -> None:
        for verb in fault.KIND.process:
            if verb == "kill":
                self.dead, self.paused = True, False
                self.held.clear()
                self.service.restarted()
                for attempt in list(self.open):
                    attempt.service_died()
            elif verb == "revive":
                self.dead = False
            elif verb == "disable":
                self.refused_by.add(index)
                self._drop_all()
            elif verb == "pause":
                self.paused = True

    def _resume(self) -> None:
        self.paused = False
        held, self.held = self.held, []
        for act in held:
            act()

    def _to_proxy(self, index: int, fault: FaultBase) -> None:
        if fault.KIND.proxy == "disabled":
            self.refused_by.add(index)
            self._drop_all()
        elif fault.KIND.proxy == "cut off":
            self.cut_off_by.add(index)
            self._drop_all()
        named = zip(_names(index, fault), fault.toxics(), strict=True)
        self._order(partial(self._add, name, toxic) for name, toxic in named)

    def _add(self, name: str, toxic: ToxicUse) -> None:
        cls = TOXICS[toxic.type]
        settings = {
            each.field: toxic.attributes.get(each.name, each.default) for each in cls.ATTRIBUTES
        }
        placed = Placed(name=name, toxic=cls(**settings), toxicity=toxic.toxicity)
        self.chains[toxic.stream].append(placed)
        for attempt in list(self.open):
            attempt.toxic_added(toxic.stream, placed)

    def _remove(self, name: str) -> None:
        for stream, chain in self.chains.items():
            if any(placed.name == name for placed in chain):
                self.chains[stream] = [placed for placed in chain if placed.name != name]
                for attempt in list(self.open):
                    attempt.toxic_removed(stream, name)

    def _drop_all(self) -> None:
        for attempt in list(self.open):
            attempt.dropped()


def _names(index: int, fault: FaultBase) -> list[str]:
    return [f"f{index}_{number}" for number, _ in enumerate(fault.toxics())]
