"""What a breaker is told in an outage, and when that opens it.

Rough arithmetic, for who chooses what to play: nothing is judged by it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from harness.policy.settings import ServiceSettings
from harness.policy.telling import opens_at

_RATES = (1.0, 2.0, 4.0, 8.0, 16.0)


def call_s(own: ServiceSettings, failing: int) -> float:
    """How long a call takes whose first attempts fail at once, at the longest, in seconds."""
    retried = range(1, min(failing, own.attempts - 1) + 1)
    return sum(own.backoff.between_s(number)[1] for number in retried)


def results_of(
    own: ServiceSettings, failing: int, attempt_s: float = 0.0
) -> Iterator[tuple[float, bool]]:
    """What a breaker is told of a call whose first attempts fail: how long after it began, and
    whether of a failure; `attempt_s` is how long each failing attempt takes.
    """
    last = min(failing, own.attempts - 1)
    for number in (last,) if own.counting.by_call else range(last + 1):
        failed = number < failing
        yield call_s(own, number) + (number + failed) * attempt_s, failed


def trip_s(own: ServiceSettings, *, rate_per_s: float, start_s: float, attempt_s: float) -> float:
    """When all breakers are open if every attempt fails after `attempt_s`, from `start_s` on; where
    that opens none, when as many have failed as might.
    """
    ends_s, opened = _down(own, rate_per_s, attempt_s)
    needed = own.enough if opened is None else (opened + 1) * (own.enough // own.failures)
    return start_s + ends_s[min(needed, len(ends_s)) - 1]


def opens_after_s(own: ServiceSettings, rate_per_s: float) -> float | None:
    """How long an outage must last to open all breakers, with so many requests a second; None where
    no outage does.
    """
    if _down(own, rate_per_s, 0.0)[1] is None:
        return None
    return trip_s(own, rate_per_s=rate_per_s, start_s=0.0, attempt_s=0.0)


def needed_rate_per_s(own: ServiceSettings) -> float:
    """How many requests a second it takes, 1 at the least, that an outage opens the breaker; 1
    where none does.
    """
    return next((rate for rate in _RATES if opens_after_s(own, rate) is not None), 1.0)


def _down(
    own: ServiceSettings, rate_per_s: float, attempt_s: float
) -> tuple[list[float], int | None]:
    """When the results of an outage come, and by which of them a breaker opens."""
    calls = (
        ((number / rate_per_s + after_s, failed) for after_s, failed in one)
        for number in range(own.enough + 1)
        for one in (results_of(own, own.attempts, attempt_s),)
    )
    told = sorted(chain.from_iterable(calls))
    return [at_s for at_s, _ in told], opens_at(own.breaker.opens, told, warmed_up=False)
