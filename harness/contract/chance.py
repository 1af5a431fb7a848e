"""What one run of the arithmetic draws or takes in turn: slips, sizes and whatever is no promise.

Ties are broken by chance: every step takes a few milliseconds drawn from the run's seed, so that
events planned for the same instant come in either order over many runs (contract, section 4).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from harness.policy.waits import EITHER_S

_LEANS = (None, EITHER_S, None, -EITHER_S)
"""Targets that lean the same way at each probe are sound too: their slips add up."""
_DRAWS: tuple[Callable[[], float] | None, ...] = (None, lambda: 1.0, None, None, lambda: 0.0)
"""What is drawn: by chance, or in a whole run the most and the least, which chance alone seldom
shows."""
_AN_HOUR_S = 3600.0
_REQUEST_BYTES = ((190, 40), (120, 10), (500, 150))
"""Head and body of a typical request, and of one as small and as large as clients make them: how
large theirs are is no promise, and decides how long a slow way to the upstream takes."""
_LAGS_S = (
    (0.003, 0.003),
    (0.1, 0.003),
    (0.0, 0.003),
    (0.012, 0.012),
    (0.06, 0.012),
    (0.0, 0.02),
    (0.012, 0.04),
)
"""How late a request may leave, and a thread may wake; the runs take them in turn. Those that leave
together to the dot meet a probe that is in flight."""


_WORKERS: tuple[Callable[[int, random.Random], int], ...] = (
    lambda turn, rng: 0,
    lambda turn, rng: turn,
    lambda turn, rng: rng.randrange(_MANY),
)
"""Which worker has a request, of any number of them, by its turn: always the same one, each in
turn, or any. In one more run of four it is one whose breaker is closed, as long as there is one."""
_MANY = 2**30


class Chance:
    """One run's, by its seed."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.request_bytes = _REQUEST_BYTES[seed % len(_REQUEST_BYTES)]
        """Of a request's head and body."""
        self.draw = _DRAWS[seed % len(_DRAWS)] or self.rng.random
        """Gives the share of calls by which delays are drawn."""
        self.whole_trials = (seed // 2) % 2 == 1
        """Whether a trial that counts once a call keeps its place from attempt to attempt; else it
        asks again before its retry, so that its first attempt decides. Neither is promised."""
        self.eager = (seed // 4) % 2 == 1
        """Whether a success opens breakers, too, where that is left open."""
        self.clock_s = random.Random(f"clock {seed}").uniform(0.0, _AN_HOUR_S)
        """What breakers' clocks show at 0s."""
        self._between = _DRAWS[(seed // 2) % len(_DRAWS)] or self.rng.random
        self._sharing = (seed + seed // 4) % 4
        self._send_lag_s, self._lag_s = _LAGS_S[seed % len(_LAGS_S)]
        self._lean = _LEANS[seed % len(_LEANS)]

    def late_s(self) -> float:
        """How late a request leaves."""
        return self._send_lag_s * self.rng.random()

    def jitter_s(self) -> float:
        """How long a step takes."""
        return self._lag_s * self.rng.random()

    def between_changes_s(self) -> float:
        """How long after one change of a proxy the next one comes, where a fault makes several: any
        time, or in a whole run at once, or longer than a healthy answer takes.
        """
        return self._lag_s / 2 * self._between()

    def between_s(self, low_s: float, high_s: float) -> float:
        """Any time from the one to the other."""
        return self.rng.uniform(low_s, high_s) if high_s > low_s else low_s

    def one_of(self, values: Sequence[int]) -> int:
        """Any of these."""
        return values[0] if len(values) == 1 else self.rng.choice(values)

    def worker(self, turn: int) -> int | None:
        """The number of the worker that has a request, by the request's turn; None for one whose
        breaker is closed.
        """
        if self._sharing == len(_WORKERS):
            return None
        return _WORKERS[self._sharing](turn, self.rng)

    def leeway_s(self) -> float:
        """How much sooner or later than W a probe is let through."""
        return self.rng.uniform(-EITHER_S, EITHER_S) if self._lean is None else self._lean
