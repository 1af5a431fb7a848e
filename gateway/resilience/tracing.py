"""W3C trace context: what came with a request goes out with the calls that it causes.

The gateway makes no spans of its own; it only doesn't break the chain of those who do.
"""

from __future__ import annotations

from contextvars import ContextVar

TRACEPARENT: ContextVar[str | None] = ContextVar("traceparent", default=None)
"""Of the request that this thread is working on; None where it had none."""


def passed_on() -> dict[str, str]:
    """Headers for a call to an upstream."""
    value = TRACEPARENT.get()
    return {} if value is None else {"traceparent": value}
