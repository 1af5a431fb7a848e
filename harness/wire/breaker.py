"""Whether a breaker with given rules explains what crossed the wire, and how it then changed.

An acceptor: attempts begin and end, requests are turned away; after each of these events it holds
all states in which such a breaker may be, each with the changes that led there. Where the wire
leaves room (ties, an answer at the edge of its deadline, a port that shows nobody's attempts),
several remain. When none remains, no breaker with these rules did this: only the first such event
is told, since what follows may be its consequence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from functools import lru_cache

from harness.policy.counting import Counted, Result
from harness.policy.rules import Rule
from harness.wire.attempts import Attempt
from harness.wire.course import BLIND_S, Course, Happening, Lost, UnderWay
from harness.wire.course import END as ENDS
from harness.wire.course import START as BEGINS
from harness.wire.demand import Asked
from harness.wire.outcomes import Outcomes, mixed
from harness.wire.rules import Next, Rules
from harness.wire.states import NEVER, Reading, Refutation, State, States, Wrong, add
from harness.wire.stories import START, Change, merged, with_change
from harness.wire.waiting import Waiting

_MOST_TIES = 40
"""Of so many ends near to one instant, at the most, every order is tried."""
_MOST_STATES = 200
"""More than that is no reading any more: whatever follows is said to be unknown."""
_MOST_EARLIER = 20
_CALM = frozenset({Result.SUCCESS, Result.NEUTRAL, None})
"""What a closed breaker that has seen no failure takes no notice of."""


def read(
    attempts: Sequence[Attempt],
    asked: Collection[Asked],
    outcomes: Outcomes,
    *,
    tie_s: Callable[[float], float],
    lost: Sequence[float] = (),
    forgiving: bool = False,
    earlier: Sequence[float] = (),
) -> Reading:
    """Hold all events of one upstream against a breaker's rules.

    `outcomes`: what each attempt is to a breaker with these rules, and the rules. `tie_s`: how far
    the target's own order of events may be from the wire's around an instant, in seconds. `lost`:
    instants at which one attempt may have failed unseen. `forgiving`: go on as if what isn't
    explained had not been. `earlier`: when successes of the warm-up were told, all or some of which
    a rule may still count.
    """
    course = Course(attempts, asked, tie_s, lost)
    return along(course, outcomes, forgiving=forgiving, earlier=earlier)


def along(
    course: Course, outcomes: Outcomes, *, forgiving: bool = False, earlier: Sequence[float] = ()
) -> Reading:
    """The same along a course of events, which rules may be held against one after another."""
    known = course.plainly if outcomes.plain else None
    near = None if known is None else known[0]
    acceptor = Acceptor(course.attempts, outcomes, course.tie_s, earlier, near=near)
    stirs = course.stirs(acceptor.is_calm) if known is None else known[1]
    if outcomes.plain:
        course.plainly = acceptor.mixed, stirs
    states, in_flight, walk = acceptor.begins, UnderWay(), iter(course)
    unexplained: list[Refutation] = []
    left_out: set[int] = set()
    lost_track = False
    looked_s = NEVER
    for event in walk:
        if isinstance(event.item, Attempt) and event.item.id in left_out:
            continue
        before = acceptor.early(states, event, in_flight.ended_by(event.at_s + event.tie_s))
        after = acceptor.next(before, event, in_flight.attempts)
        if not after:
            unexplained.append(acceptor.refute(before, event))
            if not forgiving:
                break
            if isinstance(event.item, Attempt):
                left_out.add(event.item.id)
            continue
        in_flight.note(event)
        states = after
        lost_track |= any(state.kind == "any" for state in states)
        if event.at_s >= looked_s and not left_out and acceptor.rests(states):
            looked_s = stirs.next_s(event.at_s)  # until then there is nothing else to leave out
            under_way = walk.go_on(looked_s)
            if under_way is not None:
                in_flight.are(under_way)
    return Reading(
        stories=merged(story for stories in states.values() for story in stories),
        events=course.events,
        unexplained=tuple(unexplained),
        lost_track=lost_track,
    )


def _begins(rule: Rule, earlier: Sequence[float]) -> States:
    """The states in which a breaker may be at 0s, closed."""
    found: States = {State("closed", NEVER, NEVER, rule.begin): (START,)}
    seen = rule.begin
    for number, at_s in enumerate(earlier):
        seen = rule.after(seen, False, at_s)
        if number >= len(earlier) - _MOST_EARLIER:
            add(found, State("closed", NEVER, NEVER, seen), (START,))
    return found


class Acceptor:
    """Follows a breaker with certain rules from event to event."""

    def __init__(
        self,
        attempts: Sequence[Attempt],
        outcomes: Outcomes,
        tie_s: Callable[[float], float],
        earlier: Sequence[float] = (),
        *,
        near: dict[int, int] | None = None,
    ) -> None:
        """`earlier`: when successes of the warm-up were told, as in `read`; `near`: what is mixed,
        where that is known.
        """
        self.policy = outcomes.policy
        """The rules that it goes by."""
        self.begins = _begins(outcomes.policy.opens, earlier)
        """The states in which it may be at 0s."""
        self._outcomes = outcomes
        self.mixed = mixed(attempts, outcomes, tie_s) if near is None else near
        """Which ends are too near to opposite ones to say which was first."""
        self._rules = Rules(outcomes, self.mixed)
        self._waiting = Waiting(outcomes.policy)
        self._attempts = attempts
        self._deaf = outcomes.policy.stragglers == "nothing"
        """Whether an open one takes no notice of how an attempt ends."""
        self._early: dict[int, dict[Hashable, tuple[Next, ...]]] = {}
        """By attempt under way: what states become that hear of its end before its turn."""
        self._shut: tuple[States, float] = {}, -math.inf
        """Until when the states that were last asked turn everybody away."""

    # Where nothing can change

    def rests(self, states: States) -> bool:
        """Whether it surely is closed and nothing that is calm changes that."""
        if len(states) > 1:
            return False
        (state,) = states
        return state.kind == "closed" and not state.told and self.policy.opens.rests(state.seen)

    def is_calm(self, attempt: Attempt) -> bool:
        """Whether an attempt that begins and ends changes nothing of one that rests."""
        return attempt.id not in self.mixed and _are_calm(self._outcomes.results(attempt))

    # The order of events near to each other is not the wire's to tell.

    def early(self, states: States, event: Happening, in_flight: Collection[Attempt]) -> States:
        """The states, and those after ends that the target may have seen already.

        `in_flight`: at least those under way that may have ended by then.
        """
        if not in_flight:
            return states
        soon = sorted(
            (
                a
                for a in in_flight
                if a is not event.item and a.ends_from_s <= event.at_s + event.tie_s
            ),
            key=lambda attempt: attempt.end_s,
        )
        if not soon or event.tie_s > BLIND_S:
            return states
        found = dict(states)
        told = {
            state: stories
            for state, stories in states.items()
            if state.kind != "any" and not (state.kind == "open" and self._deaf)
        }
        for attempt in soon[:_MOST_TIES]:
            reached: States = {}
            for state, stories in told.items():
                if attempt.id in state.told:
                    add(reached, state, stories)
                    continue
                for after, change in self._told_early(state, attempt, event):
                    add(reached, after, with_change(stories, change))
            told = reached
            for state, stories in told.items():
                add(found, state, stories)
            if len(found) > _MOST_STATES:
                return _unknown(states, event.at_s)
        return found

    def _told_early(self, state: State, attempt: Attempt, event: Happening) -> tuple[Next, ...]:
        """What a state becomes if it heard already how an attempt under way ends; itself alone
        where that changes nothing, whenever it is heard.

        All events until then ask for it again: it is worked out once.
        """
        known = self._early.setdefault(attempt.id, {})
        in_between = attempt.ends_from_s < event.at_s < attempt.end_s
        key = state, event.tie_s, event.at_s if in_between else None
        if key not in known:
            moves = tuple(self._rules.heard(state, attempt, event.at_s, event.tie_s))
            idle = all(one == state for one, _ in moves)
            told = ((one.having(attempt.id), change) for one, change in moves)
            known[key] = ((state, None),) if idle else tuple(told)
        return known[key]

    def next(self, states: States, event: Happening, in_flight: Mapping[int, Attempt]) -> States:
        """All states in which it may be after an event; none where nothing explains it."""
        if event.tie_s > BLIND_S:
            return _unknown(states, event.at_s)
        moved: list[States] = []
        same = True
        item, tie_s = event.item, event.tie_s
        doubtful = isinstance(item, Attempt) and item.old
        if event.what == BEGINS and not doubtful and all(s.kind == "closed" for s in states):
            return states  # they let it through
        if isinstance(item, Asked) and self._keeps_out(states, item, tie_s):
            return states
        if event.what == ENDS and isinstance(item, Attempt):
            self._early.pop(item.id, None)  # nobody asks for it again
        for state, stories in states.items():
            if isinstance(item, Asked):
                found = self._rules.asked(state, stories, item, tie_s)
            elif isinstance(item, Lost):
                found = self._rules.lost(state, stories, item.at_s)
            elif event.what == BEGINS:
                found = self._rules.begun(state, stories, item, tie_s)
                if doubtful:
                    add(found, state.having(item.id), stories)  # it is none
            elif item.id in state.told:
                found = {state.without(item.id): stories}
            else:
                alone = len(in_flight) == (item.id in in_flight)
                found = self._rules.told(state, stories, item, event.at_s, tie_s, alone=alone)
            moved.append(found)
            same = same and len(found) == 1 and found.get(state) is stories
        if same:
            return states
        after: States = {}
        for found in moved:
            for one, its in found.items():
                add(after, one, its)
        return after if len(after) <= _MOST_STATES else _unknown(after, event.at_s)

    def _keeps_out(self, states: States, asked: Asked, tie_s: float) -> bool:
        """Whether all of them turn a request away, which changes nothing of them: mostly the same
        states are asked again and again.
        """
        if not asked.sure:
            return False
        if self._shut[0] is not states:
            self._shut = states, self._waiting.all_shut_until_s(states)
        return asked.asked_s <= self._shut[1] + tie_s

    def forgotten(self, states: States, horizon_s: float) -> States:
        """The same, without how they came about, and since when they last: what began before the
        horizon and is over doesn't matter to what comes, which all begins after it.
        """
        found: States = {}
        for state in states:
            freed_s = NEVER if state.freed_s < horizon_s else state.freed_s
            over = state.kind == "closed" and state.since_s < horizon_s
            over = over or (state.kind == "open" and self.is_due(state, horizon_s))
            since_s, from_s = (NEVER, NEVER) if over else (state.since_s, state.from_s)
            one = state._replace(since_s=since_s, from_s=from_s, freed_s=freed_s)
            add(found, one, (START,))
        return found

    def is_due(self, state: State, at_s: float) -> bool:
        """Whether the wait of an open one is surely over."""
        return at_s > self._waiting.by_s(state)

    # When nothing explains it

    def refute(self, before: States, event: Happening) -> Refutation:
        """What is wrong with an event that none of these states explains."""
        item = event.item
        assert not isinstance(item, Lost)  # what nobody saw refutes nothing
        since_s = max((s.since_s for s in before), default=NEVER)
        until_s = self._until_s(before, since_s)
        if isinstance(item, Asked):
            closed = any(state.kind == "closed" for state in before)
            wrong: Wrong = "turned away" if closed else "no probe"
            return Refutation(wrong, item.asked_s, since_s, until_s, asked=item)
        probing = [state for state in before if state.kind == "half_open" and state.probes]
        waiting = any(s.kind == "open" and event.at_s < self._waiting.due_s(s) for s in before)
        if not probing or waiting:
            return Refutation("while open", event.at_s, since_s, until_s, attempt=item)
        number = min(probing[0].probes)
        first = next(attempt for attempt in self._attempts if attempt.id == number)
        return Refutation("two probes", event.at_s, first.start_s, first.end_s, attempt=item)

    def _until_s(self, before: States, since_s: float) -> float:
        """When it would have tried again that has been open since then."""
        openings = max((s.openings for s in before if s.since_s == since_s), default=1)
        return since_s + self.policy.wait.wait_s(max(1, openings))


@lru_cache  # asked for each attempt, of which there are a few kinds
def _are_calm(results: frozenset[Counted]) -> bool:
    return results <= _CALM


def _unknown(states: States, at_s: float) -> States:
    """Any state at all, where there are too many to follow."""
    if all(state.kind == "any" for state in states):
        return states
    stories = merged(story for all_of in states.values() for story in all_of)
    change = Change("any", at_s, at_s, None)
    return {State("any", at_s, at_s): merged(story.then(change) for story in stories)}
