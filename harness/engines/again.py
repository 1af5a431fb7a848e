"""When a client tries again: one rule for real time and for the simulation, which loads no more."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict


class AgainPlan(TypedDict):
    """A client that tries again, as plain JSON."""

    waits_s: list[float]
    """Before the second try, the third, ..."""
    statuses: list[tuple[int, int]]
    """Answers after which it does, as inclusive ranges."""
    error: bool
    """Whether it does after no answer, too."""
    retry_after: bool


def again_after_s(
    plan: AgainPlan | None, tried: int, status: int | None, headers: Iterable[tuple[str, str]]
) -> float | None:
    """How long a client waits before its next try, in seconds; None where it makes none.

    `tried`: how many it has made; `status`: what the last one was answered, None for no answer.
    """
    if plan is None or tried > len(plan["waits_s"]):
        return None
    if status is None:
        meant = plan["error"]
    else:
        meant = any(low <= status <= high for low, high in plan["statuses"])
    if not meant:
        return None
    asked_s = _asked_s(headers) if plan["retry_after"] else None
    return plan["waits_s"][tried - 1] if asked_s is None else asked_s


def _asked_s(headers: Iterable[tuple[str, str]]) -> float | None:
    """The seconds of a `Retry-After`; None without one, or where it names a date."""
    for name, value in headers:
        if name.lower() == "retry-after" and value.strip().isdecimal():
            return float(value.strip()[:9])
    return None
