"""Whether a sound breaker explains what crossed the wire: the contract's breaker as an acceptor.

Attempts begin and end, requests are turned away; after each of these events the acceptor holds all
states in which a breaker that keeps B1 to B6 may be. Where the wire leaves room (ties, an answer at
the edge of its deadline), several remain. When none remains, no sound breaker did this. Only the
first such event is reported: what follows it may be its consequence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from harness.explore.wire import Attempt, Result
from harness.settings import ServiceSettings

EITHER_S = 0.25
"""Around the end of the recovery wait either answer is right (B4)."""

Kind = Literal["closed", "open", "half_open", "any"]
Wrong = Literal["while open", "two probes", "turned away", "no probe"]


@dataclass(frozen=True, slots=True)
class State:
    """One state that the breaker may be in."""

    kind: Kind
    since_s: float
    """When it began; for `half_open` when the breaker had opened."""
    failures: int = 0
    probe: int = -1
    neutral_s: float = float("-inf")
    """When a probe last gave its slot back (B1: 429)."""
    told: frozenset[int] = frozenset()
    """Attempts whose end has been taken into account ahead of its turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnedAway:
    """A request that needed the upstream and was answered without any attempt at it."""

    sent_s: float
    end_s: float
    request: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refutation:
    """The event that no sound breaker explains."""

    wrong: Wrong
    at_s: float
    state_s: float
    """Since when the breaker was in the state that the event contradicts."""
    until_s: float
    """When a probe would have been due; for `two probes`, when the first one ended."""
    attempt: Attempt | None = None
    turned_away: TurnedAway | None = None


@dataclass(slots=True)
class Reading:
    """What the acceptor made of one upstream."""

    refutation: Refutation | None = None
    reached: set[str] = field(default_factory=set)
    """Changes of state that were certain: `closed>open` and the like."""


@dataclass(frozen=True, slots=True)
class Lost:
    """One attempt that may have failed here, unseen."""

    at_s: float


Item = Attempt | TurnedAway | Lost
Happening = tuple[float, int, Item]
_END, _START, _AWAY, _LOST = 0, 1, 2, 3


def read(
    attempts: Sequence[Attempt],
    turned_away: Iterable[TurnedAway],
    settings: ServiceSettings,
    *,
    tie_s: float,
    blind: Sequence[tuple[float, float]] = (),
    lost: Sequence[float] = (),
) -> Reading:
    """Hold all events of one upstream against the contract's breaker.

    `tie_s`: how far the target's own order of events may be from the wire's. `blind`: windows in
    which attempts can't be seen, so that afterwards any state is possible. `lost`: instants at
    which one attempt may have failed unseen.
    """
    return _Acceptor(attempts, turned_away, settings, tie_s, blind, lost).read()


class _Acceptor:
    def __init__(
        self,
        attempts: Sequence[Attempt],
        turned_away: Iterable[TurnedAway],
        settings: ServiceSettings,
        tie_s: float,
        blind: Sequence[tuple[float, float]],
        lost: Sequence[float],
    ) -> None:
        self._attempts = {attempt.id: attempt for attempt in attempts}
        self._settings = settings
        self._tie_s = tie_s
        self._blind = sorted(blind)
        events: list[Happening] = []
        for attempt in attempts:
            events.append((attempt.start_s, _START, attempt))
            events.append((attempt.end_s, _END, attempt))
        events += [(away.end_s, _AWAY, away) for away in turned_away]
        events += [(at_s, _LOST, Lost(at_s)) for at_s in lost]
        # An attempt that ends the instant it begins begins first.
        self._events = sorted(events, key=lambda e: (e[0], _rank(e)))
        self._states: set[State] = {State("closed", float("-inf"))}
        self._in_flight: set[int] = set()
        self._mixed = _mixed(attempts, tie_s)
        self._reading = Reading()

    def read(self) -> Reading:
        for at_s, what, item in self._events:
            while self._blind and self._blind[0][0] <= at_s:
                if at_s <= self._blind[0][1]:
                    break
                self._states = {State("any", at_s)}
                self._blind.pop(0)
            if self._blind and self._blind[0][0] <= at_s:
                self._note(what, item)
                continue
            before = self._early(at_s, item)
            after = self._next(before, at_s, what, item)
            self._note(what, item)
            if not after:
                assert not isinstance(item, Lost)  # what nobody saw refutes nothing
                self._reading.refutation = self._refute(before, at_s, item)
                return self._reading
            self._watch(self._states, after)
            self._states = after
        return self._reading

    def _note(self, what: int, item: Item) -> None:
        if isinstance(item, Attempt):
            (self._in_flight.add if what == _START else self._in_flight.discard)(item.id)

    def _watch(self, before: set[State], after: set[State]) -> None:
        old = {state.kind for state in before}
        new = {state.kind for state in after}
        if len(old) == len(new) == 1 and old != new and "any" not in old | new:
            self._reading.reached.add(f"{next(iter(old))}>{next(iter(new))}")

    # The order of events near to each other is not the wire's to tell.

    def _early(self, at_s: float, item: Item) -> set[State]:
        """The states, and those after ends that the target may have seen already."""
        soon = sorted(
            (self._attempts[number] for number in self._in_flight),
            key=lambda attempt: attempt.end_s,
        )
        soon = [a for a in soon if a is not item and a.end_s <= at_s + self._tie_s]
        found = set(self._states)
        for state in self._states:
            reached = {state}
            for attempt in soon:
                if attempt.id in state.told:
                    continue
                reached = {
                    replace(told, told=told.told | {attempt.id})
                    for one in reached
                    for told in self._told(one, attempt)
                }
                found |= reached
        return found

    def _next(self, states: set[State], at_s: float, what: int, item: Item) -> set[State]:
        after: set[State] = set()
        for state in states:
            if isinstance(item, TurnedAway):
                if self._turns_away(state, item):
                    after.add(state)
            elif isinstance(item, Lost):
                after |= self._lost(state, item.at_s)
            elif what == _START:
                after |= self._begin(state, item)
            elif item.id in state.told:
                after.add(replace(state, told=state.told - {item.id}))
            else:
                after |= self._told(state, item)
        return after

    # What a sound breaker does

    def _begin(self, state: State, attempt: Attempt) -> set[State]:
        at_s = attempt.start_s
        if state.kind in ("any", "closed"):
            return {state}
        if state.kind == "half_open":
            return set()
        found = set()
        if at_s - state.since_s <= self._tie_s:
            found.add(state)
        if at_s >= state.since_s + self._settings.wait_s - EITHER_S - self._tie_s:
            found.add(State("half_open", state.since_s, probe=attempt.id, told=state.told))
        return found

    def _told(self, state: State, attempt: Attempt) -> set[State]:
        """An attempt ended; results of an earlier era change nothing (B5)."""
        if state.kind == "any":
            alone = not (self._in_flight - {attempt.id}) and attempt.result is Result.SUCCESS
            return {State("closed", attempt.end_s) if alone else state}
        if state.kind == "open":
            return {state}
        if state.kind == "half_open":
            if attempt.id != state.probe:
                return {state}
            return {self._after_probe(state, attempt, result) for result in attempt.results}
        if attempt.start_s < state.since_s - self._tie_s:
            return {state}
        found = {one for result in attempt.results for one in self._counted(state, attempt, result)}
        if attempt.start_s <= state.since_s + self._tie_s:
            found.add(state)
        return found

    def _after_probe(self, state: State, attempt: Attempt, result: Result) -> State:
        if result is Result.SUCCESS:
            return State("closed", attempt.end_s, told=state.told)
        if result is Result.FAILURE:
            return State("open", attempt.end_s, told=state.told)
        return State("open", state.since_s, neutral_s=attempt.end_s, told=state.told)

    def _counted(self, state: State, attempt: Attempt, result: Result) -> set[State]:
        """What the count may be; near an opposite result either may have come first."""
        others = self._mixed.get(attempt.id, 0)
        most = self._settings.threshold - 1
        if result is Result.NEUTRAL:
            return {state}
        if result is Result.SUCCESS:
            return {replace(state, failures=k) for k in range(min(others, most) + 1)}
        found = {state} if others else set()
        if state.failures >= most:
            return found | {State("open", attempt.end_s, told=state.told)}
        return found | {replace(state, failures=state.failures + 1)}

    def _lost(self, state: State, at_s: float) -> set[State]:
        """Nobody saw an attempt; it may have failed all the same."""
        if state.kind == "closed":
            full = state.failures >= self._settings.threshold - 1
            counted = replace(state, failures=state.failures + 1)
            return {state, State("open", at_s, told=state.told) if full else counted}
        if state.kind == "open" and at_s >= state.since_s + self._settings.wait_s - EITHER_S:
            return {state, State("open", at_s, told=state.told)}
        return {state}

    def _turns_away(self, state: State, away: TurnedAway) -> bool:
        if state.kind == "closed":
            return state.since_s >= away.sent_s - self._tie_s
        if state.kind == "open":
            due_s = state.since_s + self._settings.wait_s + EITHER_S
            return away.sent_s <= max(due_s, state.neutral_s) + self._tie_s
        return True

    # When nothing explains it

    def _refute(self, before: set[State], at_s: float, item: Attempt | TurnedAway) -> Refutation:
        kinds = {state.kind for state in before}
        wait_s = self._settings.wait_s
        if isinstance(item, TurnedAway):
            wrong: Wrong = "turned away" if "closed" in kinds else "no probe"
            since_s = max(s.since_s for s in before)
            return Refutation(
                wrong=wrong,
                at_s=item.sent_s,
                state_s=since_s,
                until_s=since_s + wait_s,
                turned_away=item,
            )
        probing = [state for state in before if state.kind == "half_open"]
        if probing and not any(
            state.kind == "open" and at_s < state.since_s + wait_s - EITHER_S for state in before
        ):
            first = self._attempts[probing[0].probe]
            return Refutation(
                wrong="two probes",
                at_s=at_s,
                state_s=first.start_s,
                until_s=first.end_s,
                attempt=item,
            )
        since_s = max(s.since_s for s in before)
        return Refutation(
            wrong="while open",
            at_s=at_s,
            state_s=since_s,
            until_s=since_s + wait_s,
            attempt=item,
        )


def _rank(event: Happening) -> int:
    """At one instant ends come first, then begins, then refusals; but nothing ends unbegun."""
    _, what, item = event
    if isinstance(item, Attempt) and item.start_s == item.end_s:
        return 1 if what == _START else 2
    return {_END: 0, _START: 3, _LOST: 4, _AWAY: 5}[what]


def _mixed(attempts: Sequence[Attempt], tie_s: float) -> dict[int, int]:
    """For each attempt, how many of another result ended too near to it to say which was first."""
    ends = sorted(attempts, key=lambda attempt: attempt.end_s)
    found: dict[int, int] = {}
    first = 0
    for index, attempt in enumerate(ends):
        while ends[first].end_s < attempt.end_s - tie_s:
            first += 1
        for other in ends[first:index]:
            if len(attempt.results | other.results) > 1:
                found[attempt.id] = found.get(attempt.id, 0) + 1
                found[other.id] = found.get(other.id, 0) + 1
    return found
