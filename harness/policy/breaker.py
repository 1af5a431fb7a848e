"""One breaker with given rules as a state machine, on instants that its caller gives."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from harness.frozen import Frozen
from harness.policy.counting import FAILED, Counted, Told, told
from harness.policy.rules import Rule
from harness.policy.thresholds import Never
from harness.policy.trials import EachAlone, Trials
from harness.policy.waits import Wait


class Rules(Frozen, kw_only=True):
    """All that a breaker goes by."""

    opens: Rule
    wait: Wait
    trials: Trials = field(default_factory=EachAlone)
    restarted: bool = False
    """Whether a failure of a call from before it opened begins its wait anew."""

    @property
    def absent(self) -> bool:
        """Whether there is none: nothing opens it."""
        return isinstance(self.opens, Never)

    @property
    def says(self) -> str:
        """In words: `opens at 5 failures in a row, for 60s`."""
        return f"opens at {self.opens.says}, for {self.wait.says}"


class Pass(Frozen):
    """Leave to make one call; `era` tells results of an earlier state apart."""

    era: int
    trial: bool


class Breaker(Struct):
    """Closed until its rule opens it, then open for its wait, then half open for its trials.

    A result that belongs to an earlier state changes nothing, but where such failures restart its
    wait. The rule begins anew when it closes.
    """

    rules: Rules
    eager: bool = False
    """Whether a success opens it, too, where its rule leaves that to whoever applies it."""
    clock_s: float = 0.0
    """What its own clock shows at 0s, by which a window's buckets begin."""
    reopens_s: float | None = None
    """When it lets a trial through; None while closed."""
    openings: int = 0
    """How often it has opened since trials last closed it."""
    era: int = 0
    trips: list[float] = field(default_factory=list)
    """When it opened."""
    closings: list[float] = field(default_factory=list)
    """When it closed."""
    _state: Any = None
    _under_way: int = 0
    _results: tuple[Told, ...] = ()

    def __post_init__(self) -> None:
        self._state = self.rules.opens.begin

    @property
    def quiet(self) -> bool:
        """Whether a success would change nothing."""
        begin = self.rules.opens.begin
        unmoved = self._state == begin and self.rules.opens.after(begin, False, 0.0) == begin
        return self.reopens_s is None and unmoved

    def ask(self, now_s: float) -> Pass | None:
        """Leave for a call; None is a rejection."""
        if self.reopens_s is not None and not self.rules.trials.needed and now_s >= self.reopens_s:
            self._change(None)
            self.closings.append(now_s)
        if self.reopens_s is None:
            return Pass(self.era, trial=False)
        if now_s < self.reopens_s or not self.rules.trials.room(self._under_way, self._results):
            return None
        self._under_way += 1
        return Pass(self.era, trial=True)

    def tell(self, leave: Pass, result: Counted, now_s: float, leeway_s: float = 0.0) -> None:
        """How a call ended; what is neutral counts for nothing, and frees a trial's place.

        `leeway_s`: how much longer it waits, if that opens it, than it should.
        """
        heard = told(result)
        if leave.era != self.era:
            if heard and heard & FAILED and self.rules.restarted and self._is_open:
                self.reopens_s = now_s + self.rules.wait.wait_s(self.openings) + leeway_s
            return
        if leave.trial:
            self._under_way -= 1
            if heard is not None:
                self._try(heard, now_s, leeway_s)
        elif heard is not None:
            self._state = self.rules.opens.after(self._state, heard, now_s + self.clock_s)
            if self._trips(heard):
                self._open(now_s, leeway_s)

    def _trips(self, heard: Told) -> bool:
        """Whether it opens by what it was just told."""
        opens = self.rules.opens
        if self.eager and not heard & FAILED:
            return True in opens.may_open(self._state, 0.0)
        return opens.opens(self._state)

    @property
    def _is_open(self) -> bool:
        return self.reopens_s is not None and not self._under_way and not self._results

    def _try(self, heard: Told, now_s: float, leeway_s: float) -> None:
        self._results = (*self._results, heard)
        verdict = self.rules.trials.verdict(self._results)
        if verdict == "opens":
            self._open(now_s, leeway_s)
        elif verdict == "closes":
            self._change(None)
            self.openings = 0
            self.closings.append(now_s)
        elif verdict == "again":
            self._results = ()

    def _open(self, now_s: float, leeway_s: float) -> None:
        self.openings += 1
        self.trips.append(now_s)
        self._change(now_s + self.rules.wait.wait_s(self.openings) + leeway_s)

    def _change(self, reopens_s: float | None) -> None:
        self.reopens_s = reopens_s
        self.era += 1
        self._state = self.rules.opens.begin
        self._under_way, self._results = 0, ()
