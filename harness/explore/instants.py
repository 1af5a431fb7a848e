"""Instants worth aiming at: when a breaker is likely to open, probe and be well again.

Rough arithmetic, for drawing only: nothing is judged by it.
"""

from __future__ import annotations

import heapq

from harness.settings import ServiceSettings


def trip_s(own: ServiceSettings, *, rate_per_s: float, start_s: float, attempt_s: float) -> float:
    """When a breaker opens if all attempts fail after `attempt_s`, from `start_s` on."""
    ends: list[float] = []
    requests = own.failures + 1
    for number in range(requests):
        at_s = start_s + number / rate_per_s
        for attempt in range(1, own.attempts + 1):
            at_s += attempt_s
            heapq.heappush(ends, at_s)
            at_s += own.backoff_s(attempt)
    found = start_s
    for _ in range(own.failures):
        found = heapq.heappop(ends)
    return found


def step_up(seconds: float) -> float:
    """The next half second, so that drawn instants are easy to read."""
    return -(-seconds * 2 // 1) / 2
