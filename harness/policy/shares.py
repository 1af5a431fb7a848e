"""Breakers that open by the share of failures among the last calls or seconds, or all since they
last closed.

Each is a rule as `rules` has them.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from harness.policy.counting import Told
from harness.policy.lately import Lately
from harness.policy.mistakes import Deaf, Tumbling
from harness.policy.rules import Rival, Rule, UnderWay
from harness.policy.thresholds import InARow, Never
from harness.units import format_duration

KEPT_S = 2.0
"""Results are kept for so much longer than they count, for who doesn't know instants exactly."""
_EXACT = 1e-9
"""Shares such as 0.3 are not exact in binary: 3 of 10 reach it."""
_SHARES = tuple(number / 10 for number in range(1, 11))
_ABOVE = 1e-6
"""As little more is no share that results can have, so it is reached by what lies above."""
_SPANS_S = (5.0, 10.0, 30.0)
"""As long may be a window of seconds where one of results is declared; where there is none, the
longest is told from none by long plays only.
"""


def in_buckets(result_s: float, at_s: float, window_s: float, bucket_s: float) -> bool:
    """Whether a result still counts that leaves a window with its bucket."""
    buckets = round(window_s / bucket_s)
    return result_s // bucket_s > at_s // bucket_s - buckets


class _Share(Rule):
    """What both have in common. Each of their rivals keeps all results of a window, and there are
    many of these: it has no variants.
    """

    @property
    @abstractmethod
    def share(self) -> float:
        """Over 0, up to 1: failures by results, at which it opens."""

    @property
    @abstractmethod
    def least(self) -> int:
        """How many results there must be before the share counts."""

    @property
    def failures(self) -> int:
        """As many as there must be results."""
        return max(1, self.least)

    @property
    def heavy(self) -> bool:
        """It keeps all results of its window, or most of its rivals do."""
        return True

    @property
    def _whole(self) -> Sequence[Rule]:
        """The same share of all results, where it has a window."""
        return (ShareOfAll(self.share, self.least),)

    @property
    @abstractmethod
    def _windows(self) -> Sequence[Any]:
        """The same rule with other windows."""

    @property
    @abstractmethod
    def _unlike(self) -> Sequence[Rule]:
        """Rules with a window of another kind."""

    def rivals(self, attempts: int) -> Iterator[Rival]:
        """The share itself not enough, other shares, least numbers and windows, failures in a row
        instead, and none.
        """
        own: Any = self
        yield f"opens only above {own.says}", replace(own, share=self.share + _ABOVE)
        others = [
            *self._whole,
            *(replace(own, least=one) for one in self._leasts if one not in (0, self.least)),
            *(replace(own, share=one) for one in _SHARES if abs(one - self.share) > _EXACT),
            *self._windows,
            *self._unlike,
            Deaf(own),
        ]
        for other in others:
            yield f"opens at {other.says}, not at {self.says}", other
        for number in range(1, 2 * self.failures + 1):
            other = InARow(number)
            yield f"opens after {other.says}, not at {self.says}", other
        yield "never opens", Never()

    @property
    def _leasts(self) -> tuple[int, ...]:
        few, least = max(2, self.least // 2), self.least
        return tuple(dict.fromkeys((1, least + 1, least - 1, few, 2 * least)))

    def _of(self, which: str, unit: str = "") -> str:
        """`50% failures of the last 10s (6 results at least)`."""
        least = f" ({self.least}{unit} at least)" if self.least > 1 else ""
        return f"{self.share:.0%} failures of {which}{least}"

    def _reached(self, failures: int, results: int) -> bool:
        return results >= self.least and failures >= self.share * results - _EXACT

    def _surely(self, failures: int, begun: int, over: int) -> bool:
        """Whether failures reach it among so many at the most, of which so many at the least."""
        return over >= self.least and failures >= self.share * begun - _EXACT

    def _by_success(self, reached: bool) -> frozenset[bool]:
        """Whether a success opens it that is the result with which there are enough, failures
        by far.

        resilience4j asks after each result, gobreaker, opossum and cockatiel after a failure.
        """
        return frozenset({False, reached})


class ShareOfCalls(_Share):
    """A share of failures among the last results, once there are enough of them."""

    share: float
    """Over 0, up to 1: failures by results, at which it opens."""
    window: int
    """How many results are looked at."""
    least: int
    """How many there must be before the share counts."""

    @property
    def begin(self) -> tuple[bool, ...]:
        """No result yet."""
        return ()

    def after(self, state: tuple[bool, ...], failed: Told, at_s: float) -> tuple[bool, ...]:
        """The last results, the newest last."""
        return (*state, bool(failed))[-self.window :]

    def opens(self, state: tuple[bool, ...]) -> bool:
        """Whether the newest result is a failure, and there are enough with it."""
        return bool(state) and state[-1] and self._reached(sum(state), len(state))

    def may_open(self, state: tuple[bool, ...], slack_s: float) -> frozenset[bool]:
        """Only their order matters; and a success may do what a failure must."""
        reached = self._reached(sum(state), len(state))
        return frozenset({reached}) if not state or state[-1] else self._by_success(reached)

    def rests(self, state: tuple[bool, ...]) -> bool:
        """Where its window is full of successes."""
        return len(state) == self.window and not any(state)

    @property
    def _windows(self) -> tuple[ShareOfCalls, ...]:
        windows = (2 * self.window, self.window // 2, self.window + 1, self.window - 1)
        return tuple(replace(self, window=window) for window in windows if window)

    @property
    def _unlike(self) -> tuple[Rule, ...]:
        lately = (ShareOfSeconds(self.share, span_s, self.least) for span_s in _SPANS_S)
        return *lately, Tumbling(self.share, self.least, calls=self.window)

    @property
    def reach(self) -> tuple[int | None, float | None]:
        """Its results."""
        return self.window, None

    @property
    def says(self) -> str:
        """`50% failures of the last 20 results (10 at least)`."""
        return self._of(f"the last {self.window} results")


class ShareOfAll(_Share):
    """A share of failures among all results since it last closed, once there are enough of them
    (gobreaker's, where its `Interval` is 0).
    """

    share: float
    """Over 0, up to 1: failures by results, at which it opens."""
    least: int
    """How many there must be before the share counts."""

    @property
    def begin(self) -> tuple[int, int, bool]:
        """Failures, results, and whether the newest is a failure."""
        return 0, 0, False

    def after(
        self, state: tuple[int, int, bool], failed: Told, at_s: float
    ) -> tuple[int, int, bool]:
        """One result more."""
        failures, results, _ = state
        return failures + bool(failed), results + 1, bool(failed)

    def opens(self, state: tuple[int, int, bool]) -> bool:
        """Whether the newest result is a failure, and there are enough with it."""
        failures, results, failed = state
        return failed and self._reached(failures, results)

    def may_open(self, state: tuple[int, int, bool], slack_s: float) -> frozenset[bool]:
        """Their order and instants don't matter; and a success may do what a failure must."""
        failures, results, failed = state
        reached = self._reached(failures, results)
        return frozenset({reached}) if failed or not results else self._by_success(reached)

    def surely_reached(
        self, state: tuple[int, int, bool], slack_s: float, others: UnderWay
    ) -> bool:
        """With all of them under way among its results."""
        failures, results, failed = state
        return failed and self._surely(failures, results + others.most, results)

    def rests(self, state: tuple[int, int, bool]) -> bool:
        """Never: each success makes it need more failures."""
        return False

    @property
    def _whole(self) -> tuple[Rule, ...]:
        return ()

    @property
    def _windows(self) -> tuple[Rule, ...]:
        return ()

    @property
    def _unlike(self) -> tuple[Rule, ...]:
        numbers = (self.least, 2 * self.least, 4 * self.least)
        last = (ShareOfCalls(self.share, number, self.least) for number in numbers)
        return *last, *(ShareOfSeconds(self.share, span_s, self.least) for span_s in _SPANS_S[:2])

    @property
    def says(self) -> str:
        """`50% failures of all results since it closed (6 at least)`."""
        return self._of("all results since it closed")


class ShareOfSeconds(_Share):
    """A share of failures among the results of the last seconds, once there are enough of them."""

    share: float
    """Over 0, up to 1: failures by results, at which it opens."""
    window_s: float
    """How old a result may be and still count, in seconds."""
    least: int
    """How many there must be before the share counts."""
    bucket_s: float = 0.0
    """Results leave the window together by buckets of this length; 0: each by itself."""

    @property
    def begin(self) -> Lately:
        """No result yet."""
        return Lately()

    def after(self, state: Lately, failed: Told, at_s: float) -> Lately:
        """The results that still count at an instant, the newest last."""
        oldest_s = at_s - self.window_s - self.bucket_s - KEPT_S
        return state.since(oldest_s).and_one(at_s, failed=bool(failed))

    def _counts(self, result_s: float, at_s: float) -> bool:
        if not self.bucket_s:
            return result_s > at_s - self.window_s
        return in_buckets(result_s, at_s, self.window_s, self.bucket_s)

    def opens(self, state: Lately) -> bool:
        """Whether the newest result is a failure, and there are enough with it."""
        if not state.failed or not state.failed[-1]:
            return False
        now_s = state.instants_s[-1]
        counted = state.those(lambda at_s: self._counts(at_s, now_s))
        return self._reached(counted.count(1), len(counted))

    def may_open(self, state: Lately, slack_s: float) -> frozenset[bool]:
        """Results near to the window's edge may count or not, the oldest of them last; and a
        success may do what a failure must.
        """
        if not state.failed:
            return frozenset({False})
        now_s, edge_s = state.instants_s[-1], slack_s + self.bucket_s
        sure = state.those(lambda at_s: now_s - at_s < self.window_s - edge_s)
        doubtful = state.those(
            lambda at_s: now_s - at_s - self.window_s <= edge_s,
            lambda at_s: now_s - at_s - self.window_s < -edge_s,
        )
        failures, results = sure.count(1), len(sure)
        found = {self._reached(failures, results)}
        most = failures + doubtful.count(1)
        could = most - self.share * (results + most - failures) > -_ABOVE  # if no success counts
        for failed in reversed(doubtful) if could else ():
            if len(found) > 1:
                break
            failures, results = failures + failed, results + 1
            found.add(self._reached(failures, results))
        return frozenset(found) if state.failed[-1] else self._by_success(True in found)

    def surely_reached(self, state: Lately, slack_s: float, others: UnderWay) -> bool:
        """With all of them under way, and those that may have left its window with their begin or
        their end, among its results, and with none of those to have enough of them.
        """
        if not state.failed or not state.failed[-1]:
            return False
        now_s, edge_s = state.instants_s[-1], slack_s + self.bucket_s
        sure_s = self.window_s - edge_s
        failures = state.those(lambda at_s: now_s - at_s < sure_s).count(1)
        begun = state.those(lambda at_s: now_s - at_s <= self.window_s + edge_s)
        over = state.those(lambda at_s: now_s - at_s < sure_s - others.longest_s)
        return self._surely(failures, len(begun) + others.most, len(over))

    def rests(self, state: Lately) -> bool:
        """Never: it keeps when each came."""
        return False

    @property
    def _windows(self) -> tuple[ShareOfSeconds, ...]:
        windows_s = (2 * self.window_s, self.window_s / 2)
        return tuple(replace(self, window_s=window_s) for window_s in windows_s)

    @property
    def _unlike(self) -> tuple[Rule, ...]:
        numbers = (self.least, 2 * self.least, 4 * self.least)
        last = (ShareOfCalls(self.share, number, self.least) for number in numbers)
        return *last, Tumbling(self.share, self.least, seconds=self.window_s)

    @property
    def reach(self) -> tuple[int | None, float | None]:
        """Its seconds."""
        return None, self.window_s

    @property
    def says(self) -> str:
        """`50% failures of the last 10s (6 results at least)`."""
        return self._of(f"the last {format_duration(self.window_s)}", " results")
