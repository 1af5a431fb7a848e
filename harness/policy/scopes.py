"""Whose calls a breaker counts: all calls at an upstream, or those of one of its routes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Scope(Protocol):
    """Which of an upstream's breakers a call is behind."""

    @property
    def parts(self) -> bool:
        """Whether there may be several."""
        ...

    def part(self, route: str) -> str:
        """What calls at a route have in common with others that are behind the same breaker."""
        ...


@dataclass(frozen=True, slots=True)
class Together:
    """One breaker for all calls at an upstream."""

    @property
    def parts(self) -> bool:
        """One for all."""
        return False

    def part(self, route: str) -> str:
        """The same for all."""
        return ""


@dataclass(frozen=True, slots=True)
class EachRoute:
    """A breaker for each route: method, and path as a template where one is known."""

    @property
    def parts(self) -> bool:
        """As many as there are routes."""
        return True

    def part(self, route: str) -> str:
        """The route."""
        return route
