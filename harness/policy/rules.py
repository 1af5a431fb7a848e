"""When results open a breaker: in a row, by their share of the last calls or seconds, or never.

A rule is asked with its state, which begins as `begin` and is `after` each result that counts; a
state is a hashable value. What is neutral is never told. The rules that people run, with their
libraries, are tabulated in docs/policies.md.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Protocol

from harness.units import format_duration

State = Hashable


class Rule(Protocol):
    """When results open a breaker."""

    @property
    def begin(self) -> Any:
        """The state of a breaker that has seen nothing."""
        ...

    def after(self, state: Any, failed: bool, at_s: float) -> Any:
        """The state after a result at an instant; results come in the order of their instants."""
        ...

    def opens(self, state: Any) -> bool:
        """Whether a breaker opens in that state, which a result has just made."""
        ...

    def may_open(self, state: Any, slack_s: float) -> frozenset[bool]:
        """The same for who knows instants within a slack only: all that it may do."""
        ...

    @property
    def failures(self) -> int:
        """How many failures open it where nothing else came before."""
        ...

    @property
    def says(self) -> str:
        """What opens it, in words: `5 failures in a row`."""
        ...


@dataclass(frozen=True, slots=True)
class InARow:
    """So many failures in a row, however far apart; a success ends the run."""

    threshold: int
    """At least 1."""

    @property
    def begin(self) -> int:
        """No failure yet."""
        return 0

    def after(self, state: int, failed: bool, at_s: float) -> int:
        """The length of the run."""
        return state + 1 if failed else 0

    def opens(self, state: int) -> bool:
        """Whether the run is long enough."""
        return state >= self.threshold

    def may_open(self, state: int, slack_s: float) -> frozenset[bool]:
        """However far apart, so instants don't matter."""
        return frozenset({self.opens(state)})

    @property
    def failures(self) -> int:
        """The threshold."""
        return self.threshold

    @property
    def says(self) -> str:
        """`5 failures in a row`."""
        return f"{self.threshold} failures in a row"


@dataclass(frozen=True, slots=True)
class ShareOfCalls:
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

    def after(self, state: tuple[bool, ...], failed: bool, at_s: float) -> tuple[bool, ...]:
        """The last results, the newest last."""
        return (*state, failed)[-self.window :]

    def opens(self, state: tuple[bool, ...]) -> bool:
        """Whether the newest result is a failure, and there are enough with it."""
        return bool(state) and state[-1] and _over(sum(state), len(state), self.share, self.least)

    def may_open(self, state: tuple[bool, ...], slack_s: float) -> frozenset[bool]:
        """Only their order matters."""
        return frozenset({self.opens(state)})

    @property
    def failures(self) -> int:
        """As many as there must be results."""
        return max(1, self.least)

    @property
    def says(self) -> str:
        """`50% failures of the last 20 results (10 at least)`."""
        window = f"the last {self.window} results"
        return f"{self.share:.0%} failures of {window} ({self.least} at least)"


@dataclass(frozen=True, slots=True)
class ShareOfSeconds:
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
    def begin(self) -> tuple[tuple[float, bool], ...]:
        """No result yet."""
        return ()

    def after(
        self, state: tuple[tuple[float, bool], ...], failed: bool, at_s: float
    ) -> tuple[tuple[float, bool], ...]:
        """The results that still count at an instant, the newest last."""
        oldest_s = at_s - self.window_s - self.bucket_s - _KEPT_S
        return (*(one for one in state if one[0] > oldest_s), (at_s, failed))

    def _counts(self, result_s: float, at_s: float) -> bool:
        if not self.bucket_s:
            return result_s > at_s - self.window_s
        buckets = round(self.window_s / self.bucket_s)
        return result_s // self.bucket_s > at_s // self.bucket_s - buckets

    def opens(self, state: tuple[tuple[float, bool], ...]) -> bool:
        """Whether the newest result is a failure, and there are enough with it."""
        if not state or not state[-1][1]:
            return False
        now_s = state[-1][0]
        counted = [failed for at_s, failed in state if self._counts(at_s, now_s)]
        return _over(sum(counted), len(counted), self.share, self.least)

    def may_open(self, state: tuple[tuple[float, bool], ...], slack_s: float) -> frozenset[bool]:
        """Results near to the window's edge may count or not, the oldest of them last."""
        if not state or not state[-1][1]:
            return frozenset({False})
        now_s, edge_s = state[-1][0], slack_s + self.bucket_s
        ages = [(now_s - at_s, failed) for at_s, failed in state]
        sure = [failed for age_s, failed in ages if age_s < self.window_s - edge_s]
        doubtful = [failed for age_s, failed in ages if abs(age_s - self.window_s) <= edge_s]
        found = set()
        for count in range(len(doubtful) + 1):
            counted = [*doubtful[len(doubtful) - count :], *sure]
            found.add(_over(sum(counted), len(counted), self.share, self.least))
        return frozenset(found)

    @property
    def failures(self) -> int:
        """As many as there must be results."""
        return max(1, self.least)

    @property
    def says(self) -> str:
        """`50% failures of the last 10s (6 results at least)`."""
        span = format_duration(self.window_s)
        return f"{self.share:.0%} failures of the last {span} ({self.least} results at least)"


@dataclass(frozen=True, slots=True)
class Never:
    """No breaker: nothing opens it."""

    @property
    def begin(self) -> None:
        """Nothing is remembered."""
        return

    def after(self, state: None, failed: bool, at_s: float) -> None:
        """Nothing is remembered."""
        return

    def opens(self, state: None) -> bool:
        """Never."""
        return False

    def may_open(self, state: None, slack_s: float) -> frozenset[bool]:
        """Never."""
        return frozenset({False})

    @property
    def failures(self) -> int:
        """None opens it; for who tries, a good many."""
        return 1

    @property
    def says(self) -> str:
        """`nothing`."""
        return "nothing"


_KEPT_S = 2.0
"""Results are kept for so much longer than they count, for who doesn't know instants exactly."""
_EXACT = 1e-9
"""Shares such as 0.3 are not exact in binary: 3 of 10 reach it."""


def _over(failures: int, results: int, share: float, least: int) -> bool:
    return results >= least and failures >= share * results - _EXACT
