"""The model of a contract file: upstreams with policies, routes with their calls, users, claims.

A contract says what a gateway promises, as data. Nothing here knows which gateway: the document's
own contract is `document.yaml` beside this module, one file among others.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from pydantic import Field

from harness.contracts.people import Sample, User
from harness.contracts.policies import Adjustment, Policy, Upstream
from harness.contracts.promises import PromiseName
from harness.contracts.routes import ContractRoute, Step, written
from harness.contracts.templates import pattern_of, starred
from harness.policy.settings import ServiceSettings
from harness.routes import route_matches
from harness.scenario.fields import Claim, Line, Part, Route


class ClaimText(Part):
    """A claim in words: `says`, or the cells of its row in a table."""

    says: Line | None = Field(None, description="all of it, where it is no row")
    route: Line | None = Field(None, description="which route")
    outage: Line | None = Field(None, description="which outage")
    opens: Line | None = Field(None, description="when the breaker opens")
    attempts: Line | None = Field(None, description="attempts until then")
    first_rejection: Line | None = Field(None, description="who is turned away first")
    healthy: Line | None = Field(None, description="what is answered when all is well")
    down: Line | None = Field(None, description="what is answered while the service is down")
    later: Line | None = Field(None, description="what comes after")
    closes: Line | None = Field(None, description="when the breaker closes")
    apart: Line | None = Field(
        None, description="why no scenario asserts it, or no known defect breaks it"
    )
    source: Line | None = Field(None, description="where it is said")


class Contract(Part):
    """One contract file."""

    name: Line = Field(description="what it is called", examples=["shop"])
    source: Line | None = Field(None, description="the document whose promises these are")
    users: dict[str, User] = Field(
        default_factory=dict,
        description="whom the stubs know",
        examples=[{"eve": {"bearer": "token-eve"}}],
    )
    upstreams: dict[str, Upstream] = Field(
        default_factory=dict,
        description="the services that the gateway depends on",
        examples=[{"payments": {"variable": "PAYMENTS_URL", "timeout": "2s"}}],
    )
    others: Policy = Field(
        default_factory=Policy,
        description="the policy of an upstream that isn't listed",
        examples=[{"timeout": "5s"}],
    )
    profiles: dict[str, dict[str, Adjustment]] = Field(
        default_factory=dict,
        description="readings, the first by default: what each changes by upstream; `*` is all",
        examples=[{"strict": {}, "patient": {"*": {"attempts": 4}}}],
    )
    routes: dict[str, ContractRoute] = Field(
        default_factory=dict,
        description="the gateway's routes, by names of yours",
        examples=[{"order": {"request": "POST /orders/{number}"}}],
    )
    idle: tuple[Route, ...] = Field(
        (), description="routes that call nobody", examples=[["GET /health"]]
    )
    traffic: dict[str, Sample] = Field(
        default_factory=dict,
        description="requests that exploration sends, the plainest first",
        examples=[{"order": {"request": "POST /orders/7"}}],
    )
    claims: dict[Claim, ClaimText] = Field(
        default_factory=dict,
        description="the claims that scenarios assert",
        examples=[{"S1": {"says": "An order is paid once."}}],
    )
    promises: dict[PromiseName, tuple[Claim, ...]] = Field(
        default_factory=dict,
        description="which claims the promises of every run rest on; what is not named goes by its "
        "own name, and where nothing is said they rest on the bundled contract's",
        examples=[{"no 5xx but 503": ["S1"]}],
    )
    file: str = Field("", exclude=True)
    told: str = Field("", exclude=True)
    """Its file's text, as a history keeps it; empty for the bundled contract."""

    @cached_property
    def settings(self) -> dict[str, ServiceSettings]:
        """n, T, N and W of each upstream."""
        return {name: own.settings for name, own in self.upstreams.items()}

    def settings_of(self, upstream: str) -> ServiceSettings:
        """Of one upstream, known or not."""
        return self.settings.get(upstream) or self.others.settings

    def profile(self, name: str) -> dict[str, ServiceSettings]:
        """Settings by upstream in a reading.

        Raises: KeyError for one that isn't known.
        """
        said = self.profiles[name] if self.profiles else {}
        changed = {name: said.get(name, said.get("*")) for name in self.settings}
        return {
            name: own if (change := changed[name]) is None else change.over(own)
            for name, own in self.settings.items()
        }

    def claims_of(self, *promises: str) -> tuple[str, ...]:
        """The claims that these promises rest on; one that no claim is named for stands itself."""
        found = (claim for name in promises for claim in self.promises.get(name) or (name,))
        return tuple(dict.fromkeys(found))

    @property
    def readings(self) -> tuple[str, ...]:
        """The names of its readings, the default one first."""
        return tuple(self.profiles) or (self.name,)

    @property
    def variables(self) -> dict[str, str]:
        """Which environment variable holds which upstream's address."""
        named = ((own.variable, name) for name, own in self.upstreams.items())
        return {variable: name for variable, name in named if variable is not None}

    @cached_property
    def _patterns(self) -> tuple[tuple[Any, str], ...]:
        return tuple((pattern_of(own.request), name) for name, own in self.routes.items())

    def route_of(self, request: str) -> ContractRoute | None:
        """The route of a request such as `POST /orders/7?x=1`; None for one it doesn't name."""
        path = request.partition("?")[0].rstrip("/")
        found = (name for pattern, name in self._patterns if pattern.fullmatch(path))
        name = next(found, None)
        return None if name is None else self.routes[name]

    def step_of(self, upstream: str, called: str) -> Step | None:
        """The first call of any route that a call as it was made is one of."""
        path = called.partition(" ")[2]
        steps = (step for route in self.routes.values() for step in route.of_upstream(upstream))
        return next((s for s in steps if route_matches(starred(s.route), called, path)), None)

    def while_down(self, request: str, upstream: str) -> str | None:
        """What a request is answered while an upstream is down, as a scenario writes it; None where
        nobody says.
        """
        route = self.route_of(request)
        steps = () if route is None else tuple(route.of_upstream(upstream))
        if route is None or not steps:
            return None
        ends = (step.else_ for step in steps if step.else_)
        return written(next(ends, (route.status,)))

    def vouching(self, what: str) -> Step | None:
        """The first call of any route that vouches for a token, a password or an owner."""
        steps = (step for route in self.routes.values() for step in route.vouching)
        return next((step for step in steps if step.vouches == what), None)

    def needed_by(self, effect: Step) -> Step | None:
        """The call without whose success another isn't made."""
        steps = (step for route in self.routes.values() for step in route.calls)
        return next((step for step in steps if step.call == effect.after), None)

    @property
    def effect(self) -> Step | None:
        """The first call whose effect happens at most once."""
        effects = (route.effect for route in self.routes.values())
        return next((step for step in effects if step is not None), None)

    @property
    def ledgers(self) -> tuple[str, ...]:
        """The upstreams with an effect that happens at most once."""
        effects = (route.effect for route in self.routes.values())
        return tuple(dict.fromkeys(step.upstream for step in effects if step is not None))
