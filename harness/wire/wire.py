"""What crossed one upstream's wire, and what its breaker must have done."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from harness.history.view import Request
from harness.policy.counting import Result
from harness.units import Window
from harness.verdict import Transition
from harness.wire.attempts import Attempt
from harness.wire.breaker import read
from harness.wire.causes import Cause
from harness.wire.changes import (
    Account,
    Changes,
    Probe,
    changes,
    open_windows,
    probes,
    stories_of,
)
from harness.wire.demand import Demand
from harness.wire.implied import swallowed
from harness.wire.leeway import Leeway
from harness.wire.outcomes import Outcomes
from harness.wire.policy import Policy, any_threshold, declared
from harness.wire.queueing import Queue, need, queue
from harness.wire.sharing import Sharing
from harness.wire.sight import Sight
from harness.wire.states import Asked, Reading, Refutation
from harness.wire.stories import ONE_OF_SEVERAL, Change
from harness.wire.suspicion import Suspicion

if TYPE_CHECKING:
    from harness.wire.witness import Witness

_AWAY = "turned away"
_AT_ONCE_S = 0.2
"""Whoever calls later than this after it might have waited for something."""
_SEEN = {
    "proxy": "seen entering the proxy",
    "stub": "seen at the stub",
    "connection": "seen as connections",
    "latency": "implied by how long requests took",
}


class Wire:
    """What crossed one upstream's wire, and what its breaker must have done."""

    def __init__(self, witness: Witness, upstream: str) -> None:
        self.witness = witness
        self._demands = witness.demands
        self.upstream = upstream
        self.history = witness.history
        self.settings = witness.settings[upstream]
        self.sight = witness.sights[upstream]
        self.of = upstream
        """Whose breaker it is, in words."""
        self._readings: dict[tuple[Policy, bool], Reading] = {}

    # Facts

    @cached_property
    def attempts(self) -> tuple[Attempt, ...]:
        """All attempts that say something of the breaker, by start: seen, and implied by a wait."""
        return self._demands.attempts_at(self.upstream)

    @property
    def background(self) -> tuple[Attempt, ...]:
        """Attempts that no request caused: on a route of their own, with a rhythm, or declared."""
        return self._demands.background[self.upstream]

    @cached_property
    def demands(self) -> tuple[Demand, ...]:
        """The requests that need it and got as far as it, by the instant they left."""
        return self._demands.at(self.upstream)

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

    def made_for(self, request: Request) -> tuple[Attempt, ...]:
        """The attempts that were made for a request."""
        return self._demands.made_by(request, self.upstream)

    @cached_property
    def calls(self) -> tuple[tuple[Attempt, ...], ...]:
        """The attempts of each call, in order, as far as that can be told."""
        return self._demands.calls_at(self.upstream)

    def request_of(self, attempt: Attempt) -> int | None:
        """Id of the request that an attempt was made for, where that can be told."""
        return self._owners.get(attempt.id)

    @cached_property
    def _owners(self) -> dict[int, int]:
        return {a.id: d.request.sent.id for d in self.demands for a in d.attempts}

    def surely_made_for(self, attempt: Attempt) -> int | None:
        """The request that made an attempt; None where it may have been another's of its time."""
        tie_s = self.sight.tie_s(attempt.start_s)
        near = sum(abs(a.start_s - attempt.start_s) <= tie_s for a in self.attempts)
        return self.request_of(attempt) if near == 1 else None

    def told_apart(self, request: int, attempt: Attempt) -> bool:
        """Whether retries of the call that an attempt is of are told from other calls."""
        return self._demands.told_apart(request, attempt, self.upstream)

    def route_of(self, request: int) -> str:
        """What a request calls first here, as the warm-up showed it; empty if that is unknown."""
        return self._demands.route_of(request, self.upstream)

    def met(self, attempt: Attempt) -> tuple[str, ...]:
        """The kinds of fault that an attempt may have met."""
        return self.sight.met_by(attempt)

    # Other ways to look at it

    @property
    def all(self) -> tuple[Wire, ...]:
        """The wires of all upstreams."""
        return tuple(self.witness.at(name) for name in self.witness.settings)

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

    @cached_property
    def asked(self) -> tuple[Asked, ...]:
        """The requests that made no attempt that anybody saw."""
        return tuple(
            Asked(
                asked_s=d.asked_s,
                by_s=d.asked_by_s,
                request=d.request.sent.id,
                sure=d.outcome == _AWAY,
            )
            for d in (*self.demands, *self._demands.asked_again(self.upstream))
            if d.outcome in (_AWAY, "unseen") and d.asked_by_s < math.inf
        )

    @cached_property
    def lost(self) -> list[float]:
        """When an attempt may have failed that nobody saw, on a connection just being cut."""
        return swallowed(self.history, self.upstream, self.demands, self.attempts, self.sight)

    @cached_property
    def earlier(self) -> tuple[float, ...]:
        """When calls of the warm-up were answered."""
        calls = self.history.warm_up_calls.to(self.upstream)
        return tuple(call.at_s for call in calls if call.replied is not None)

    def held_against(self, policy: Policy, *, forgiving: bool = False) -> Reading:
        """What a breaker with these rules makes of all events."""
        key = policy, forgiving
        if key not in self._readings:
            self._readings[key] = read(
                self.attempts,
                self.asked,
                Outcomes(policy, self.settings.timeout_s, self.calls, self.met),
                tie_s=self.sight.tie_s,
                lost=self.lost,
                forgiving=forgiving,
                earlier=self.earlier,
            )
        return self._readings[key]

    @cached_property
    def reading(self) -> Reading:
        """What the declared breaker makes of it.

        Where some attempts had to be guessed, it is refuted only if what was seen alone refutes it.
        """
        return self._declared(self.sight)

    @cached_property
    def patient_reading(self) -> Reading:
        """The same where the order of events is as loose as measured waits make it."""
        return self._declared(Sight(self.history, self.upstream, self.witness.noise, patient=True))

    def _declared(self, sight: Sight) -> Reading:
        outcomes = Outcomes(declared(self.settings), self.settings.timeout_s, self.calls)

        def read_with(tie_s: Callable[[float], float]) -> Reading:
            events = self.attempts, self.asked, outcomes
            return read(*events, tie_s=tie_s, lost=self.lost, earlier=self.earlier)

        found = read_with(sight.tie_s)
        if found.refutation is None or not sight.guessed:
            return found
        seen = read_with(sight.blind_tie_s)
        return found if seen.refutation is not None else seen

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
    def queue(self) -> Queue | None:
        """Requests that waited for each other's calls, where no two were ever in flight."""
        asked = (demand for demand in self.demands if demand.outcome != "unseen")
        needs = [need(demand, self._demands.due_s(demand, self.upstream)) for demand in asked]
        noise_s = self.sight.noise_s(0.0, self.history.end_s)
        return queue(self.upstream, self.calls, needs, self.sight.fine_s, _AT_ONCE_S + noise_s)

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
        nearest = None if readings else self._suspicion.nearest
        shown_s = None if readings else [d.asked_s for d in self.demands if d.outcome == _AWAY]
        loose = self.held_against(any_threshold(self.settings))
        return changes(
            stories_of(readings or ([] if nearest is None else [nearest])),
            () if loose.refutation is not None else stories_of([loose]),
            self.account,
            self.sight.fine_s,
            self._why,
            shown_s=shown_s,
            doubted_s=()
            if nearest is None
            else [r.state_s for r in nearest.unexplained if r.wrong == "while open"],
            begun_s=self.begun_s,
        )

    @property
    def begun_s(self) -> list[float]:
        """When attempts were let through, in order."""
        return [attempt.start_s for attempt in self.attempts]

    def _why(self, change: Change) -> str:
        """By what a change is known."""
        if change.kind == "half_open":
            return "the first attempt since it opened"
        attempt = next((a for a in self.attempts if a.id == change.attempt), None)
        if change.kind == "closed":
            if not self.settings.breaker.trials.needed:
                return "the first attempt after its wait"
            well = attempt is None or Result.SUCCESS in attempt.results
            return "the probe succeeded" if well else "calls after a probe that did not succeed"
        if change.attempt == ONE_OF_SEVERAL:
            return "failed attempts, one of several near to each other"
        if attempt is None and change.attempt is not None:
            return "an attempt at an upstream that shares its breaker"
        if attempt is None:
            return "nobody's attempts can be seen; requests before and after"
        return f"failed attempts {_SEEN.get(attempt.source, 'seen')}"

    @cached_property
    def transitions(self) -> tuple[Transition, ...]:
        """The changes, each with how far off it may be."""
        return self.changes.transitions

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
        outcomes = Outcomes(declared(self.settings), self.settings.timeout_s, self.calls)
        return frozenset(a.id for a in self.attempts if outcomes.unasked(a))

    @cached_property
    def late(self) -> tuple[Attempt, ...]:
        """Attempts made while it was surely open (B3, B6)."""
        slack_s = self.sight.fine_s
        return tuple(
            a
            for a in self.attempts
            if any(w.start_s + slack_s < a.start_s < w.end_s - slack_s for w in self.open_windows)
        )

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
        return next((t for t in self.transitions if t.state == "open"), None)

    @property
    def closed(self) -> Transition | None:
        """Its last closing, if it stayed closed."""
        last = self.transitions[-1] if self.transitions else None
        return last if last is not None and last.state == "closed" else None
