"""What a breaker with given rules may do with one event, by the state that it is in.

Each function takes one state with the stories that led there, and gives all states that may follow;
none where no such breaker would have done it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from harness.policy.rules import Rule
from harness.wire.attempts import Attempt, Result
from harness.wire.outcomes import Outcomes
from harness.wire.policy import Counted
from harness.wire.states import Asked, State, States, add
from harness.wire.stories import Change, Story

_EDGE_S = 0.1
"""Results nearer than this to the end of a window may count or not."""
Stories = tuple[Story, ...]
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
        self._mixed = mixed

    def due_s(self, state: State) -> float:
        """When an open one may probe at the earliest."""
        return state.since_s + self._policy.wait_s - self._policy.either_s

    # An attempt begins

    def begun(self, state: State, stories: Stories, attempt: Attempt, tie_s: float) -> States:
        """It let an attempt through."""
        at_s = attempt.start_s
        if state.kind in ("any", "closed") or self._outcomes.unasked(attempt):
            return {state: stories}
        found: States = {}
        if state.kind == "half_open":
            if len(state.probes) < self._policy.probes and not state.stuck:
                add(found, replace(state, probes=state.probes | {attempt.id}), stories)
            return found
        if at_s - state.since_s <= tie_s:
            add(found, state, stories)
        if at_s >= self.due_s(state) - tie_s:
            probing = State(
                "half_open",
                state.since_s,
                failures=state.failures,
                probes=frozenset({attempt.id}),
                told=state.told,
                successes=state.successes,
                freed_s=at_s,
            )
            change = Change("half_open", at_s, at_s, attempt.id)
            add(found, probing, _with(stories, change))
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
            return _known_again(state, stories, attempt, tie_s, alone=alone)
        low_s, high_s = attempt.ends_from_s, attempt.end_s
        if low_s < at_s < high_s:
            high_s = at_s
        probe = state.kind == "half_open" and attempt.id in state.probes
        early = state.kind == "closed" and attempt.start_s < state.since_s - tie_s
        if state.kind == "open" or (state.kind == "half_open" and not probe) or early:
            return self._straggled(state, stories, attempt, low_s, high_s)
        found: States = {}
        for result in self._outcomes.results(attempt):
            after = (
                [self._after_probe(state, attempt, result, low_s, high_s)]
                if probe
                else self._counted(state, attempt, result, low_s, high_s)
            )
            for one, change in after:
                add(found, one, _with(stories, change))
        if not probe and attempt.start_s <= state.since_s + tie_s:
            add(found, state, stories)
        return found

    def _straggled(
        self, state: State, stories: Stories, attempt: Attempt, low_s: float, high_s: float
    ) -> States:
        rule = self._policy.stragglers
        if rule == "nothing" or state.kind == "closed":
            return {state: stories}
        found: States = {}
        for result in self._outcomes.results(attempt):
            if rule == "restarts" and result is Result.FAILURE and state.kind == "open":
                add(found, replace(state, since_s=high_s), stories)
            elif rule == "closes" and result is Result.SUCCESS:
                closed = State("closed", high_s, told=state.told)
                add(found, closed, _with(stories, Change("closed", low_s, high_s, attempt.id)))
            else:
                add(found, state, stories)
        return found

    def _after_probe(
        self, state: State, attempt: Attempt, result: Counted, low_s: float, high_s: float
    ) -> Next:
        rules, left = self._policy, state.probes - {attempt.id}
        if self._outcomes.sticks(attempt, result):
            return replace(state, probes=left, stuck=True), None
        if result is None:
            return replace(state, probes=left, freed_s=high_s), None
        if result is Result.SUCCESS or (
            result is Result.FAILURE and rules.failed_probe == "closes"
        ):
            done = state.successes + 1
            if done < rules.successes:
                return replace(state, probes=left, successes=done, freed_s=high_s), None
            kept = 0 if rules.clears else max(0, int(min(rules.least, 1e9)) - 1)
            closed = State("closed", high_s, failures=kept, told=state.told)
            return closed, Change("closed", low_s, high_s, attempt.id)
        if result is Result.FAILURE and rules.failed_probe == "opens":
            opened = State("open", high_s, failures=state.failures, told=state.told)
            return opened, Change("open", low_s, high_s, attempt.id)
        if left:
            return replace(state, probes=left, freed_s=high_s), None
        waiting = State(
            "open", state.since_s, failures=state.failures, freed_s=high_s, told=state.told
        )
        return waiting, Change("open", low_s, high_s, attempt.id)

    def _counted(
        self, state: State, attempt: Attempt, result: Counted, low_s: float, high_s: float
    ) -> list[Next]:
        """What the count may be; near an opposite result either may have come first."""
        rules = self._policy
        others = self._mixed.get(attempt.id, 0)
        if result is None or result is Result.NEUTRAL:
            return [(state, None)]
        if rules.rule is not None:
            opening = Change("open", low_s, high_s, attempt.id)
            return self._by_rule(rules.rule, state, result is Result.FAILURE, opening, high_s)
        if result is Result.SUCCESS:
            if not rules.resets:
                return [(state, None)]
            most = (rules.least if math.isinf(rules.most) else rules.most) - 1
            few = int(min(others, most))
            if not few and not state.failures:
                return [(state, None)]
            return [(replace(state, failures=k, run=()), None) for k in range(few + 1)]
        found: list[Next] = [(state, None)] if others else []
        since_s = attempt.start_s if rules.from_start else high_s
        if not math.isinf(rules.forgets_s):
            recent = tuple(at_s for at_s in state.run if high_s - at_s <= rules.forgets_s)
            state = replace(state, failures=len(recent), run=(*recent, high_s))
        return found + self._failed(state, Change("open", low_s, high_s, attempt.id), since_s)

    def _failed(self, state: State, opening: Change, since_s: float) -> list[Next]:
        """One failure more: it may open, or count it."""
        found: list[Next] = []
        count, rules = state.failures + 1, self._policy
        if rules.rule is not None:
            return self._by_rule(rules.rule, state, True, opening, since_s)
        if count >= rules.least:
            failures = 0 if rules.clears else count
            found.append((State("open", since_s, failures=failures, told=state.told), opening))
        if count < rules.most:
            kept = min(count, rules.least) if math.isinf(rules.most) else count
            found.append((replace(state, failures=int(kept)), None))
        return found

    def _by_rule(
        self, rule: Rule, state: State, failed: bool, opening: Change, at_s: float
    ) -> list[Next]:
        """One result more to a rule of another kind."""
        before = rule.begin if state.seen is None else state.seen
        seen = rule.after(before, failed, at_s)
        return [
            (State("open", at_s, told=state.told), opening)
            if opens
            else (replace(state, seen=seen), None)
            for opens in sorted(rule.may_open(seen, _EDGE_S))
        ]

    # Nobody saw an attempt

    def lost(self, state: State, stories: Stories, at_s: float) -> States:
        """An attempt may have failed here, and nobody saw it."""
        found: States = {state: stories}
        self._failed_unseen(found, state, stories, at_s, at_s, self.due_s(state))
        return found

    def asked(self, state: State, stories: Stories, asked: Asked, tie_s: float) -> States:
        """It turned a request away; or let an attempt through that failed unseen."""
        found: States = {}
        if self._turns_away(state, asked, tie_s):
            kept = state
            if self._policy.restarted_by_rejections and state.kind == "open":
                kept = replace(state, since_s=asked.by_s)
            if self._policy.overruled and state.kind == "half_open":
                kept = State("open", asked.by_s, told=state.told)
                opening = Change("open", asked.asked_s, asked.by_s, None)
                add(found, kept, _with(stories, opening))
            else:
                add(found, kept, stories)
        if not asked.sure:
            if state.kind == "any":
                add(found, state, stories)
            due_s = self.due_s(state) - tie_s
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
            for one, change in self._failed(state, opening, high_s):
                add(found, one, _with(stories, change))
        elif state.kind == "open" and high_s >= due_s:
            probing = Change("half_open", low_s, high_s, None)
            again = State("open", high_s, told=state.told)
            add(found, again, _with(_with(stories, probing), opening))

    def _turns_away(self, state: State, asked: Asked, tie_s: float) -> bool:
        match state.kind:
            case "closed":
                # It has closed only after this request had asked.
                return state.since_s >= asked.asked_s - tie_s
            case "open":
                due_s = state.since_s + self._policy.wait_most_s + self._policy.either_s
                return asked.asked_s <= max(due_s, state.freed_s) + tie_s
            case "half_open":
                full = state.stuck or len(state.probes) >= self._policy.probes
                return full or asked.asked_s <= state.freed_s + tie_s
            case _:
                return True


def _known_again(
    state: State, stories: Stories, attempt: Attempt, tie_s: float, *, alone: bool
) -> States:
    """After a time in which nothing could be read: a success says that it is closed."""
    if attempt.result is not Result.SUCCESS:
        return {State("any", max(state.since_s, attempt.end_s)): stories}  # it may be open
    if not alone or attempt.start_s <= state.since_s + tie_s:
        return {state: stories}
    closings = (s.then(Change("closed", s.at_s, attempt.end_s, None)) for s in stories)
    return {State("closed", attempt.end_s): tuple(closings)}


def _with(stories: Stories, change: Change | None) -> Stories:
    return stories if change is None else tuple(story.then(change) for story in stories)
