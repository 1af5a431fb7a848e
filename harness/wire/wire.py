"""What crossed one upstream's wire, and what its breaker must have done."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from harness.history.requests import Request
from harness.units import Window
from harness.verdict import Transition, first_opening, last_closing
from harness.wire.attempts import Attempt
from harness.wire.causes import Cause
from harness.wire.changes import Changes, Probe, open_windows, probes
from harness.wire.crossing import Crossings
from harness.wire.leeway import Leeway
from harness.wire.policy import declared
from harness.wire.readings import Readings
from harness.wire.sharing import Sharing
from harness.wire.suspicion import Suspicion

_AWAY = "turned away"


class Wire(Readings):
    """What crossed one upstream's wire, and what its breaker must have done."""

    def __init__(
        self,
        crossings: Crossings,
        upstream: str,
        shared: Callable[[], Sharing | None] = lambda: None,
    ) -> None:
        """`shared`: with which upstreams it seems to share its breaker."""
        super().__init__(crossings, upstream)
        self._shared = shared

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
        known = {request.id for request in self.turned_away}
        unseen = (d.request for d in self.demands if d.outcome == "unseen")
        return tuple(request for request in unseen if request.id not in known)

    # Which breaker is spoken of

    @property
    def told(self) -> Wire:
        """The wire whose breaker is spoken of: this one, where there are no several."""
        return self

    @property
    def several(self) -> str:
        """Why nobody knows which of several breakers is meant; empty where that is known."""
        return ""

    @property
    def unfollowed(self) -> str:
        """Why nothing can be held against its breakers; empty where something can."""
        return ""

    # What is behind it

    @property
    def _only_to_the_letter(self) -> bool:
        """Whether it is refuted by an order of events alone that waits may have exchanged."""
        return self.refutation is not None and self.patient_reading.refutation is None

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
        waited = self.queue or self.overdue
        return (*(cause.says for cause in self.causes), *((waited.says,) if waited else ()))

    @cached_property
    def _suspicion(self) -> Suspicion:
        return Suspicion(self, self.sharing)

    @cached_property
    def sharing(self) -> Sharing | None:
        """The upstreams that it seems to share its breaker with."""
        return self._shared()

    # How it changed

    @cached_property
    def changes(self) -> Changes:
        """How it changed: by the declared rules where they hold, else by those that explain it."""
        if self.refutation is not None and not self._only_to_the_letter:
            told = [cause.reading for cause in self.causes if cause.reading is not None]
            return self._changes(told) if told else self._nearest
        found = self.changes_alone
        if found.conflicts and self.sharing is not None:
            return self._changes([self.sharing.read_at(self)])
        return found

    @property
    def _nearest(self) -> Changes:
        """How it changed by the rules that leave the least unexplained."""
        nearest = self._suspicion.nearest
        return self._changes(
            [nearest],
            shown_s=[d.asked_s for d in self.demands if d.outcome == _AWAY],
            hidden_s=[d.asked_by_s for d in self.demands if d.outcome == "unseen"],
            doubted_s=[r.state_s for r in nearest.unexplained if r.wrong == "while open"],
        )

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
        made = (a for a in self.attempts if not a.old)
        return tuple(a for a in made if self._is_surely_open(a.start_s, slack_s))

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
