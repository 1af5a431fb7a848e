"""What a breaker with given rules may do with one event, by the state that it is in.

Each function takes one state with the stories that led there, and gives all states that may follow;
none where no such breaker would have done it.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping

from harness.policy.counting import FAILED, Counted, Result, Told, told
from harness.policy.rules import UnderWay
from harness.wire.attempts import Attempt
from harness.wire.demand import Asked
from harness.wire.outcomes import Outcomes
from harness.wire.states import State, States, add
from harness.wire.stories import Change, Stories, with_change
from harness.wire.waiting import Waiting

_LAPSED_S = 1.0
"""So long before it was seen to have another a trial's place may have been free."""
_EDGE_S = 0.1
"""Results nearer than this to the end of a window may count or not."""
_WELL: Told = 0
"""What a rule hears of a success."""
Next = tuple[State, Change | None]


class Rules:
    """The rules of one breaker, applied.

    `outcomes`: the rules as data, and what attempts count as. `mixed`: for each attempt, how many
    of another result ended too near to it to say which was first. `tie_s`, given with each event,
    is how far the target's own order of events may be from the wire's.
    """

    def __init__(self, outcomes: Outcomes, mixed: Mapping[int, int]) -> None:
        self._outcomes = outcomes
        self._policy = outcomes.policy
        self._rule = outcomes.policy.opens
        self._trials = outcomes.policy.trials
        self._mixed = mixed
        self._waiting = Waiting(outcomes.policy)
        failed = self._rule.after(self._rule.begin, FAILED, 0.0)
        forgets = self._rule.after(failed, _WELL, 0.0) == self._rule.begin
        self._quiet_s = 0.0 if forgets else 2 * (self._rule.reach[1] or math.inf)
        """After so long without a result a success leaves nothing of what came before it."""

    def _has_room(self, state: State) -> bool:
        return not state.stuck and self._trials.room(len(state.probes), state.tried)

    # What it may become

    def _open(self, state: State, from_s: float, since_s: float, seen: Hashable) -> State:
        """The same breaker, opened; not before it was what it was."""
        from_s = max(from_s, min(state.from_s, since_s))
        openings = self._policy.wait.told_apart(state.openings + 1)
        kept = self._rule.begin if self._policy.clears else seen
        return State("open", since_s, from_s, kept, openings=openings, told=state.told)

    def _closed(self, state: State, from_s: float, since_s: float) -> State:
        """The same breaker, closed."""
        seen = self._rule.anew if self._policy.clears else state.seen
        openings = 0 if self._policy.forgives else state.openings
        return State("closed", since_s, from_s, seen, openings=openings, told=state.told)

    def _back(self, state: State, since_s: float) -> State:
        """The same breaker, closed by itself: how often it had opened is not forgotten."""
        return self._closed(state, since_s, since_s)._replace(openings=state.openings)

    def _coming_back(self, state: State, at_s: float, attempt: Attempt | None) -> Change:
        low_s = min(at_s, self._waiting.due_s(state))
        return Change("closed", low_s, at_s, None if attempt is None else attempt.id)

    # An attempt begins

    def begun(self, state: State, stories: Stories, attempt: Attempt, tie_s: float) -> States:
        """It let an attempt through."""
        at_s = attempt.start_s
        if state.kind in ("any", "closed") or self._outcomes.unasked(attempt):
            return {state: stories}
        found: States = {}
        if state.kind == "half_open":
            if not state.stuck and self._trials.may_pass(len(state.probes), state.tried):
                add(found, state._replace(probes=state.probes | {attempt.id}), stories)
            elif at_s >= self._waiting.lapsed_s(state) - _LAPSED_S - tie_s:
                probes = state.probes | {attempt.id}
                add(found, state._replace(probes=probes, freed_s=at_s, stuck=False), stories)
            return found
        if at_s - state.since_s <= tie_s and not state.again:
            add(found, state, stories)
        if at_s >= self._waiting.due_s(state) - tie_s and not self._trials.needed:
            back = with_change(stories, self._coming_back(state, at_s, attempt))
            add(found, self._back(state, at_s), back)
        elif at_s >= self._waiting.due_s(state) - tie_s:
            mine = frozenset({attempt.id})
            probing = state._replace(kind="half_open", probes=mine, freed_s=at_s, again=False)
            change = Change("half_open", at_s, at_s, attempt.id)
            add(found, probing, with_change(stories, change))
        return found

    # An attempt ended

    def told(
        self,
        state: State,
        stories: Stories,
        attempt: Attempt,
        at_s: float,
        tie_s: float,
        *,
        alone: bool,
    ) -> States:
        """It heard how an attempt ended; results of an earlier era change nothing (B5).

        `alone`: whether no other attempt was under way.
        """
        if state.kind == "any":
            return self._known_again(state, stories, attempt, tie_s, alone=alone)
        found: States = {}
        for one, change in self.heard(state, attempt, at_s, tie_s):
            add(found, one, with_change(stories, change))
        return found

    def heard(self, state: State, attempt: Attempt, at_s: float, tie_s: float) -> Iterator[Next]:
        """What any but an unknown one may become by hearing at an instant how an attempt ended."""
        low_s, high_s = attempt.ends_from_s, attempt.end_s
        if low_s < at_s < high_s:
            high_s = at_s
        probe = state.kind == "half_open" and attempt.id in state.probes
        early = state.kind == "closed" and attempt.start_s < state.from_s - tie_s
        if state.kind == "open" or (state.kind == "half_open" and not probe) or early:
            yield from self._straggled(state, attempt, low_s, high_s)
            return
        for result in self._outcomes.each(attempt):
            if probe:
                yield self._after_probe(state, attempt, result, low_s, high_s)
            else:
                yield from self._counted(state, attempt, result, low_s, high_s)
        if not probe and attempt.start_s <= state.since_s + tie_s:
            yield state, None

    def _known_again(
        self, state: State, stories: Stories, attempt: Attempt, tie_s: float, *, alone: bool
    ) -> States:
        """After a time in which nothing could be read: a success says that it is closed, and what
        its rule goes by where nothing of before still counts.
        """
        end_s = attempt.end_s
        if attempt.result is not Result.SUCCESS:
            since_s = max(state.since_s, end_s)
            return {State("any", since_s, since_s): stories}  # it may be open
        if not alone or attempt.start_s <= state.since_s + self._quiet_s + tie_s:
            moved = state._replace(since_s=end_s, from_s=end_s) if self._quiet_s else state
            return {moved: stories}
        closed = State("closed", end_s, end_s, self._rule.after(self._rule.anew, _WELL, end_s))
        return {closed: tuple(s.then(Change("closed", s.at_s, end_s, None)) for s in stories)}

    def _straggled(
        self, state: State, attempt: Attempt, low_s: float, high_s: float
    ) -> Iterator[Next]:
        rule = self._policy.stragglers
        if rule == "nothing" or state.kind == "closed":
            yield state, None
            return
        for result in self._outcomes.each(attempt):
            heard = told(result)
            failed = bool(heard and heard & FAILED)
            if rule == "restarts" and failed and state.kind == "open":
                yield state._replace(since_s=high_s, from_s=low_s, again=True), None
            elif rule == "closes" and heard is not None and not failed:
                closed = State("closed", high_s, low_s, self._rule.anew, told=state.told)
                yield closed, Change("closed", low_s, high_s, attempt.id)
            else:
                yield state, None

    def _after_probe(
        self, state: State, attempt: Attempt, result: Counted, low_s: float, high_s: float
    ) -> Next:
        left = state.probes - {attempt.id}
        if self._outcomes.sticks(attempt, result):
            return state._replace(probes=left, stuck=True), None
        result = self._outcomes.as_probe(attempt, result)
        if result is None:
            goes_on = self._outcomes.goes_on_with(attempt)
            if goes_on is not None:
                return state._replace(probes=left | {goes_on}), None
            return state._replace(probes=left, freed_s=high_s), None
        heard = told(result)
        if heard is None:
            return self._goes_on(state, state.tried, left, attempt, low_s, high_s)
        tried = (*state.tried, heard)
        verdict = self._trials.verdict(tried)
        if verdict == "closes":
            return self._closed(state, low_s, high_s), Change("closed", low_s, high_s, attempt.id)
        if verdict == "opens":
            opened = self._open(state, low_s, high_s, state.seen)
            return opened, Change("open", low_s, high_s, attempt.id)
        if verdict == "again":
            return self._goes_on(state, (), left, attempt, low_s, high_s)
        return state._replace(probes=left, tried=tried, freed_s=high_s), None

    def _goes_on(
        self,
        state: State,
        tried: tuple[Told, ...],
        left: frozenset[int],
        attempt: Attempt,
        low_s: float,
        high_s: float,
    ) -> Next:
        """A trial gave its place back: where none is left, the next call tries again at once."""
        if left or tried:
            return state._replace(probes=left, tried=tried, freed_s=high_s), None
        waiting = state._replace(
            kind="open", probes=left, tried=(), freed_s=high_s, stuck=False, again=False
        )
        return waiting, Change("open", low_s, high_s, attempt.id)

    def _counted(
        self, state: State, attempt: Attempt, result: Counted, low_s: float, high_s: float
    ) -> list[Next]:
        """What its rule may be; near an opposite result either may have come first."""
        heard = told(result)
        if heard is None:
            return [(state, None)]
        opening = Change("open", low_s, high_s, attempt.id)
        waits_from_s = attempt.start_s if self._policy.from_start else None
        near = self._mixed.get(attempt.id, 0)
        beside = self._outcomes.beside(attempt) if self._rule.heeds_begun else None
        return self._after(state, heard, opening, near, waits_from_s, beside)

    def _after(
        self,
        state: State,
        heard: Told,
        opening: Change,
        others: int = 0,
        waits_from_s: float | None = None,
        beside: UnderWay | None = None,
    ) -> list[Next]:
        """One result more: it may open, or count it. `waits_from_s`: when its wait then begins, if
        not as it opens; `beside`: what was under way.
        """
        low_s, high_s = opening.low_s, opening.high_s
        from_s, since_s = (low_s, high_s) if waits_from_s is None else (waits_from_s, waits_from_s)
        found: list[Next] = []
        for seen in self._rule.possible(state.seen, heard, high_s, others):
            for opens in self._rule.may_open_beside(seen, _EDGE_S, beside):
                if opens:
                    found.append((self._open(state, from_s, since_s, seen), opening))
                else:
                    found.append((state if seen == state.seen else state.counting(seen), None))
        return found

    # Nobody saw an attempt

    def lost(self, state: State, stories: Stories, at_s: float) -> States:
        """An attempt may have failed here, and nobody saw it."""
        if state.kind == "any" and self._quiet_s:
            return {state._replace(since_s=at_s, from_s=at_s): stories}
        found: States = {state: stories}
        self._failed_unseen(found, state, stories, at_s, at_s, self._waiting.due_s(state))
        return found

    def asked(self, state: State, stories: Stories, asked: Asked, tie_s: float) -> States:
        """It turned a request away; or let an attempt through that failed unseen."""
        found: States = {}
        if self._turns_away(state, asked, tie_s):
            kept = state
            if self._policy.restarted_by_rejections and state.kind == "open":
                kept = state._replace(since_s=asked.by_s, from_s=asked.asked_s, again=True)
            if self._policy.overruled and state.kind == "half_open":
                kept = self._open(state, asked.asked_s, asked.by_s, state.seen)
                opening = Change("open", asked.asked_s, asked.by_s, None)
                add(found, kept, with_change(stories, opening))
            else:
                add(found, kept, stories)
        if not asked.sure:
            if state.kind == "any":
                add(found, state, stories)
            due_s = self._waiting.due_s(state) - tie_s
            self._failed_unseen(found, state, stories, asked.asked_s, asked.by_s, due_s)
        return found

    def _failed_unseen(
        self,
        found: States,
        state: State,
        stories: Stories,
        low_s: float,
        high_s: float,
        due_s: float,
    ) -> None:
        opening = Change("open", low_s, high_s, None)
        if state.kind == "closed":
            for one, change in self._after(state, FAILED, opening):
                add(found, one, with_change(stories, change))
        elif state.kind == "open" and high_s >= due_s and not self._trials.needed:
            stories = with_change(stories, self._coming_back(state, high_s, None))
            back = self._back(state, high_s)
            for one, change in self._after(back, FAILED, opening):
                add(found, one, with_change(stories, change))
        elif state.kind == "open" and high_s >= due_s:
            stories = with_change(stories, Change("half_open", low_s, high_s, None))
            probing = state._replace(kind="half_open", freed_s=high_s)
            self._tried_unseen(found, probing, stories, opening)
        elif state.kind == "half_open" and state.tried and self._has_room(state):
            self._tried_unseen(found, state, stories, opening)

    def _tried_unseen(self, found: States, state: State, stories: Stories, opening: Change) -> None:
        """A trial failed that nobody saw."""
        tried = (*state.tried, FAILED)
        verdict = self._trials.verdict(tried)
        if verdict == "opens":
            opened = self._open(state, opening.low_s, opening.high_s, state.seen)
            add(found, opened, with_change(stories, opening))
        elif verdict == "again":
            waiting = state._replace(kind="open", tried=(), freed_s=opening.high_s)
            add(found, waiting, with_change(stories, opening))
        elif verdict is None:
            add(found, state._replace(tried=tried, freed_s=opening.high_s), stories)

    def _turns_away(self, state: State, asked: Asked, tie_s: float) -> bool:
        match state.kind:
            case "closed":
                # It has closed only after this request had asked.
                return state.since_s >= asked.asked_s - tie_s
            case "open":
                return asked.asked_s <= self._waiting.shut_until_s(state) + tie_s
            case "half_open":
                if self._has_room(state):
                    return asked.asked_s <= state.freed_s + tie_s
                return asked.asked_s <= self._waiting.lapsed_s(state) + tie_s
            case _:
                return True
