"""Rules by which so many failures open a breaker, in a row or in all; and that nothing does."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from harness.policy.counting import Told
from harness.policy.rules import EITHER, ONLY, Rival, Rule, failures_in_words
from harness.units import format_duration

_ROUGH_S = 3.0
"""How far from the instant by which a success is judged its end may be: that is when it was begun,
by a clock of whole seconds.
"""


class _Threshold(Rule):
    """What rules have in common by which so many failures open a breaker."""

    threshold: int
    """At least 1."""

    def rests(self, state: Any) -> bool:
        """Where no failure counts."""
        return bool(state == self.begin)

    @property
    def failures(self) -> int:
        """The threshold."""
        return self.threshold

    def rivals(self, attempts: int) -> Iterator[Rival]:
        """Other thresholds, and none."""
        for number in dict.fromkeys((attempts, *range(1, 2 * self.threshold + 1))):
            if number != self.threshold:
                other = replace(self, threshold=number)
                yield f"opens after {other.says}, not {self.threshold}", other
        yield _NEVER_OPENS


class _Lately(_Threshold):
    """What those have in common that look back for some time."""

    within_s: float
    """How old what counts may be, in seconds: a failure, or the last one when a success comes."""

    @property
    def reach(self) -> tuple[int | None, float | None]:
        """Its seconds."""
        return None, self.within_s


class InARow(_Threshold):
    """So many failures in a row, however far apart; a success ends the run."""

    @property
    def begin(self) -> int:
        """No failure yet."""
        return 0

    def after(self, state: int, failed: Told, at_s: float) -> int:
        """The length of the run."""
        return state + 1 if failed else 0

    def opens(self, state: int) -> bool:
        """Whether the run is long enough."""
        return state >= self.threshold

    def possible(self, state: int, failed: Told, at_s: float, mixed: int) -> tuple[int, ...]:
        """A success may have come before failures near to it; a failure before a success."""
        if failed:
            return (state, state + 1) if mixed else (state + 1,)
        return tuple(range(min(mixed, self.threshold - 1) + 1))

    @property
    def says(self) -> str:
        """`5 failures in a row`."""
        return f"{failures_in_words(self.threshold)} in a row"

    def rivals(self, attempts: int) -> Iterator[Rival]:
        """Other thresholds, and none."""
        n = self.threshold
        for number in dict.fromkeys((n + 1, n - 1, attempts, *range(1, 2 * n + 1))):
            if number >= 1 and number != n:
                run = "" if number == 1 else " in a row"
                yield f"opens after {failures_in_words(number)}{run}, not {n}", InARow(number)
        yield _NEVER_OPENS

    def variants(self) -> Iterator[tuple[Rival, ...]]:
        """Failures that no success makes good, and failures that are forgotten in time."""
        yield (("isn't reset by a success", InTotal(self.threshold)),)
        yield tuple(
            (
                f"forgets failures that are older than {format_duration(age_s)}",
                InARowLately(self.threshold, age_s),
            )
            for age_s in (60.0, 30.0, 10.0)
        )


class InARowLately(_Lately):
    """So many failures in a row, none of them older than so long when the last one comes."""

    bucket_s: float = 0.0
    """By so much more or less a failure may be forgotten, with others of its time; 0: by itself."""

    @property
    def begin(self) -> tuple[float, ...]:
        """No failure yet."""
        return ()

    def after(self, state: tuple[float, ...], failed: Told, at_s: float) -> tuple[float, ...]:
        """When each failure of the run came, as far as it still counts."""
        if not failed:
            return ()
        kept_s = self.within_s + self.bucket_s
        return (*(one for one in state if at_s - one <= kept_s), at_s)

    def opens(self, state: tuple[float, ...]) -> bool:
        """Whether enough of them count."""
        return len(state) >= self.threshold and self._age_s(state) <= self.within_s

    def _age_s(self, state: tuple[float, ...]) -> float:
        """How old the oldest failure is that must count."""
        return state[-1] - state[-self.threshold]

    def possible(
        self, state: tuple[float, ...], failed: Told, at_s: float, mixed: int
    ) -> tuple[tuple[float, ...], ...]:
        """A failure may have come before a success near to it."""
        counted = self.after(state, failed, at_s)
        return (state, counted) if failed and mixed else (counted,)

    def may_open(self, state: tuple[float, ...], slack_s: float) -> frozenset[bool]:
        """Whether it opens, and either where the oldest that matters is as old as it may be."""
        if len(state) >= self.threshold:
            near = abs(self._age_s(state) - self.within_s) <= slack_s + self.bucket_s
            return EITHER if near else ONLY[True]
        return ONLY[False]

    @property
    def says(self) -> str:
        """`5 failures in a row within 10s`."""
        within = format_duration(self.within_s)
        return f"{failures_in_words(self.threshold)} in a row within {within}"

    def variants(self) -> Iterator[tuple[Rival, ...]]:
        """Failures that are never forgotten."""
        yield (("forgets no failure, however old", InARow(self.threshold)),)


class InTotal(_Threshold):
    """So many failures since it was last closed, whatever lies between them."""

    @property
    def begin(self) -> int:
        """No failure yet."""
        return 0

    def after(self, state: int, failed: Told, at_s: float) -> int:
        """How many there were."""
        return state + failed

    def opens(self, state: int) -> bool:
        """Whether there were enough."""
        return state >= self.threshold

    @property
    def says(self) -> str:
        """`5 failures in all`."""
        return f"{failures_in_words(self.threshold)} in all"

    def variants(self) -> Iterator[tuple[Rival, ...]]:
        """Failures that a success makes good."""
        yield (("is reset by a success", InARow(self.threshold)),)


class InTotalLately(_Lately):
    """So many failures, whatever lies between them, until a success comes so long after the last
    one: that makes all of them good (nginx's).
    """

    @property
    def begin(self) -> tuple[int, float]:
        """No failure yet."""
        return 0, -math.inf

    def after(self, state: tuple[int, float], failed: Told, at_s: float) -> tuple[int, float]:
        """How many there were, and when the last one came."""
        count, last_s = state
        if failed:
            return count + 1, at_s
        return self.begin if at_s - last_s > self.within_s else state

    def opens(self, state: tuple[int, float]) -> bool:
        """Whether there were enough."""
        return state[0] >= self.threshold

    def possible(
        self, state: tuple[int, float], failed: Told, at_s: float, mixed: int
    ) -> tuple[tuple[int, float], ...]:
        """A success near to the end of that time may have come before or after it."""
        count, last_s = state
        aged_s = at_s - last_s - self.within_s
        if failed:
            found = [(count + 1, at_s)]
            return (*found, (1, at_s)) if mixed and count and aged_s > -_ROUGH_S else (*found,)
        found = [state] if aged_s < _ROUGH_S or mixed else []
        return tuple(dict.fromkeys((*found, self.begin) if aged_s > -_ROUGH_S else found))

    @property
    def says(self) -> str:
        """`5 failures without a success 10s after the last`."""
        within = format_duration(self.within_s)
        return f"{failures_in_words(self.threshold)} without a success {within} after the last"

    def variants(self) -> Iterator[tuple[Rival, ...]]:
        """Failures that any success makes good, and such as none does."""
        yield (("is reset by a success", InARow(self.threshold)),)
        yield (("forgets no failure, however old", InTotal(self.threshold)),)


class Never(Rule):
    """No breaker: nothing opens it."""

    @property
    def begin(self) -> None:
        """Nothing is remembered."""
        return

    def after(self, state: None, failed: Told, at_s: float) -> None:
        """Nothing is remembered."""
        return

    def opens(self, state: None) -> bool:
        """Never."""
        return False

    def rests(self, state: None) -> bool:
        """Always."""
        return True

    @property
    def failures(self) -> int:
        """None opens it; for who tries, a good many."""
        return 1

    @property
    def says(self) -> str:
        """`nothing`."""
        return "nothing"

    def rivals(self, attempts: int) -> Iterator[Rival]:
        """One that opens after all."""
        for number in range(1, 11):
            yield f"opens after {InARow(number).says}", InARow(number)


_NEVER_OPENS: Rival = ("never opens", Never())
