"""The wire as a busy machine leaves it: no more is sure of it than measured waits allow.

Attempts, requests and changes are those of the wire itself. Changes have the bounds of its leeway,
the order of events is as loose as waits make it, and looks at the status endpoint may be late.
"""

from __future__ import annotations

import math
from functools import cached_property

from msgspec.structs import replace

from harness.units import Window
from harness.verdict import Transition
from harness.wire.account import Account
from harness.wire.attempts import Attempt
from harness.wire.causes import Cause
from harness.wire.changes import Changes, Probe, probes
from harness.wire.leeway import Leeway
from harness.wire.states import Reading
from harness.wire.wire import Wire


class PatientWire(Wire):
    """One upstream's wire, with patience."""

    def __init__(self, strict: Wire) -> None:
        super().__init__(strict.crossings, strict.upstream, lambda: strict.sharing)
        self.sight = strict.sight.with_patience
        self.of = strict.of
        self.attempts = strict.attempts
        self.demands = strict.demands
        self.asked = strict.asked
        self._strict = strict

    @cached_property
    def told(self) -> Wire:
        """The wire whose breaker is spoken of, with patience, too."""
        told = self._strict.told
        return self if told is self._strict else PatientWire(told)

    @property
    def several(self) -> str:
        """As of the wire itself."""
        return self._strict.several

    @property
    def unfollowed(self) -> str:
        """As of the wire itself."""
        return self._strict.unfollowed

    @property
    def reading(self) -> Reading:
        """What the declared breaker makes of it in any order that waits leave possible."""
        return self._strict.patient_reading

    @cached_property
    def changes(self) -> Changes:
        """The same changes; what the target says of itself contradicts only what was surely so."""
        found = self._strict.changes
        if not found.conflicts:
            return found
        still = self.account.conflicts(found.main, self.sight.fine_s, self.begun_s)
        return replace(found, conflicts=tuple(still))

    @cached_property
    def account(self) -> Account:
        """What the target says of its own breaker, looked at late."""
        late_s, wait = self.sight.late_s, self._strict.declared_wait
        return Account(self.history, self.upstream, lambda at_s: late_s(at_s, at_s), wait)

    @cached_property
    def causes(self) -> tuple[Cause, ...]:
        """Those of the wire itself."""
        return self._strict.causes

    @property
    def leeway(self) -> Leeway:
        """What a busy machine may have changed."""
        return self._strict.leeway

    @cached_property
    def transitions(self) -> tuple[Transition, ...]:
        """The changes with all instants at which they may have been on a quiet machine."""
        return tuple(self.leeway.widened(each) for each in self._strict.transitions)

    @cached_property
    def otherwise(self) -> tuple[tuple[Transition, ...], ...]:
        """The same of each other story."""
        widened = self.leeway.widened
        return tuple(tuple(map(widened, changes)) for changes in self._strict.otherwise)

    @cached_property
    def open_windows(self) -> tuple[Window, ...]:
        """When it was surely open, as it was: what it would have been elsewhere is no matter."""
        found = (self._shrunk(window) for window in self._strict.open_windows)
        return tuple(window for window in found if window.start_s < window.end_s)

    def _shrunk(self, window: Window) -> Window:
        start_s, end_s = window.start_s, window.end_s
        late_s = 0.0 if math.isinf(end_s) else self.sight.late_s(end_s, end_s)
        return Window(start_s + self.sight.late_s(start_s, start_s), end_s - late_s)

    @cached_property
    def late(self) -> tuple[Attempt, ...]:
        """Attempts made while it was surely open (B3, B6)."""
        return tuple(
            a
            for a in self._strict.late
            if not self.leeway.doubts(a)
            and self._is_surely_open(a.start_s, self.sight.tie_s(a.start_s))
        )

    @cached_property
    def early(self) -> tuple[Attempt, ...]:
        """Probes that surely came before the declared wait was over."""
        if self.refutation is None:
            return ()
        return tuple(a for a in self._strict.early if not self.leeway.doubts(a))

    @cached_property
    def probes(self) -> tuple[Probe, ...]:
        """The attempts that it let through while half open, with those surely made beside them."""
        found = self._strict.probes
        sure = probes(self.changes.main, self.attempts, 0.0)
        return tuple(
            replace(
                probe,
                together=min(probe.together, one.together),
                surely=min(probe.surely, one.surely),
            )
            for probe, one in zip(found, sure, strict=True)
        )
