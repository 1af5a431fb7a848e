"""What crossed one upstream's wire, and what its breaker must have done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from harness.history.view import Request
from harness.units import Window
from harness.verdict import Transition, first_opening, last_closing
from harness.wire.account import Account
from harness.wire.attempts import Attempt
from harness.wire.breaker import read
from harness.wire.causes import Cause
from harness.wire.changes import (
    Changes,
    Probe,
    changes,
    known_by,
    open_windows,
    probes,
    stories_of,
)
from harness.wire.crossing import Crossing
from harness.wire.leeway import Leeway
from harness.wire.outcomes import Outcomes
from harness.wire.policy import Policy, any_threshold, declared
from harness.wire.sharing import Sharing
from harness.wire.sight import Sight
from harness.wire.states import Reading, Refutation
from harness.wire.stories import Change
from harness.wire.suspicion import Suspicion

if TYPE_CHECKING:
    from harness.wire.witness import Witness

_AWAY = "turned away"


class Wire(Crossing):
    """What crossed one upstream's wire, and what its breaker must have done."""

    def __init__(self, witness: Witness, upstream: str) -> None:
        super().__init__(witness, upstream)
        self._readings: dict[tuple[Policy, bool], Reading] = {}

    @cached_property
    def turned_away(self) -> tuple[Request, ...]:
        """The requests that asked and made no attempt: none was seen, or it was surely open."""
        slack_s = self.sight.fine_s
        return tuple(
            d.request
            for d in self.demands
            if d.outcome == _AWAY
            or (
                d.outcome == "unseen"
                and any(w.start_s + slack_s < d.asked_s < w.end_s for w in self.open_windows)
            )
        )

    @cached_property
    def unknown(self) -> tuple[Request, ...]:
        """Requests of which nothing can tell whether they were turned away."""
        known = {request.sent.id for request in self.turned_away}
        unseen = (d.request for d in self.demands if d.outcome == "unseen")
        return tuple(request for request in unseen if request.sent.id not in known)

    # Other ways to look at it

    def with_timeout(self, timeout_s: float) -> Wire:
        """The same, seen as if the target waited so long for an attempt."""
        own = replace(self.settings, timeout_s=timeout_s)
        return self.witness.with_settings({self.upstream: own}).at(self.upstream)

    @property
    def told(self) -> Wire:
        """The wire whose breaker is spoken of: this one, where there are no several."""
        return self

    @property
    def whole(self) -> Wire:
        """The wire of the upstream as a whole."""
        return self

    @property
    def several(self) -> str:
        """Why nobody knows which of several breakers is meant; empty where that is known."""
        return ""

    @property
    def unfollowed(self) -> str:
        """Why nothing can be held against its breakers; empty where something can."""
        return ""

    # Readings

    @property
    def tries(self) -> int:
        """How many attempts a call makes, where the breaker counts calls: of rivals that do, only
        what they surely count tells them apart.
        """
        return self.settings.attempts if self.settings.counting.by_call else 1

    def held_against(self, policy: Policy, *, forgiving: bool = False) -> Reading:
        """What a breaker with these rules makes of all events."""
        key = policy, forgiving
        if key not in self._readings:
            timeout_s = self.settings.timeout_s
            outcomes = Outcomes(policy, timeout_s, self.calls, self.met, tries=self.tries)
            self._readings[key] = self._read(outcomes, self.sight.tie_s, forgiving=forgiving)
        return self._readings[key]

    def _read(
        self, outcomes: Outcomes, tie_s: Callable[[float], float], *, forgiving: bool = False
    ) -> Reading:
        return read(
            self.attempts,
            self.asked,
            outcomes,
            tie_s=tie_s,
            lost=self.lost,
            forgiving=forgiving,
            earlier=self.earlier,
        )

    @cached_property
    def reading(self) -> Reading:
        """What the declared breaker makes of it.

        Where some attempts had to be guessed, it is refuted only if what was seen alone refutes it;
        where calls were seen too late, nothing is read from when.
        """
        return self._declared(self.sight)

    @cached_property
    def patient_reading(self) -> Reading:
        """The same where the order of events is as loose as measured waits make it."""
        return self._declared(self.sight.with_patience)

    @cached_property
    def outcomes(self) -> Outcomes:
        """What each attempt is to the declared breaker."""
        own = self.settings
        return Outcomes(declared(own), own.timeout_s, self.calls, tries=self.tries)

    def _declared(self, sight: Sight) -> Reading:
        if self.belated:
            return self._read(self.outcomes, sight.blind_in(self.belated))
        found = self._read(self.outcomes, sight.tie_s)
        if found.refutation is None or not sight.guessed:
            return found
        seen = self._read(self.outcomes, sight.blind_in(sight.guessed))
        return found if seen.refutation is not None else seen

    @cached_property
    def belated(self) -> tuple[Window, ...]:
        """The times in which calls came to its stub that were made nobody knows when before."""
        late = self.witness.demands.belated[self.upstream]
        return tuple(w for w in self.sight.untimely if any(at_s in w for at_s in late))

    @property
    def _only_to_the_letter(self) -> bool:
        """Whether it is refuted by an order of events alone that waits may have exchanged."""
        return self.refutation is not None and self.patient_reading.refutation is None

    @property
    def refutation(self) -> Refutation | None:
        """The first event that no sound breaker explains."""
        return self.reading.refutation

    @cached_property
    def causes(self) -> tuple[Cause, ...]:
        """Where the declared breaker is refuted: the one or two rivals that explain everything."""
        if self.refutation is None or self._only_to_the_letter:
            return ()
        return self._suspicion.causes

    @cached_property
    def truthful(self) -> tuple[Cause, ...]:
        """Where only what the target says of itself contradicts the wire: rivals that explain
        everything, and of which it would be true.
        """
        odd = self.refutation is None and self.sharing is None and self.changes_alone.conflicts
        return self._suspicion.fitting if odd else ()

    @property
    def hints(self) -> tuple[str, ...]:
        """What may be behind what is wrong here, a sentence each."""
        queued = () if self.queue is None else (self.queue.says,)
        return (*(cause.says for cause in self.causes), *queued)

    @cached_property
    def _suspicion(self) -> Suspicion:
        return Suspicion(self)

    @cached_property
    def account(self) -> Account:
        """What the target says of its own breaker."""
        return Account(self.history, self.upstream)

    @cached_property
    def sharing(self) -> Sharing | None:
        """The upstreams that it seems to share its breaker with."""
        return self.witness.sharings.get(self.upstream)

    @cached_property
    def changes(self) -> Changes:
        """How it changed: by the declared rules where they hold, else by those that explain it."""
        if self.refutation is not None and not self._only_to_the_letter:
            told = [cause.reading for cause in self.causes if cause.reading is not None]
            return self._changes(told)
        found = self.changes_alone
        if found.conflicts and self.sharing is not None:
            return self._changes([self.sharing.read_at(self)])
        return found

    @cached_property
    def changes_alone(self) -> Changes:
        """How it changed by the declared rules, where these hold."""
        return self._changes([self.reading if self.refutation is None else self.patient_reading])

    def _changes(self, readings: Sequence[Reading]) -> Changes:
        shown_s: list[float] | None = None
        doubted_s: list[float] = []
        if not readings:
            nearest = self._suspicion.nearest
            readings = [nearest]
            shown_s = [d.asked_s for d in self.demands if d.outcome == _AWAY]
            doubted_s = [r.state_s for r in nearest.unexplained if r.wrong == "while open"]
        loose = self.held_against(any_threshold(self.settings))
        return changes(
            stories_of(readings),
            () if loose.refutation is not None else stories_of([loose]),
            self.account,
            self.sight.fine_s,
            self._why,
            shown_s=shown_s,
            doubted_s=doubted_s,
            begun_s=self.begun_s,
        )

    def _why(self, change: Change) -> str:
        probes = self.settings.breaker.trials.needed
        return known_by(change, self.attempts, probes=probes)

    @cached_property
    def transitions(self) -> tuple[Transition, ...]:
        """The changes, each with how far off it may be."""
        return self.changes.transitions

    @cached_property
    def otherwise(self) -> tuple[tuple[Transition, ...], ...]:
        """The changes of each other story that explains as much."""
        return self.changes.otherwise

    @cached_property
    def leeway(self) -> Leeway:
        """What a busy machine may have changed."""
        changes = self.changes.main
        return Leeway(self.sight, self.settings, self.demands, self.attempts, changes)

    @cached_property
    def open_windows(self) -> tuple[Window, ...]:
        """When it was surely open: from the latest instant of each opening to the next probe."""
        return open_windows(self.changes.main, self.history.end_s, self.sight.fine_s)

    @cached_property
    def probes(self) -> tuple[Probe, ...]:
        """The attempts that it let through while half open."""
        return probes(self.changes.main, self.attempts, self.sight.fine_s)

    @cached_property
    def unasked(self) -> frozenset[int]:
        """Ids of attempts that it isn't asked about: retries, where it is asked once a call."""
        return frozenset(a.id for a in self.attempts if self.outcomes.unasked(a))

    @cached_property
    def late(self) -> tuple[Attempt, ...]:
        """Attempts made while it was surely open (B3, B6)."""
        slack_s = self.sight.fine_s
        return tuple(a for a in self.attempts if self._is_surely_open(a.start_s, slack_s))

    def _is_surely_open(self, at_s: float, slack_s: float) -> bool:
        return any(w.start_s + slack_s < at_s < w.end_s - slack_s for w in self.open_windows)

    @cached_property
    def early(self) -> tuple[Attempt, ...]:
        """Probes that came before the declared wait was over: by what was declared, it was open."""
        if self.refutation is None:
            return ()
        forgiven = self.held_against(declared(self.settings), forgiving=True).unexplained
        forbidden = {
            one.attempt.id for one in forgiven if one.wrong == "while open" and one.attempt
        }
        came = {change.attempt for change in self.changes.main if change.kind == "half_open"}
        return tuple(attempt for attempt in self.attempts if attempt.id in forbidden & came)

    @property
    def unreadable(self) -> bool:
        """Whether for some time nothing could be read from the order of events."""
        return any(change.kind == "any" for change in self.changes.main)

    @property
    def opened(self) -> Transition | None:
        """Its first opening."""
        return first_opening(self.transitions)

    @property
    def closed(self) -> Transition | None:
        """Its last closing, if it stayed closed."""
        return last_closing(self.transitions)
