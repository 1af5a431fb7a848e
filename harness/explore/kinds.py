"""Kinds of fault with parameters that matter to one upstream: strategies for a fault's own keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from hypothesis import strategies as st

from harness.contracts import Step
from harness.contracts.templates import filled
from harness.policy.settings import ServiceSettings
from harness.scenario.faults import KINDS, Deadlines
from harness.scenario.faults.row import Draw
from harness.scenario.stub_names import stub_names

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


def of_identity(step: Step, users: Sequence[str]) -> st.SearchStrategy[Raw]:
    """What only who vouches for tokens can say: no, revoked, and yes without a name."""
    needs = step.needs
    wrong = {key: not value if isinstance(value, bool) else None for key, value in needs.items()}
    told: list[Raw] = [{"fault": "json", "json": wrong, "on": step.stem}]
    if users and step.upstream in stub_names():  # a stub made of data knows nobody
        told.append({"fault": "revoke", "user": users[0]})
    bare = {key: value for key, value in needs.items() if isinstance(value, bool | int)}
    return evenly([*told, {"fault": "json", "json": bare, "on": step.stem}])


def of_ownership(step: Step) -> st.SearchStrategy[Raw]:
    """What only who vouches for owners can say: there is none."""
    nobody = dict.fromkeys(step.needs)
    return evenly(
        [
            {"fault": "json", "json": nobody, "on": step.stem},
            {"fault": "json", "json": {}, "on": step.stem},
        ]
    )


def redirected(step: Step, owned: Sequence[str]) -> Raw:
    """The owner of one thing is asked for, and the upstream points to another's."""
    method, _, path = step.route.partition(" ")
    own, other = (filled(path, {"project": name}) for name in owned[:2])
    return {
        "fault": "headers",
        "status": 302,
        "headers": {"Location": other},
        "on": f"{method} {own}",
    }


def any_kind(own: ServiceSettings) -> st.SearchStrategy[Raw]:
    """Any fault of those that matter."""
    return evenly((quick(), silent(own), odd(), slow(own))).flatmap(lambda some: some)


def delay(delay_s: float) -> Raw:
    """The service answers so much later."""
    return {"fault": "delay", "delay": _ms(delay_s)}


def selectable(kind: Raw) -> bool:
    """Whether a fault can pick calls: a route, a count, a share."""
    return KINDS[kind["fault"]].in_stub


def attempt_s(kind: Raw, own: ServiceSettings) -> float:
    """How long an attempt under a failing fault takes, roughly, in seconds."""
    return 0.0 if kind in _drawn("quick") else own.timeout_s


def _ms(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"
