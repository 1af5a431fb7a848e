"""The catalogue of defective gateways: what each does wrong, and what must catch it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """One mistake, made in the reference gateway from outside.

    `claims` are those of the contract that it breaks. `scenarios` are bundled ones (or of this
    folder's own) that fail it, each by an expectation that names one of these claims. `apply`
    patches the gateway before its application is made. A defect that isn't visible from outside
    has no scenarios.
    """

    id: str
    summary: str
    claims: tuple[str, ...]
    scenarios: tuple[str, ...]
    apply: Callable[[], None]
    environ: Mapping[str, str] = field(default_factory=dict)
    """Settings that the gateway is started with, where the default ones don't show the defect."""
    breakers: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """The same for a target file: `breakers:` of the upstreams."""
    workers: int = 1
    """Applications that take turns, each with breakers of its own."""
    sim_only: bool = False
    """Whether it takes a simulation to meet it."""
    lines_only: bool = False
    """Whether it takes one whose threads change between any two lines."""
    real_only: bool = False
    """Whether it takes real sockets and threads."""


DEFECTS: dict[str, Defect] = {}
"""All of them, by id."""
SOUND: dict[str, Defect] = {}
"""Gateways made in the same way that keep the contract, by id: they break no claim."""


def defect(
    name: str, summary: str, *, claims: str, scenarios: str, **more: object
) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Decorates the function that applies a defect; claims and scenarios are separated by spaces.

    Raises: ValueError for an id that is taken.
    """

    def register(apply: Callable[[], None]) -> Callable[[], None]:
        if name in DEFECTS:
            raise ValueError(f"two defects are called {name}")
        DEFECTS[name] = Defect(
            id=name,
            summary=summary,
            claims=tuple(claims.split()),
            scenarios=tuple(scenarios.split()),
            apply=apply,
            **more,  # type: ignore[arg-type]
        )
        return apply

    return register


def sound(
    name: str, summary: str, *, scenarios: str
) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Decorates the function that makes a gateway that differs and is right all the same.

    `scenarios` are those that might take it for wrong.
    Raises: ValueError for an id that is taken.
    """

    def register(apply: Callable[[], None]) -> Callable[[], None]:
        if name in DEFECTS or name in SOUND:
            raise ValueError(f"two gateways are called {name}")
        SOUND[name] = Defect(
            id=name, summary=summary, claims=(), scenarios=tuple(scenarios.split()), apply=apply
        )
        return apply

    return register
