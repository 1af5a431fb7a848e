"""Whether a breaker with given rules explains what crossed the wire, and how it then changed.

An acceptor: attempts begin and end, requests are turned away; after each of these events it holds
all states in which such a breaker may be, each with the changes that led there. Where the wire
leaves room (ties, an answer at the edge of its deadline, a port that shows nobody's attempts),
several remain. When none remains, no breaker with these rules did this: only the first such event
is told, since what follows may be its consequence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from harness.wire.attempts import Attempt, Result
from harness.wire.outcomes import Outcomes
from harness.wire.states import NEVER, Asked, Lost, Reading, Refutation, State, Wrong
from harness.wire.stories import START, Change, Story, merged

Item = Attempt | Asked | Lost
Happening = tuple[float, int, Item]
States = dict[State, tuple[Story, ...]]
_END, _START, _AWAY, _LOST = 0, 1, 2, 3
_BLIND_S = 1.0
"""Where the machine was later than this nothing is read from the order of events."""
_MOST_TIES = 40
"""Of so many ends near to one instant, at the most, every order is tried."""
_MOST_STATES = 200
"""More than that is no reading any more: whatever follows is said to be unknown."""


def read(
    attempts: Sequence[Attempt],
    asked: Iterable[Asked],
    outcomes: Outcomes,
    *,
    tie_s: Callable[[float], float],
    lost: Sequence[float] = (),
    forgiving: bool = False,
) -> Reading:
    """Hold all events of one upstream against a breaker's rules.

    `outcomes`: what each attempt is to a breaker with these rules, and the rules. `tie_s`: how far
    the target's own order of events may be from the wire's around an instant, in seconds. `lost`:
    instants at which one attempt may have failed unseen. `forgiving`: go on as if what isn't
    explained had not been.
    """
    return _Acceptor(attempts, asked, outcomes, tie_s, lost).read(forgiving)


class _Acceptor:
    def __init__(
        self,
        attempts: Sequence[Attempt],
        asked: Iterable[Asked],
        outcomes: Outcomes,
        tie_s: Callable[[float], float],
        lost: Sequence[float],
    ) -> None:
        self._outcomes = outcomes
        self._policy = outcomes.policy
        self._tie_at = tie_s
        self._tie_s = tie_s(0.0)
        self._attempts = {attempt.id: attempt for attempt in attempts}
        events: list[Happening] = []
        for attempt in attempts:
            events.append((attempt.start_s, _START, attempt))
            events.append((attempt.end_s, _END, attempt))
        # What the target did meanwhile may show on the wire a little later.
        events += [
            (one.by_s + (min(tie_s(one.by_s), _BLIND_S) if one.sure else 0.0), _AWAY, one)
            for one in asked
        ]
        events += [(at_s, _LOST, Lost(at_s)) for at_s in lost]
        # An attempt that ends the instant it begins begins first.
        self._events = sorted(events, key=lambda e: (e[0], _rank(e)))
        self._states: States = {State("closed", NEVER): (START,)}
        self._in_flight: dict[int, Attempt] = {}
        self._mixed = _mixed(attempts, outcomes, tie_s)

    def read(self, forgiving: bool) -> Reading:
        unexplained: list[Refutation] = []
        left_out: set[int] = set()
        for at_s, what, item in self._events:
            self._tie_s = self._tie_at(at_s)
            if isinstance(item, Attempt) and item.id in left_out:
                continue
            if self._tie_s > _BLIND_S:
                self._states = self._unknown(self._states, at_s)
                self._note(what, item)
                continue
            before = self._early(at_s, item)
            after = self._next(before, at_s, what, item)
            if not after:
                unexplained.append(self._refute(before, at_s, item))
                if not forgiving:
                    break
                if isinstance(item, Attempt):
                    left_out.add(item.id)
                continue
            self._note(what, item)
            self._states = after if len(after) <= _MOST_STATES else self._unknown(after, at_s)
        stories = (story for stories in self._states.values() for story in stories)
        return Reading(
            policy=self._policy,
            stories=merged(stories),
            refutation=unexplained[0] if unexplained else None,
            events=len(self._events),
            unexplained=tuple(unexplained),
        )

    def _unknown(self, states: States, at_s: float) -> States:
        """Any state at all, where there are too many to follow."""
        if all(state.kind == "any" for state in states):
            return states
        stories = merged(story for all_of in states.values() for story in all_of)
        change = Change("any", at_s, at_s, None)
        return {State("any", at_s): merged(story.then(change) for story in stories)}

    def _note(self, what: int, item: Item) -> None:
        if isinstance(item, Attempt):
            if what == _START:
                self._in_flight[item.id] = item
            else:
                self._in_flight.pop(item.id, None)

    # The order of events near to each other is not the wire's to tell.

    def _early(self, at_s: float, item: Item) -> States:
        """The states, and those after ends that the target may have seen already."""
        soon = sorted(
            (
                a
                for a in self._in_flight.values()
                if a is not item and a.ends_from_s <= at_s + self._tie_s
            ),
            key=lambda attempt: attempt.end_s,
        )
        found = dict(self._states)
        if not soon:
            return found
        for state, stories in self._states.items():
            if state.kind == "any":
                continue
            reached = {state: stories}
            for attempt in soon[:_MOST_TIES]:
                if attempt.id in state.told:
                    continue
                following: States = {}
                for one, its in reached.items():
                    after = self._told(one, its, attempt, at_s)
                    if len(after) == 1 and one in after:
                        _add(following, one, its)  # it changes nothing, whenever it is told
                        continue
                    for told, theirs in after.items():
                        _add(following, told.having(attempt.id), theirs)
                reached = following
                for told, theirs in reached.items():
                    _add(found, told, theirs)
                if len(found) > _MOST_STATES:
                    return self._unknown(self._states, at_s)
        return found

    def _next(self, states: States, at_s: float, what: int, item: Item) -> States:
        after: States = {}
        for state, stories in states.items():
            if isinstance(item, Asked):
                found = self._asks(state, stories, item)
            elif isinstance(item, Lost):
                found = self._lost(state, stories, item.at_s)
            elif what == _START:
                found = self._begin(state, stories, item)
            elif item.id in state.told:
                found = {replace(state, told=state.told - {item.id}): stories}
            else:
                found = self._told(state, stories, item, at_s)
            for one, its in found.items():
                _add(after, one, its)
        return after

    # What such a breaker does

    def _begin(self, state: State, stories: tuple[Story, ...], attempt: Attempt) -> States:
        at_s = attempt.start_s
        if state.kind in ("any", "closed"):
            return {state: stories}
        if self._outcomes.unasked(attempt):
            return {state: stories}
        found: States = {}
        if state.kind == "half_open":
            room = len(state.probes) < self._policy.probes and not state.stuck
            if room:
                _add(found, replace(state, probes=state.probes | {attempt.id}), stories)
            return found
        if at_s - state.since_s <= self._tie_s:
            _add(found, state, stories)
        due_s = state.since_s + self._policy.wait_s - self._policy.either_s
        if at_s >= due_s - self._tie_s:
            probing = State(
                "half_open",
                state.since_s,
                failures=state.failures,
                probes=frozenset({attempt.id}),
                told=state.told,
                successes=state.successes,
            )
            change = Change("half_open", at_s, at_s, attempt.id)
            _add(found, probing, tuple(s.then(change) for s in stories))
        return found

    def _told(
        self, state: State, stories: tuple[Story, ...], attempt: Attempt, at_s: float
    ) -> States:
        """An attempt ended; results of an earlier era change nothing (B5)."""
        if state.kind == "any":
            if attempt.result is not Result.SUCCESS:
                return {State("any", max(state.since_s, attempt.end_s)): stories}  # it may be open
            others = [a for a in self._in_flight if a != attempt.id]
            if others or attempt.start_s <= state.since_s + self._tie_s:
                return {state: stories}
            known = State("closed", attempt.end_s)
            closings = (s.then(Change("closed", s.at_s, attempt.end_s, None)) for s in stories)
            return {known: tuple(closings)}
        low_s, high_s = attempt.ends_from_s, attempt.end_s
        if low_s < at_s < high_s:
            high_s = at_s
        if state.kind == "open":
            return self._straggled(state, stories, attempt, low_s, high_s)
        if state.kind == "half_open":
            if attempt.id not in state.probes:
                return self._straggled(state, stories, attempt, low_s, high_s)
            found: States = {}
            for result in self._outcomes.results(attempt):
                one, change = self._after_probe(state, attempt, result, low_s, high_s)
                _add(found, one, _with(stories, change))
            return found
        if attempt.start_s < state.since_s - self._tie_s:
            return self._straggled(state, stories, attempt, low_s, high_s)
        found = {}
        for result in self._outcomes.results(attempt):
            for one, change in self._counted(state, attempt, result, low_s, high_s):
                _add(found, one, _with(stories, change))
        if attempt.start_s <= state.since_s + self._tie_s:
            _add(found, state, stories)
        return found

    def _straggled(
        self,
        state: State,
        stories: tuple[Story, ...],
        attempt: Attempt,
        low_s: float,
        high_s: float,
    ) -> States:
        rule = self._policy.stragglers
        results = self._outcomes.results(attempt)
        if rule == "nothing" or state.kind == "closed":
            return {state: stories}
        found: States = {}
        for result in results:
            if rule == "restarts" and result is Result.FAILURE and state.kind == "open":
                _add(found, replace(state, since_s=high_s), stories)
            elif rule == "closes" and result is Result.SUCCESS:
                closed = State("closed", high_s, told=state.told)
                _add(found, closed, _with(stories, Change("closed", low_s, high_s, attempt.id)))
            else:
                _add(found, state, stories)
        return found

    def _after_probe(
        self, state: State, attempt: Attempt, result: Result | None, low_s: float, high_s: float
    ) -> tuple[State, Change | None]:
        rules, left = self._policy, state.probes - {attempt.id}
        refused = attempt.status is not None and 400 <= attempt.status < 500
        if result is None:
            return replace(state, probes=left), None
        if refused and rules.refused_probe == "sticks" and result is Result.SUCCESS:
            return replace(state, probes=left, stuck=True), None
        if result is Result.SUCCESS or (
            result is Result.FAILURE and rules.failed_probe == "closes"
        ):
            done = state.successes + 1
            if done < rules.successes:
                return replace(state, probes=left, successes=done), None
            kept = 0 if rules.clears else max(0, int(min(rules.least, 1e9)) - 1)
            closed = State("closed", high_s, failures=kept, told=state.told)
            return closed, Change("closed", low_s, high_s, attempt.id)
        if result is Result.FAILURE and rules.failed_probe == "opens":
            opened = State("open", high_s, failures=state.failures, told=state.told)
            return opened, Change("open", low_s, high_s, attempt.id)
        waiting = State(
            "open",
            state.since_s,
            failures=state.failures,
            neutral_s=high_s,
            told=state.told,
        )
        if left:
            return replace(state, probes=left), None
        return waiting, Change("open", low_s, high_s, attempt.id)

    def _counted(
        self, state: State, attempt: Attempt, result: Result | None, low_s: float, high_s: float
    ) -> list[tuple[State, Change | None]]:
        """What the count may be; near an opposite result either may have come first."""
        rules = self._policy
        others = self._mixed.get(attempt.id, 0)
        full = math.isinf(rules.most)
        most = (rules.least if full else rules.most) - 1
        if result is None or result is Result.NEUTRAL:
            return [(state, None)]
        if result is Result.SUCCESS:
            if not rules.resets:
                return [(state, None)]
            few = int(min(others, most))
            if not few and not state.failures:
                return [(state, None)]
            return [(replace(state, failures=k, first_s=NEVER), None) for k in range(few + 1)]
        found: list[tuple[State, Change | None]] = [(state, None)] if others else []
        failures, first_s = state.failures, state.first_s
        forgets = not math.isinf(rules.forgets_s)
        if forgets and (failures == 0 or high_s - first_s > rules.forgets_s):
            failures, first_s = 0, high_s
        count = failures + 1
        if count >= rules.least:
            since_s = attempt.start_s if rules.from_start else high_s
            opened = State("open", since_s, failures=0 if rules.clears else count, told=state.told)
            found.append((opened, Change("open", low_s, high_s, attempt.id)))
        if count < rules.most:
            kept = min(count, rules.least) if full else count
            found.append((replace(state, failures=int(kept), first_s=first_s), None))
        return found

    def _lost(self, state: State, stories: tuple[Story, ...], at_s: float) -> States:
        """Nobody saw an attempt; it may have failed all the same."""
        found: States = {state: stories}
        if state.kind == "closed":
            for one, change in self._failed_unseen(state, at_s, at_s):
                _add(found, one, _with(stories, change))
        elif state.kind == "open" and at_s >= self._due_s(state):
            again = State("open", at_s, told=state.told)
            _add(found, again, tuple(_probed(s, at_s, at_s) for s in stories))
        return found

    def _failed_unseen(
        self, state: State, low_s: float, high_s: float
    ) -> list[tuple[State, Change | None]]:
        count, rules = state.failures + 1, self._policy
        found: list[tuple[State, Change | None]] = []
        if count >= rules.least:
            opened = State("open", high_s, told=state.told)
            found.append((opened, Change("open", low_s, high_s, None)))
        if count < rules.most:
            kept = min(count, rules.least) if math.isinf(rules.most) else count
            found.append((replace(state, failures=int(kept)), None))
        return found

    def _asks(self, state: State, stories: tuple[Story, ...], asked: Asked) -> States:
        """It is turned away; or makes an attempt that fails unseen, where that may be."""
        found: States = {}
        if self._turns_away(state, asked):
            kept = state
            if self._policy.restarted_by_rejections and state.kind == "open":
                kept = replace(state, since_s=asked.by_s)
            _add(found, kept, stories)
        if asked.sure:
            return found
        if state.kind in ("closed", "any"):
            if state.kind == "any":
                _add(found, state, stories)
            else:
                for one, change in self._failed_unseen(state, asked.asked_s, asked.by_s):
                    _add(found, one, _with(stories, change))
        elif state.kind == "open" and asked.by_s >= self._due_s(state) - self._tie_s:
            again = State("open", asked.by_s, told=state.told)
            _add(found, again, tuple(_probed(s, asked.asked_s, asked.by_s) for s in stories))
        return found

    def _due_s(self, state: State) -> float:
        return state.since_s + self._policy.wait_s - self._policy.either_s

    def _turns_away(self, state: State, asked: Asked) -> bool:
        if state.kind == "closed":
            # It has closed only after this request had asked.
            return state.since_s >= asked.asked_s - self._tie_s
        if state.kind == "open":
            due_s = state.since_s + self._policy.wait_most_s + self._policy.either_s
            return asked.asked_s <= max(due_s, state.neutral_s) + self._tie_s
        return True

    # When nothing explains it

    def _refute(self, before: States, at_s: float, item: Item) -> Refutation:
        assert not isinstance(item, Lost)  # what nobody saw refutes nothing
        kinds = {state.kind for state in before}
        rules = self._policy
        since_s = max((s.since_s for s in before), default=NEVER)
        if isinstance(item, Asked):
            wrong: Wrong = "turned away" if "closed" in kinds else "no probe"
            return Refutation(
                wrong=wrong,
                at_s=item.asked_s,
                state_s=since_s,
                until_s=since_s + rules.wait_most_s,
                asked=item,
            )
        probing = [state for state in before if state.kind == "half_open" and state.probes]
        if probing and not any(
            state.kind == "open" and at_s < self._due_s(state) for state in before
        ):
            first = self._attempts[min(probing[0].probes)]
            return Refutation(
                wrong="two probes",
                at_s=at_s,
                state_s=first.start_s,
                until_s=first.end_s,
                attempt=item,
            )
        return Refutation(
            wrong="while open",
            at_s=at_s,
            state_s=since_s,
            until_s=since_s + rules.wait_s,
            attempt=item,
        )


def _add(states: States, state: State, stories: tuple[Story, ...]) -> None:
    known = states.get(state)
    states[state] = stories if known is None or known is stories else merged((*known, *stories))


def _with(stories: tuple[Story, ...], change: Change | None) -> tuple[Story, ...]:
    return stories if change is None else tuple(story.then(change) for story in stories)


def _probed(story: Story, low_s: float, high_s: float) -> Story:
    """An unseen probe that failed."""
    return story.then(Change("half_open", low_s, high_s, None)).then(
        Change("open", low_s, high_s, None)
    )


def _rank(event: Happening) -> int:
    """At one instant ends come first, then begins, then refusals; but nothing ends unbegun."""
    _, what, item = event
    if isinstance(item, Attempt) and item.start_s == item.end_s:
        return 1 if what == _START else 2
    return {_END: 0, _START: 3, _LOST: 4, _AWAY: 5}[what]


def _mixed(
    attempts: Sequence[Attempt], outcomes: Outcomes, tie_s: Callable[[float], float]
) -> dict[int, int]:
    """For each attempt, how many of another result ended too near to it to say which was first."""
    ends = sorted(attempts, key=lambda attempt: attempt.end_s)
    found: dict[int, int] = {}
    first = 0
    for index, attempt in enumerate(ends):
        while ends[first].end_s < attempt.ends_from_s - tie_s(attempt.end_s) and first < index:
            first += 1
        for other in ends[first:index]:
            if len(outcomes.results(attempt) | outcomes.results(other)) > 1:
                found[attempt.id] = found.get(attempt.id, 0) + 1
                found[other.id] = found.get(other.id, 0) + 1
    return found
