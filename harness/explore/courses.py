"""Courses of requests that tell a breaker's rule from its rivals: few, and short ones.

    how far a rule looks ─► courses, the shortest first ─► those that tell it from its rivals

No rule is known by name: it says how far it looks, what it is taken for, and what it makes of
results.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from harness.policy.outage import call_s, results_of
from harness.policy.rules import Rule
from harness.policy.settings import ServiceSettings
from harness.policy.telling import Allowed, Results, allowed, opens_at

_BEGIN_S = 0.5
_EVERY_S = 8.0
"""So far apart are requests now and then, where seconds mean nothing to a rule."""
_SURE_S = 0.5
"""So long before a wait may be over somebody has come who shows that the breaker is open."""
_MOST = 8
"""Courses for one rule."""
_MOST_REQUESTS = 200
_LONGEST_S = 300.0
_EFFORT = 2_000_000
_EFFORT_EACH = 300_000
"""So many results are told to rules while courses are sought, in all and for one rival, times those
that each keeps.
"""
_WARMED_UP = 2
"""As many results may be known before a course begins."""
_TAIL = 2
"""So many requests at the end show what has become of it."""


class Ask(NamedTuple):
    """One request of a course."""

    at_s: float
    failing: int
    """How many attempts of its call fail, before one succeeds."""


class Phase(NamedTuple):
    """So many results alike, and how far apart their requests are; a pause lies before them."""

    results: int
    failed: bool
    every_s: float
    pause_s: float = 0.0


Course = tuple[Ask, ...]


@lru_cache(maxsize=64)
def courses(own: ServiceSettings) -> tuple[Course, ...]:
    """Courses that tell the breaker's rule from its rivals, the likeliest of which come first."""
    search = _Search(own)
    for other in _rivals(own.breaker.opens, own.attempts):
        if search.effort > _EFFORT:
            break
        search.find(other)
    return tuple(course[: last + _TAIL] for course, last in search.needed()[:_MOST])


def _rivals(rule: Rule, attempts: int) -> Iterator[Rule]:
    yield from (other for _, other in rule.rivals(attempts))
    for family in rule.variants():
        yield from (other for _, other in family)


class _Search:
    """Looks for the shortest course that tells a rule from a rival, and keeps what it has found."""

    def __init__(self, own: ServiceSettings) -> None:
        self.effort = 0
        self._own = own
        self._options = sorted(dict.fromkeys(_candidates(own)), key=_length)
        self._told: dict[Course, tuple[Results, Sequence[int], Allowed]] = {}
        self._chosen: list[Course] = []
        self._shown: list[dict[Course, int]] = []
        """For each rival the chosen courses that tell it apart, and by which request."""

    def find(self, other: Rule) -> None:
        """One more rival: a course is chosen if none of the chosen tells it apart."""
        known = {course: self._shown_by(course, other) for course in self._chosen}
        shown = {course: number for course, number in known.items() if number is not None}
        if not shown:
            enough = min(self._own.failures, other.failures) - _WARMED_UP
            until = self.effort + _EFFORT_EACH
            for course in (one for one in self._options if self._number(one) >= enough):
                number = self._shown_by(course, other)
                if number is not None:
                    self._chosen.append(course)
                    shown[course] = number
                    break
                if self.effort > until:
                    break
        self._shown.append(shown)

    def needed(self) -> list[tuple[Course, int]]:
        """The chosen without which some rival would not be told apart, the last of them first, and
        by which request the last of its rivals is.
        """
        found: list[tuple[Course, int]] = []
        left = [shown for shown in self._shown if shown]
        for course in reversed(self._chosen):
            told = [shown[course] for shown in left if course in shown]
            if told:
                found.append((course, max(told)))
                left = [shown for shown in left if course not in shown]
        return found

    def _number(self, course: Course) -> int:
        """How many results a breaker is told."""
        own = self._own
        if own.counting.by_call:
            return len(course)
        return sum(ask.failing + (ask.failing < own.attempts) for ask in course)

    def _shown_by(self, course: Course, other: Rule) -> int | None:
        """The number of the request that shows that a breaker by another rule isn't one by its."""
        rule = self._own.breaker.opens
        if course not in self._told:
            told, whose = _results(course, self._own)
            self._told[course] = told, whose, allowed(rule, told)
            self.effort += len(told) * rule.failures
        told, whose, allows = self._told[course]
        self.effort += len(told) * rule.failures
        refuted = allows.refuted(opens_at(other, told))
        if refuted is None:
            return None
        following = whose[refuted] + 1
        if following == len(course):
            return None
        open_s = course[following].at_s - told[refuted][0]
        return following if open_s <= self._own.wait_s - _SURE_S else None


def _results(course: Course, own: ServiceSettings) -> tuple[Results, Sequence[int]]:
    """What a breaker is told, and of which request each result is."""
    told: list[tuple[float, bool]] = []
    whose: list[int] = []
    for number, (at_s, failing) in enumerate(course):
        of_it = [(at_s + after_s, failed) for after_s, failed in results_of(own, failing)]
        told += of_it
        whose += [number] * len(of_it)
    return told, whose


# Which courses there are


def _length(course: Course) -> float:
    return course[-1].at_s + 0.3 * len(course)


def _candidates(own: ServiceSettings) -> Iterator[Course]:
    """Courses of a few phases."""
    for phases in _shapes(own):
        course = _asks(phases, own)
        if len(course) <= _MOST_REQUESTS and course[-1].at_s <= _LONGEST_S:
            yield course


def _shapes(own: ServiceSettings) -> Iterator[tuple[Phase, ...]]:
    """Failures after successes, before and after some, in turn with them, and after a pause."""
    failures, successes = _numbers(own.breaker.opens)
    for every_s in _spacings(own):
        for well in successes:
            up = Phase(well, False, every_s)
            for failing in failures:
                down = Phase(failing, True, every_s)
                yield up, down
                yield from ((down, up, Phase(again, True, every_s)) for again in failures)
        yield from _turns(max(failures), successes[:4], every_s)
        for pause_s in _pauses(own.breaker.opens):
            for failing in failures:
                for well in (0, 1):
                    down = Phase(failing, True, every_s)
                    yield down, Phase(well, False, every_s), down._replace(pause_s=pause_s)


def _turns(most: int, successes: Sequence[int], every_s: float) -> Iterator[tuple[Phase, ...]]:
    """Failures and successes in turn, after some successes."""
    for well in successes:
        for between in range(1, 5):
            for failing in range(1, 4):
                turn = Phase(failing, True, every_s), Phase(between, False, every_s)
                yield Phase(well, False, every_s), *(turn * (most // failing + 1))


def _numbers(rule: Rule) -> tuple[list[int], list[int]]:
    """How many failures, and how many successes, may make a difference."""
    enough, far = rule.failures, rule.reach[0] or rule.failures
    around = {enough - 1, enough, enough + 1, far // 2, far // 2 + 1, far - 1, far, far + 1}
    failures = sorted(one for one in {1, 2, 2 * enough, *around} if one > 0)
    return failures, sorted({0, *failures, 2 * far})


def _spacings(own: ServiceSettings) -> tuple[float, ...]:
    """How far apart requests may be: a second, and as a window holds too few, enough or one of
    them.
    """
    far_s = own.breaker.opens.reach[1]
    if far_s is None:
        return 1.0, min(_EVERY_S, max(1.0, own.wait_s - 1.0))
    enough = own.failures
    shares = (enough + 0.5, max(1.0, enough - 0.5), 0.9)
    return 1.0, *(round(far_s / share, 2) for share in shares), near_s(own)


def near_s(own: ServiceSettings) -> float:
    """How far apart requests are at the least, so that enough of them come within a window."""
    far_s = own.breaker.opens.reach[1]
    return 0.5 if far_s is None else min(0.5, round(far_s / (2 * own.failures), 2))


def _pauses(rule: Rule) -> tuple[float, ...]:
    far_s = rule.reach[1]
    return (_EVERY_S,) if far_s is None else (0.6 * far_s, 1.1 * far_s)


def _asks(phases: Sequence[Phase], own: ServiceSettings) -> Course:
    """The requests of phases, and a few more at the end; no two of their calls overlap."""
    found: list[Ask] = []
    at_s, least_s = _BEGIN_S, near_s(own)
    for phase in phases:
        at_s += phase.pause_s
        for failing in _calls(phase, own):
            found.append(Ask(round(at_s, 2), failing))
            at_s += max(phase.every_s, call_s(own, failing) + least_s)
    return *found, *(Ask(round(at_s + number * 0.5, 2), 0) for number in range(_TAIL))


def _calls(phase: Phase, own: ServiceSettings) -> Iterator[int]:
    """How many attempts fail of each call that makes so many results."""
    if not phase.failed or own.counting.by_call:
        yield from [own.attempts if phase.failed else 0] * phase.results
        return
    whole, rest = divmod(phase.results, own.attempts)
    yield from [own.attempts] * whole
    if rest:
        yield rest


def trying(results: Sequence[bool], own: ServiceSettings, from_s: float) -> Course:
    """Requests whose attempts, or calls, end so in turn, and a few more."""
    calls: list[int] = []
    left = list(results)
    while left:
        most = 1 if own.counting.by_call else own.attempts
        failed = next((number for number, one in enumerate(left[:most]) if not one), most)
        failed = min(failed, len(left))
        del left[: max(1, failed + (failed < most))]
        calls.append(own.attempts if failed == most else failed)
    found: list[Ask] = []
    for failing in (*calls, *[0] * _TAIL):
        found.append(Ask(round(from_s, 2), failing))
        from_s += call_s(own, failing) + near_s(own)
    return tuple(found)


def failing(course: Course, own: ServiceSettings) -> Iterator[tuple[float, float, int | None]]:
    """From when to when calls fail, and how many of them at the most (None: all)."""
    margin_s = near_s(own) / 2
    end = Ask(course[-1].at_s + call_s(own, own.attempts) + 2 * margin_s, 0)
    begin_s: float | None = None
    for ask, later in pairwise((*course, end)):
        from_s, to_s = round(ask.at_s - margin_s, 2), round(later.at_s - margin_s, 2)
        if ask.failing >= own.attempts:
            begin_s = from_s if begin_s is None else begin_s
            if later.failing < own.attempts:
                yield begin_s, to_s, None
                begin_s = None
        elif ask.failing:
            yield from_s, to_s, ask.failing
