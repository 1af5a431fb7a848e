"""The way to one upstream in virtual time: its proxy, its service, and every fault on it."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from typing import Protocol

from harness.contract.attempt import Attempt
from harness.contract.chance import Chance
from harness.contract.service import Service
from harness.faults import TOXICS, Placed
from harness.scenario.faults import FaultBase


class Clock(Protocol):
    """Virtual time."""

    @property
    def now_s(self) -> float:
        """The present instant."""

    def at(self, at_s: float, act: Callable[[], None]) -> None:
        """Do something then."""


class Wire:
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
        self._step_s = chance.jitter_s
        self._changes_s = sorted(changes_s)
        self._in_force = 0
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
        return not (self._in_force or self.open)

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
        self._take_out(_names(index, fault) if fault.where == "proxy" else [])

    def _take_out(self, names: Sequence[str]) -> None:
        """A fault's last step: its toxics go one after the other, each by a call to the proxy.

        A request that one sets free may be answered before the next one goes, or after.
        """
        for name in names[:1]:
            self._remove(name)
        if names[1:]:
            self.clock.at(self.clock.now_s + self._step_s(), lambda: self._take_out(names[1:]))
        else:
            self._in_force -= 1

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
        for name, toxic in zip(_names(index, fault), fault.toxics(), strict=True):
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
