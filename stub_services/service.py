"""The base of all stub services: finds the route, does the work, remembers what was seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, ClassVar, Protocol

from stub_services.actions import Action, felt
from stub_services.answers import data_route
from stub_services.behaviours import Behaviour, Behaviours
from stub_services.bounds import MOST_ROUTES, BadRequest, at_most
from stub_services.messages import Reply, Request, refusal
from stub_services.people import People
from stub_services.recording import Recorder
from stub_services.routes import Handler, Pattern, Route, Visit


class Waiting(Protocol):
    """A connection that a behaviour keeps silent."""

    def release(self, behaviour_id: str) -> None:
        """The behaviour is lifted."""


class Service:
    """One service: subclasses add routes; by itself it has `/health` and routes given as data.

    `people` may be shared with other services of the process.
    """

    default_port: ClassVar[int] = 0

    def __init__(
        self,
        name: str,
        *,
        people: People | None = None,
        internal_token: str = "internal-token",
        salt: bytes | None = None,
    ) -> None:
        self.name = name
        self.people = People() if people is None else people
        self.internal_token = internal_token
        self.recorder = Recorder(name, salt=salt)
        self.behaviours = Behaviours()
        self.waiting: list[Waiting] = []
        self.busy = 0
        """How many calls are under way."""
        handlers = {"GET /health": _health, **self.routes()}
        self._own = [
            Route(pattern=Pattern.parse(text), handler=handler)
            for text, handler in handlers.items()
        ]
        self._given: list[Route] = []

    @property
    def own_routes(self) -> tuple[str, ...]:
        """Its routes without those given as data: `GET /balance/*`."""
        return tuple(str(route.pattern) for route in self._own)

    def routes(self) -> Mapping[str, Handler]:
        """Who answers which route, such as `GET /balance/*`."""
        return {}

    def job(self, visit: Visit) -> str | None:
        """The key that names what a call attempts, where calls carry one."""
        del visit
        return None

    def who(self, request: Request) -> str | None:
        """The user whose token or password a call shows, where the service knows one by it."""
        del request
        return None

    def felt(self, request: Request, met: Iterable[tuple[Behaviour, Action]]) -> tuple[str, ...]:
        """The ids of the behaviours that change what becomes of a call."""
        pairs = tuple((behaviour.id, action) for behaviour, action in met)
        user_id = self.who(request) if any(a.kind == "revoke" for _, a in pairs) else None
        revoked = (
            behaviour_id
            for behaviour_id, action in pairs
            if action.kind == "revoke" and action.user == user_id is not None
        )
        return (*felt(pairs), *revoked)

    def ledger(self) -> dict[str, Any] | None:
        """What `GET /_stub/ledger` shows; None for a service without one."""
        return None

    def restore_ledger(self, value: Any, at_s: float) -> None:
        """Take over the charges of a process that died, without recording them.

        Raises: BadRequest.
        """
        raise BadRequest("this service keeps no ledger")

    def find(self, request: Request, at_s: float) -> tuple[str, Callable[[], Reply], str | None]:
        """The route's name, the work to do, and what it attempts."""
        for route in (*self._given, *self._own):
            if route.covers(request):
                wild = route.pattern.wild(request.segments)
                visit = Visit(request=request, wild=wild, at_s=at_s)
                return str(route.pattern), partial(_checked, route.handler, visit), self.job(visit)
        name = f"{request.method} {request.path}"
        return name, partial(refusal, 404, f"{self.name} has no {name}"), None

    def give_routes(self, values: Any) -> None:
        """Add routes as data, each before the service's own; the same route again replaces it.

        Raises: BadRequest; then nothing has changed.
        """
        if not isinstance(values, list):
            raise BadRequest("routes: expected a list")
        by_pattern = {route.pattern: route for route in self._given}
        by_pattern |= {route.pattern: route for route in map(data_route, values)}
        at_most(MOST_ROUTES, "routes", by_pattern)
        self._given = sorted(by_pattern.values(), key=lambda route: route.pattern.order)

    def put_behaviour(self, behaviour_id: str, value: Any, at_s: float) -> None:
        """Begin a behaviour, or begin it anew.

        Raises: BadRequest.
        """
        self.behaviours.put(behaviour_id, value, at_s)
        self._release(behaviour_id)

    def remove_behaviour(self, behaviour_id: str) -> None:
        """End a behaviour; connections that it kept silent are closed."""
        self.behaviours.remove(behaviour_id)
        self._release(behaviour_id)

    def _release(self, behaviour_id: str) -> None:
        for connection in tuple(self.waiting):
            connection.release(behaviour_id)


def _checked(handler: Handler, visit: Visit) -> Reply:
    try:
        return handler(visit)
    except BadRequest as error:
        return refusal(400, str(error))


def _health(_: Visit) -> Reply:
    return Reply(json={"status": "ok"})
