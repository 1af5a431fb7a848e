"""When results open a breaker: in a row, by their share of the last calls or seconds, or never.

A rule is asked with its state, which begins as `begin` and is `after` each result that counts; a
state is a hashable value. What is neutral is never told. The rules that people run, with their
libraries, are tabulated in docs/policies.md.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Protocol

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
        kept = tuple(one for one in state if self._counts(one[0], at_s))
        return (*kept, (at_s, failed))

    def _counts(self, result_s: float, at_s: float) -> bool:
        if not self.bucket_s:
            return result_s > at_s - self.window_s
        buckets = round(self.window_s / self.bucket_s)
        return result_s // self.bucket_s > at_s // self.bucket_s - buckets

    def opens(self, state: tuple[tuple[float, bool], ...]) -> bool:
        """Whether the newest result is a failure, and there are enough with it."""
        failures = sum(failed for _, failed in state)
        newest = bool(state) and state[-1][1]
        return newest and _over(failures, len(state), self.share, self.least)


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


_EXACT = 1e-9
"""Shares such as 0.3 are not exact in binary: 3 of 10 reach it."""


def _over(failures: int, results: int, share: float, least: int) -> bool:
    return results >= least and failures >= share * results - _EXACT
