"""Kinds of fault with parameters that matter to one upstream: strategies for a fault's own keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from hypothesis import strategies as st

from harness.settings import ServiceSettings

Raw = dict[str, Any]

_QUICK: tuple[Raw, ...] = (
    {"fault": "status", "status": 503},
    {"fault": "status", "status": 500},
    {"fault": "empty"},
    {"fault": "reset"},
    {"fault": "truncate"},
    {"fault": "undecodable"},
    {"fault": "refused"},
    {"fault": "kill"},
    {"fault": "limit_data", "bytes": "20B"},
)
"""Attempts fail at once, the plainest first."""

_SILENT: tuple[Raw, ...] = (
    {"fault": "blackhole"},
    {"fault": "reply_lost"},
    {"fault": "request_lost"},
    {"fault": "stall"},
    {"fault": "pause"},
    {"fault": "unanswered"},
    {"fault": "timeout", "timeout": "0s"},
)
"""Attempts fail at their deadline."""

_ODD: tuple[Raw, ...] = (
    {"fault": "malformed"},
    {"fault": "json", "json": {}},
    {"fault": "json", "json": []},
    {"fault": "json", "json": None},
    {"fault": "json", "json": "surprise"},
    {"fault": "status", "status": 404},
    {"fault": "status", "status": 400},
    {"fault": "status", "status": 429},
    {"fault": "status", "status": 403},
    {"fault": "status", "status": 422},
)
"""Answers, but not what was agreed: successes to a breaker, 429 aside."""

_NOT_IN_STUB = frozenset(
    {"refused", "kill", "limit_data", "stall", "pause", "unanswered", "timeout", "latency",
     "slicer", "bandwidth", "slow_close", "restart"}
)  # fmt: skip


T = TypeVar("T")
_WIDE = 999_983


def evenly(options: Sequence[T]) -> st.SearchStrategy[T]:
    """One of these, each as often; `sampled_from` prefers the first and the last by far."""
    return st.integers(0, _WIDE).map(lambda number: options[number % len(options)])


def quick() -> st.SearchStrategy[Raw]:
    """Faults under which attempts fail at once."""
    return evenly(_QUICK)


def silent(own: ServiceSettings) -> st.SearchStrategy[Raw]:
    """Faults under which attempts fail at their deadline."""
    late: tuple[Raw, ...] = (
        _delay(1.5 * own.timeout_s),
        {"fault": "drip", "every": "1s", "part": "body"},
        {"fault": "drip", "every": "1s", "part": "chunked"},
        {"fault": "drip", "every": "1s", "part": "headers"},
    )
    return evenly((*_SILENT, *late))


def failing(own: ServiceSettings) -> st.SearchStrategy[Raw]:
    """Faults under which attempts fail."""
    return evenly((quick(), silent(own))).flatmap(lambda some: some)


def late(own: ServiceSettings) -> st.SearchStrategy[Raw]:
    """Faults under which attempts succeed after a good part of their deadline."""
    return evenly([_delay(0.4 * own.timeout_s), _delay(0.8 * own.timeout_s)])


def slow(own: ServiceSettings) -> st.SearchStrategy[Raw]:
    """Faults under which attempts succeed, but late or bit by bit."""
    delays = [round(share * own.timeout_s, 2) for share in (0.4, 0.1, 0.8)]
    return evenly(
        [
            *(_delay(delay_s) for delay_s in delays),
            *({"fault": "latency", "latency": _ms(delay_s)} for delay_s in delays[:2]),
            {"fault": "slicer", "average_size": "64B", "delay": "50ms"},
            {"fault": "slow_close", "delay": "500ms"},
        ]
    )


def odd() -> st.SearchStrategy[Raw]:
    """Answers that aren't what was agreed."""
    return evenly(_ODD)


def of_identity() -> st.SearchStrategy[Raw]:
    """What only auth can say: nobody is valid, a token is revoked, somebody without a name is."""
    return evenly(
        [
            {"fault": "json", "json": {"valid": False}, "on": "POST /verify_token"},
            {"fault": "revoke", "user": "ada"},
            {"fault": "json", "json": {"valid": True}, "on": "POST /verify_token"},
        ]
    )


def of_ownership() -> st.SearchStrategy[Raw]:
    """What only auth can say: nobody owns the project."""
    return evenly(
        [
            {"fault": "json", "json": {"owner_id": None}, "on": "GET /internal/projects"},
            {"fault": "json", "json": {}, "on": "GET /internal/projects"},
        ]
    )


OWNER_REDIRECTED: Raw = {
    "fault": "headers",
    "status": 302,
    "headers": {"Location": "/internal/projects/p2/owner"},
    "on": "GET /internal/projects/p1/owner",
}
"""The owner of one project is asked for, and auth points to another's."""


def any_kind(own: ServiceSettings) -> st.SearchStrategy[Raw]:
    """Any fault of those that matter."""
    return evenly((quick(), silent(own), odd(), slow(own))).flatmap(lambda some: some)


def selectable(kind: Raw) -> bool:
    """Whether a fault can pick calls: a route, a count, a share."""
    return kind["fault"] not in _NOT_IN_STUB


def attempt_s(kind: Raw, own: ServiceSettings) -> float:
    """How long an attempt under a failing fault takes, roughly, in seconds."""
    return 0.0 if any(kind == other for other in _QUICK) else own.timeout_s


def _delay(seconds: float) -> Raw:
    return {"fault": "delay", "delay": _ms(seconds)}


def _ms(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"
