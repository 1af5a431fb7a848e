"""Events after which faults begin: heard of in what is recorded, while it is recorded.

A breaker's state is told by the target's status endpoint where it declares one, else by its log
where that has a pattern for it, else by attempts as they cross the wire, counted as the declared
policy counts them. Nothing here judges: a history keeps when each event was known, and by what
(`Triggered`), and `settled` is the scenario as it was then played.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from harness.history.events import Called, Crossed, Event, Logged, Replied, Reported, Run, Triggered
from harness.history.view import History
from harness.policy.breaker import Breaker, Pass
from harness.policy.counting import endings_of, plainly
from harness.policy.settings import ServiceSettings
from harness.policy.waits import EITHER_S
from harness.scenario.faults import After
from harness.scenario.model import Scenario

_MARKS = {"open": "opened", "half_open": "half_open", "closed": "closed"}
STATUS = "the target's status endpoint"
_LOG = "the target's log"
_PROXY = "what crossed the proxy"
_STUB = "calls at the stub"


def settled(scenario: Scenario, history: History) -> Scenario:
    """The scenario with each fault that waited for an event when that was known to have come."""
    known = {event.fault: event.at_s for event in history.all(Triggered)}
    return scenario.begun_after({i: known[i] for i in scenario.waiting if i in known})


def source(after: After, run: Run) -> str:
    """By what an event is known in a run."""
    wire = _PROXY if "proxy requests" in run.evidence else _STUB
    if after.is_ is None:
        return wire
    if "status" in run.evidence:
        return STATUS
    if "log" in run.evidence and _MARKS[after.is_] in run.marks:
        return _LOG
    return wire


class Triggers:
    """Tells of each fault of a scenario that waits for an event when it has come."""

    def __init__(self, scenario: Scenario, settings: Callable[[str], ServiceSettings]) -> None:
        self._scenario = scenario
        self._settings = settings
        self._open: dict[int, tuple[_Ear, str]] = {}

    def take(self, event: Event) -> Iterator[tuple[int, str]]:
        """The numbers of the faults whose event an event of the history shows, and by what.

        Events come in the order in which they became known, the run's first.
        """
        if isinstance(event, Run):
            self._arm(event)
        for index, (ear, by) in tuple(self._open.items()):
            if ear.hears(event):
                del self._open[index]
                yield index, by

    def _arm(self, run: Run) -> None:
        for index in self._scenario.waiting:
            after = self._scenario.faults[index].trigger
            if after is not None and after.upstream in run.upstreams:
                by = source(after, run)
                self._open[index] = _ear(after, by, run, self._settings(after.upstream)), by


class _Ear(Protocol):
    """Waits for one event."""

    def hears(self, event: Event) -> bool:
        """Whether this shows it; events from before 0s prepare for it, and are none."""
        ...


def _ear(after: After, by: str, run: Run, settings: ServiceSettings) -> _Ear:
    if after.is_ is None:
        return _Calls(after.upstream, after.calls or 1, by)
    if by == STATUS:
        return _Status(after.upstream, after.is_)
    if by == _LOG:
        return _Log(after.upstream, _MARKS[after.is_], alone=len(run.upstreams) == 1)
    return _Attempts(after.upstream, after.is_, settings, by)


class _Calls:
    """So many calls of an upstream since 0s."""

    def __init__(self, upstream: str, count: int, by: str) -> None:
        self._upstream = upstream
        self._left = count
        self._by = by

    def hears(self, event: Event) -> bool:
        """Whether it is the last of them."""
        if self._by == _PROXY:
            is_call = isinstance(event, Crossed) and event.what == "request"
        else:
            is_call = isinstance(event, Called)
        if is_call and event.upstream == self._upstream and event.at_s >= 0:  # type: ignore[attr-defined]
            self._left -= 1
        return self._left <= 0


class _Status:
    """What the target reports of a breaker."""

    def __init__(self, upstream: str, state: str) -> None:
        self._upstream = upstream
        self._state = state
        self._opened = False

    def hears(self, event: Event) -> bool:
        """Whether it reports the state; closed counts once it has reported another."""
        if not isinstance(event, Reported) or event.upstream != self._upstream or event.at_s < 0:
            return False
        opened, self._opened = self._opened, self._opened or event.state != "closed"
        return event.state == self._state and (opened or self._state != "closed")


class _Log:
    """Lines of the target's log; one that names no upstream may be about any."""

    def __init__(self, upstream: str, mark: str, *, alone: bool) -> None:
        self._names = (upstream, None) if alone else (upstream,)
        self._mark = mark

    def hears(self, event: Event) -> bool:
        """Whether a line says so."""
        return (
            isinstance(event, Logged)
            and event.at_s >= 0
            and self._mark in event.marks
            and event.upstream in self._names
        )


class _Attempts:
    """A breaker with the declared rules, told of attempts as they cross the wire.

    Where it counts calls rather than attempts, the wire doesn't say which attempt is a call's
    last, and nothing is heard.
    """

    def __init__(self, upstream: str, state: str, settings: ServiceSettings, by: str) -> None:
        self._upstream = upstream
        self._state = state
        self._settings = settings
        self._proxy = by == _PROXY
        self._breaker = Breaker(settings.breaker)
        self._under_way: dict[int, tuple[Pass, float]] = {}
        self._tried = False

    def hears(self, event: Event) -> bool:
        """Whether the breaker now is in that state, and got there since 0s."""
        if self._settings.counting.by_call:
            return False
        if isinstance(event, Crossed) and self._proxy and event.upstream == self._upstream:
            self._crossed(event)
        elif isinstance(event, Called | Replied) and not self._proxy:
            if event.upstream == self._upstream:
                self._called(event)
        else:
            return False
        return (
            event.at_s >= 0
            and {
                "open": bool(self._breaker.trips),
                "half_open": self._tried,
                "closed": bool(self._breaker.closings),
            }[self._state]
        )

    def _crossed(self, event: Crossed) -> None:
        match event.what:
            case "request":
                self._begun(event.connection, event.at_s)
            case "response":
                self._ended(event.connection, event.status, "broken", event.at_s)
            case "closed":
                how = "silence" if event.closed_by == "client" else "hang-up"
                self._ended(event.connection, None, how, event.at_s)
            case "refused":
                self._begun(-1, event.at_s)
                self._ended(-1, None, "refused", event.at_s)

    def _called(self, event: Called | Replied) -> None:
        if isinstance(event, Called):
            self._begun(event.id, event.at_s)
        else:
            whole = event.outcome == "sent"
            self._ended(event.id, event.status if whole else None, "broken", event.at_s)

    def _begun(self, key: int, at_s: float) -> None:
        leave = self._breaker.ask(at_s + EITHER_S)
        if leave is not None:
            self._under_way[key] = leave, at_s
            self._tried = self._tried or leave.trial

    def _ended(self, key: int, status: int | None, how: str, at_s: float) -> None:
        leave, begun_s = self._under_way.pop(key, (None, 0.0))
        if leave is None:
            return
        result = plainly(status)
        endings = (how,) if status is None else endings_of(status)
        counted = self._settings.counting.counted(result, at_s - begun_s, endings)
        self._breaker.tell(leave, counted, at_s)
