"""Whose calls a breaker counts: all calls at an upstream, or those of a route or of a worker."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

from harness.frozen import Abstract, Frozen


class Scope(Frozen, metaclass=Abstract):
    """Which of an upstream's breakers a call is behind."""

    @property
    def several(self) -> bool:
        """Whether there may be more than one."""
        return False

    @property
    def alike(self) -> bool:
        """Whether nobody can tell several apart, so that they are spoken of together; mostly calls
        say which one they are behind.
        """
        return False

    @abstractmethod
    def part(self, route: str, worker: Callable[[int], int]) -> str:
        """What calls have in common that are behind the same breaker: `route`, as a template, is
        what is called; `worker` says which one of so many works for the request.
        """


class Together(Scope):
    """One breaker for all calls at an upstream."""

    def part(self, route: str, worker: Callable[[int], int]) -> str:
        """The same for all."""
        return ""


class EachRoute(Scope):
    """A breaker for each route: method, and path as a template where one is known."""

    @property
    def several(self) -> bool:
        """As many as there are routes."""
        return True

    def part(self, route: str, worker: Callable[[int], int]) -> str:
        """The route."""
        return route


class EachWorker(Scope):
    """A breaker for each worker process, each of which may work for any request."""

    number: int | None = None
    """How many workers there are; None where nobody says."""

    @property
    def several(self) -> bool:
        """As many as there are workers."""
        return self.number != 1

    @property
    def alike(self) -> bool:
        """Nothing that crosses the wire says who sent it."""
        return self.several

    def part(self, route: str, worker: Callable[[int], int]) -> str:
        """The worker; where nobody knows how many there are, as if there were one."""
        return str(worker(self.number or 1))


class EachHost(Together):
    """A breaker for each address of an upstream: a run gives each upstream one, so it has one."""
