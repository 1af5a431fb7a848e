"""When a call goes on after an attempt: how long it waits, and how unlikely another way is.

Unlikely is counted in seconds: so far off from when it is due an attempt seems.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.policy.settings import ServiceSettings
from harness.wire.attempts import FAILURE, Attempt

ASIDE_S = 0.5
"""What a request does out of turn: before an earlier call, or beside another."""
UNSURE_S = 0.1
"""A retry of what may have succeeded, beside whoever surely was to ask then."""
ANSWERED_S = 0.2
"""An attempt that begins when its request had just been answered."""
UNLIKELY_S = 5.0
"""What a request does instead of waiting for its next attempt."""
TOO_MANY_S = 1e4
"""An attempt more than it may make of a call: anybody else's that it may be comes first."""


def waits(
    own: ServiceSettings, tries: int, status: int | None
) -> Iterator[tuple[float, float, float]]:
    """Between which waits (seconds) a call tries again, and how unlikely that is.

    Few answers say `Retry-After`: where it is heeded, any wait may be, but isn't the likeliest.
    """
    yield (*own.backoff.between_s(tries), 0.0)
    if own.backoff.heeds and status is not None:
        yield (*own.between_s(tries, status), UNLIKELY_S)


def on_at_once_s(latest: Attempt, *, again: bool) -> float:
    """How unlikely it is that a request goes on to its next call at once, where it may try again:
    not at all after an attempt that may have succeeded.
    """
    return UNLIKELY_S if again and latest.results == FAILURE else 0.0
