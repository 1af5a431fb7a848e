"""What a run's evidence can show of one upstream: by evidence, not by engine or kind of fault.

Also how far off an instant may be: the harness's allowance for a target's own order of events (B3:
it adds no more than 50 ms), widened by what this run measured of how late the machine was.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from copy import copy
from functools import cached_property
from itertools import pairwise
from typing import Protocol

from harness.history.view import FaultWindow, History
from harness.scenario.faults import KINDS, Kind
from harness.units import Window
from harness.wire.attempts import Attempt

TIE_S = 0.05
"""What a sound target may add to an instant (B3)."""
_MOST_NOISE_S = 0.3
"""Noise beyond this makes no order of events loose, but `with_patience`: readings that take every
order for possible say nothing, and mostly all is in order."""
_REPEATED_S = 35.0
"""A connect without an answer is repeated after 1, 3, 7, 15 and 31 s, if its client still waits."""
RELEASE_S = 0.5
"""How long what a fault held back may take to arrive once it is lifted."""
_AROUND_S = 0.5
_ENOUGH_CALLS = 5
"""So many calls in turn that kept no connection show that none is kept."""
_SWITCHED_S = 0.3
"""What the simulation's seeded switch points add; its seed 0 has none."""

HOLDS = ("silent", "late")
"""What is new under such a fault hears nothing, at least until it is lifted."""


class Noise(Protocol):
    """How late the machine may have made things."""

    @property
    def spared_wire(self) -> bool:
        """Whether nothing between the target and its upstreams was ever late."""
        ...

    def late_s(self, start_s: float, end_s: float) -> float:
        """Seconds by which anything in that time may have been late."""
        ...

    def late_on_wire_s(self, start_s: float, end_s: float) -> float:
        """The same between the target and its upstreams, where the harness has no part."""
        ...


class Quiet:
    """A machine that was never late."""

    spared_wire = True

    def late_s(self, start_s: float, end_s: float) -> float:
        """None."""
        return 0.0

    late_on_wire_s = late_s


class Sight:
    """What can be seen of attempts at one upstream, and when nothing can."""

    def __init__(
        self,
        history: History,
        upstream: str,
        noise: Noise | None = None,
        in_stub: Collection[int] = (),
    ) -> None:
        """`in_stub`: numbers of faults that stubs play, as far as that is known beforehand."""
        self._most_noise_s = _MOST_NOISE_S
        evidence = history.run.evidence
        sealed = upstream in history.run.tls
        self.requests = "proxy requests" in evidence and not sealed
        """Whether the proxy tells of each request."""
        self.connections = "proxy connections" in evidence or (
            sealed and "proxy requests" in evidence
        )
        """Whether the proxy tells of each connection that it accepts."""
        self.refusals = "refused connects" in evidence
        """Whether connects that nobody accepted are told, too."""
        self.only_connections = upstream in history.run.real and not self.requests
        """Whether nothing but the connections that its proxy accepts tells of its calls: of those
        on a connection that was kept nobody knows.
        """
        self._noise = noise or Quiet()
        self._spared = self._noise.spared_wire
        switched = history.run.engine == "sim" and history.run.seed != 0
        self.fine_s = TIE_S + (_SWITCHED_S if switched else 0.0)
        """How far it may be on a machine that was never late: the slack of everything else."""
        own = history.faults_on(upstream)
        met = {one for each in set(history.calls_to(upstream).told("met")) for one in each or ()}
        self.in_stub = frozenset(f.fault for f in own if f.fault in in_stub or f.mark in met)
        """Numbers of the faults that the stub played: for its calls it says whom they met."""
        self.faults = own
        """All faults that hit the upstream."""
        self._faults = tuple(f for f in own if f.fault not in self.in_stub)
        self._calls = history.calls_to(upstream)
        self._crossings = history.crossings_at(upstream)

    def slack_s(self, start_s: float, end_s: float) -> float:
        """How far the target's order of events may be from the wire's in that time."""
        return self.fine_s + self._noise.late_s(start_s, end_s)

    def late_s(self, start_s: float, end_s: float) -> float:
        """How late the machine may have made anything in that time."""
        return self._noise.late_s(start_s, end_s)

    def late_on_wire_s(self, start_s: float, end_s: float) -> float:
        """How late it may have made what went between the target and its upstreams."""
        return 0.0 if self._spared else self._noise.late_on_wire_s(start_s, end_s)

    def edge_s(self, start_s: float, end_s: float) -> float:
        """How far from a deadline an attempt may seem to end that the target saw end at it.

        It began late on the wire by as much as was waited then, and its end was heard late by as
        much as was waited there; what was waited in between delayed neither.
        """
        if self._spared:
            return self.fine_s  # asked for each attempt
        begun_s, ended_s = self.late_on_wire_s(start_s, start_s), self.late_on_wire_s(end_s, end_s)
        return self.fine_s + begun_s + ended_s

    def tie_s(self, at_s: float) -> float:
        """The slack around one instant."""
        if self._spared:
            return self.fine_s  # asked for each event
        late_s = self.late_on_wire_s(at_s - _AROUND_S, at_s + _AROUND_S)
        return self.fine_s + min(late_s, self._most_noise_s)

    @cached_property
    def with_patience(self) -> Sight:
        """The same where the order of events is as loose as the machine was measured to make it."""
        patient = copy(self)
        patient._most_noise_s = math.inf
        return patient

    @cached_property
    def guessed(self) -> tuple[Window, ...]:
        """Windows in which attempts are guessed in part: connects that nobody answered, which
        a client's kernel repeats, until the last of these has ended.
        """
        return tuple(
            Window(f.start_s, f.end_s + _REPEATED_S)
            for f in self._faults
            if KINDS[f.name].where == "connect"
        )

    @cached_property
    def untimely(self) -> tuple[Window, ...]:
        """Windows in which a call may come to its stub long after it was made, and nobody else
        tells when that was.
        """
        if self.requests:
            return ()
        slow = (f for f in self._faults if KINDS[f.name].new == "slow")
        return tuple(
            Window(f.start_s, f.end_s + _REPEATED_S) for f in slow if KINDS[f.name].holds_back
        )

    def is_untimely(self, at_s: float) -> bool:
        """Whether a call that comes to its stub then may have been made long before."""
        return any(at_s in window for window in self.untimely)

    def may_be_old(self, at_s: float) -> bool:
        """Whether a call that is seen then may be one that nobody waits for any more."""
        return self.is_untimely(at_s) or self.released(at_s)

    def blind_in(self, windows: Sequence[Window]) -> Callable[[float], float]:
        """The same slack, but that nothing is read from the order of events in these windows."""
        return lambda at_s: math.inf if any(at_s in w for w in windows) else self.tie_s(at_s)

    @property
    def sees_all(self) -> bool:
        """Whether every attempt left a trace."""
        return not self.hidden and (self.requests or not self.silent or self.never_kept)

    @cached_property
    def never_kept(self) -> bool:
        """Whether each call had a connection of its own, so that one that is held shows as such.

        Told by several calls of healthy times, one after another, none of which took up a
        connection that was there: a client that keeps any would have.
        """
        if not self.connections:
            return False
        calls = [call for call in self._calls if self._healthy(call.at_s)]
        opened = [e.at_s for e in self._crossings if e.what == "accepted"]
        alone = len(calls) >= _ENOUGH_CALLS and all(
            before.replied is not None and before.replied.at_s <= after.at_s
            for before, after in pairwise(calls)
        )
        return alone and sum(map(self._healthy, opened)) == len(calls)

    def _healthy(self, at_s: float) -> bool:
        """Whether no fault was in force then, nor just before or after."""
        return all(not f.began_s - _AROUND_S <= at_s <= f.end_s + RELEASE_S for f in self.faults)

    @cached_property
    def sees_ends(self) -> bool:
        """Whether every attempt left a trace, with its beginning and its end."""
        return self.requests and not self.hidden

    @cached_property
    def ending_kept(self) -> tuple[FaultWindow, ...]:
        """The faults that end at once, and unseen, what is asked on a connection from before."""
        if self.requests or not self.connections or self.never_kept:
            return ()
        return tuple(
            f for f in self._faults
            if KINDS[f.name].silent and KINDS[f.name].new == "at once"
            and KINDS[f.name].running == "nothing"
        )  # fmt: skip

    @cached_property
    def hidden(self) -> tuple[Window, ...]:
        """The windows in which an attempt leaves no trace."""
        return tuple(Window(f.began_s, max(f.end_s, f.start_s)) for f in self.hiding)

    @cached_property
    def hiding(self) -> tuple[FaultWindow, ...]:
        """The faults under which an attempt leaves no trace in this run."""
        return tuple(f for f in self._faults if self._hides(KINDS[f.name]))

    def _hides(self, kind: Kind) -> bool:
        if kind.invisible:
            return kind.where == "connect" or not self.refusals
        if self.only_connections and kind.opens and not kind.silent:
            return True
        return kind.silent and not (self.requests or self.connections)

    @property
    def by_stub(self) -> bool:
        """Whether only a stub tells of attempts, and faults kept some from it."""
        return bool(self.hidden) and not (self.requests or self.connections)

    def is_hidden(self, at_s: float) -> bool:
        """Whether an attempt at that instant would leave no trace."""
        return any(at_s in window for window in self.hidden)

    def holding(self, at_s: float) -> FaultWindow | None:
        """The fault that keeps an attempt of that instant waiting, unseen by its stub; None if no
        fault does, as where a port refuses whoever would have to wait.
        """
        if any(f.holds(at_s) for f in self._refusing):
            return None
        return next((f for f in self._holding if f.holds(at_s)), None)

    def given_up_s(self, at_s: float, timeout_s: float) -> float | None:
        """When an attempt of that instant, kept waiting by a fault, failed if it never came.

        At its deadline, or when lifting the fault cut its connection; None where none was kept.
        """
        return None if self.holding(at_s) is None else min(at_s + timeout_s, self.cut_s(at_s))

    def cut_s(self, at_s: float) -> float:
        """When lifting a fault cuts whoever has waited since an instant, in that one or another."""
        cutting = (f for f in self._holding if KINDS[f.name].lift == "cuts")
        return min((f.end_s for f in cutting if f.end_s > at_s), default=math.inf)

    def let_go(self, due_s: float, at_s: float) -> bool:
        """Whether what was due at one instant may have waited, unseen, until another."""
        fault = self.holding(due_s)
        if fault is None or (self.requests and not self.is_hidden(due_s)):
            return False  # it was seen when it was made
        lifts = (f for held, f in self._lifts if held is fault and due_s < f.end_s)
        return any(self.lets_go_s(f) <= at_s for f in lifts)

    def let_go_by(self, at_s: float) -> Iterator[Window]:
        """The times from which what was due then may have waited until an instant (`let_go`)."""
        for held, f in self._lifts if self.hidden or not self.requests else ():
            if self.lets_go_s(f) <= at_s:
                yield Window(held.start_s, f.end_s)

    def released(self, at_s: float, within_s: float = RELEASE_S) -> bool:
        """Whether what was held back was let go just before; `within_s` 0: just then, at once."""
        late_s = self.slack_s(at_s - RELEASE_S, at_s) + within_s
        return any(self.lets_go_s(f) <= at_s <= f.end_s + late_s for _, f in self._lifts)

    def lets_go_s(self, fault: FaultWindow) -> float:
        """When what a fault held back may come at the earliest: lifted before that is known."""
        return min(fault.end_s, fault.planned.end_s) - self.fine_s

    @cached_property
    def _lifts(self) -> tuple[tuple[FaultWindow, FaultWindow], ...]:
        """Faults that hold attempts back, each with one whose lift lets these through: itself, or a
        toxic that goes from its chain meanwhile, as what waits before that is handed on.
        """
        chain = [f for f in self._faults if KINDS[f.name].in_chain]
        holding = [f for f in self._holding if f in chain]
        beside = ((held, f) for held in holding for f in chain if held.holds(f.end_s))
        return (*((held, held) for held in self._holding), *beside)

    @cached_property
    def _holding(self) -> tuple[FaultWindow, ...]:
        return tuple(f for f in self._faults if KINDS[f.name].silent and KINDS[f.name].new in HOLDS)

    @cached_property
    def _refusing(self) -> tuple[FaultWindow, ...]:
        return tuple(
            f for f in self._faults if KINDS[f.name].invisible and KINDS[f.name].new == "at once"
        )

    @cached_property
    def on_the_way(self) -> tuple[FaultWindow, ...]:
        """The faults that strike on the way to the upstream, or all of it."""
        return tuple(f for f in self._faults if KINDS[f.name].where != "stub")

    @cached_property
    def delaying(self) -> tuple[FaultWindow, ...]:
        """Those of them that may hold back calls: what arrives then may have been sent long before
        what arrives first.
        """
        return tuple(f for f in self.on_the_way if KINDS[f.name].holds_back)

    @cached_property
    def silent(self) -> tuple[FaultWindow, ...]:
        """The faults under which nothing comes through to the stub."""
        return tuple(f for f in self._faults if KINDS[f.name].silent)

    @cached_property
    def altered(self) -> tuple[FaultWindow, ...]:
        """The faults under which an answer that came is not what it is in health."""
        return tuple(f for f in self.faults if KINDS[f.name].new == "otherwise")

    def met(
        self, fault: FaultWindow, start_s: float, end_s: float, met: Sequence[str] | None
    ) -> bool:
        """Whether a fault may have met an attempt: by its time, or by what the stub says it `met`,
        where that is known.
        """
        if fault.fault in self.in_stub and met is not None:
            return fault.mark in met
        return fault.began_s <= end_s and start_s <= fault.end_s

    def met_by(self, attempt: Attempt) -> tuple[str, ...]:
        """The kinds of fault that may have met an attempt."""
        start_s, end_s, met = attempt.start_s, attempt.end_s, attempt.met
        found = (f.name for f in self.faults if self.met(f, start_s, end_s, met))
        return tuple(dict.fromkeys(found))
