"""Kinds of fault with parameters that matter to one upstream: strategies for a fault's own keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from hypothesis import strategies as st

from harness.scenario.faults import KINDS, Deadlines
from harness.scenario.faults.row import Draw
from harness.settings import ServiceSettings

Raw = dict[str, Any]

T = TypeVar("T")
_WIDE = 999_983


def evenly(options: Sequence[T]) -> st.SearchStrategy[T]:
    """One of these, each as often; `sampled_from` prefers the first and the last by far."""
    return st.integers(0, _WIDE).map(lambda number: options[number % len(options)])


def _drawn(draw: Draw, own: ServiceSettings | None = None) -> list[Raw]:
    """What the table of faults offers, played by a service first: those are the plainest."""
    deadline_s = 0.0 if own is None else own.timeout_s
    kinds = sorted(KINDS.values(), key=lambda kind: kind.where != "stub")
    return [
        {"fault": kind.name} | {key: _value(value, deadline_s) for key, value in keys.items()}
        for kind in kinds
        for keys in kind.draws.get(draw, ())
    ]


def _value(value: Any, deadline_s: float) -> Any:
    return _ms(value.share * deadline_s) if isinstance(value, Deadlines) else value


def quick() -> st.SearchStrategy[Raw]:
    """Faults under which attempts fail at once."""
    return evenly(_drawn("quick"))


def silent(own: ServiceSettings) -> st.SearchStrategy[Raw]:
    """Faults under which attempts fail at their deadline."""
    return evenly(_drawn("silent", own))


def failing(own: ServiceSettings) -> st.SearchStrategy[Raw]:
    """Faults under which attempts fail."""
    return evenly((quick(), silent(own))).flatmap(lambda some: some)


def late(own: ServiceSettings) -> st.SearchStrategy[Raw]:
    """Faults under which attempts succeed after a good part of their deadline."""
    return evenly(_drawn("late", own))


def slow(own: ServiceSettings) -> st.SearchStrategy[Raw]:
    """Faults under which attempts succeed, but late or bit by bit."""
    return evenly(_drawn("slow", own))


def odd() -> st.SearchStrategy[Raw]:
    """Answers that aren't what was agreed: successes to a breaker, 429 aside."""
    return evenly(_drawn("odd"))


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
    return KINDS[kind["fault"]].in_stub


def attempt_s(kind: Raw, own: ServiceSettings) -> float:
    """How long an attempt under a failing fault takes, roughly, in seconds."""
    return 0.0 if kind in _drawn("quick") else own.timeout_s


def _ms(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"
