"""The system under test: how it is started or reached, wired, and what it promises."""

from __future__ import annotations

import os
import sys
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from msgspec.structs import replace
from pydantic import Field, model_validator

from harness.contracts import BUNDLED, Contract, Sample, User, document, load_contract
from harness.contracts.policies import Adjustment
from harness.contracts.promises import OPENS, Without, given_up
from harness.log_patterns import Log
from harness.policy.settings import ServiceSettings
from harness.policy.thresholds import Never
from harness.scenario.fields import (
    CallRoute,
    Duration,
    Line,
    Misfit,
    Part,
    Route,
    UpstreamName,
    at_least_one,
    exclusive,
    texts,
)
from harness.target.known import KnownFailure
from harness.target.parts import KnownEntry, Start, Status
from harness.target.templates import read_template
from harness.target.wiring import FILES, named_in
from harness.upstreams.real_service import Address, RealService
from harness.upstreams.stub_data import Stub, StubRoute


class Target(Part):
    """One target file."""

    rules: ClassVar[tuple[dict[str, Any], ...]] = (
        at_least_one("start", "url"),
        exclusive("start", "url"),
    )

    name: Line = Field(description="what reports call it", examples=["my gateway"])
    start: Start | None = Field(
        None,
        description="how it is started, once for each scenario",
        examples=[{"command": ["python", "app.py", "--port", "{port}"]}],
    )
    url: Annotated[str, texts("a URL", "http://127.0.0.1:8080", pattern="^https?://")] | None = (
        Field(
            None,
            description="a target that already runs, instead of `start`",
            examples=["http://127.0.0.1:8080"],
        )
    )
    ca: Annotated[str, texts("a file", "ca.pem")] | None = Field(
        None,
        description="for https: the authority's certificates (PEM), relative to this file",
        examples=["ca.pem"],
    )
    contract_: Annotated[str, texts("a file", "shop.contract.yaml")] = Field(
        BUNDLED,
        alias="contract",
        description=f"what it promises: a contract file relative to this one, or `{BUNDLED}`",
        examples=["shop.contract.yaml"],
    )
    upstreams: dict[str, UpstreamName] = Field(
        default_factory=lambda: document().variables,
        description="environment variable -> upstream; gets the proxy's address",
        examples=[{"MAIL_URL": "mail"}],
    )
    ready: Route = Field("GET /health", description="answers when it is ready")
    ready_within: Duration = Field(30.0, description="how long it may take to get ready")
    status: Status | None = Field(
        None,
        description="where it tells of its breakers",
        examples=[{"request": "GET /status", "state": "services.{upstream}.state"}],
    )
    log: Log | None = Field(
        None,
        description="patterns of its log, by what they stand for",
        examples=[{"opened": "circuit open for (?P<upstream>\\w+)"}],
    )
    breakers: dict[str, Adjustment] = Field(
        default_factory=dict,
        description="where its settings differ from the contract's",
        examples=[{"mail": {"attempts": 2, "timeout": "5s", "threshold": 3, "wait": "15s"}}],
    )
    without: tuple[Without, ...] = Field(
        (),
        description="what it doesn't promise, or not at one upstream: out of scope, never passed",
        examples=[["S1", "no 5xx but 503", "S1 at mail"]],
    )
    known: tuple[KnownEntry, ...] = Field(
        (),
        description="failures that are no news",
        examples=[
            [{"failure": "git_down/never", "because": "GATE-12", "until": "2026-12-31"}],
        ],
    )
    background: dict[str, tuple[CallRoute, ...]] = Field(
        default_factory=dict,
        description="calls that it makes by itself, for no request: its own health checks",
        examples=[{"mail": ["GET /health"]}],
    )
    users: dict[str, User] = Field(
        default_factory=dict,
        description="users beside the contract's, or with other fields",
        examples=[{"eve": {"bearer": "token-eve"}}],
    )
    routes: dict[str, Sample] = Field(
        default_factory=dict,
        description="requests that it answers: what `measure`, `explore` and `new` ask, instead of "
        "the contract's",
        examples=[{"price": {"request": "GET /price"}}],
    )
    openapi: Annotated[str, texts("a file", "openapi.yaml")] | None = Field(
        None,
        description="its own OpenAPI file, relative to this one: what else it can be asked",
        examples=["openapi.yaml"],
    )
    stubs: dict[str, tuple[StubRoute, ...] | Stub] = Field(
        default_factory=dict,
        description="routes that stubs answer beside their own, or an OpenAPI file of them",
        examples=[
            {"payments": [{"route": "POST /pay", "json": {"paid": True}}]},
            {"payments": {"openapi": "payments.openapi.yaml"}},
        ],
    )
    real: dict[str, Address | RealService] = Field(
        default_factory=dict,
        description="host:port of real services",
        examples=[
            {"payments": "127.0.0.1:9000"},
            {"cache": {"address": "127.0.0.1:6379", "protocol": "tcp"}},
        ],
    )
    tls: tuple[UpstreamName, ...] = Field(
        (),
        description="upstreams whose stubs speak TLS, by certificates of the authority in {tls.ca}",
        examples=[["payments"]],
    )
    file: str = Field("", exclude=True)

    @model_validator(mode="after")
    def _consistent(self) -> Target:
        if self.start is None and self.url is None:
            raise ValueError("expected either `start` (a command) or `url` (a running target)")
        if self.start is not None and self.url is not None:
            raise Misfit("`start` and `url` exclude each other; keep one of them", key="url")
        return self

    @cached_property
    def contract(self) -> Contract:
        """What it promises.

        Raises: UsageError, InvalidFile; a target that was loaded from its file has asked already.
        """
        if self.holds_to_document:
            return document()
        base = Path(self.file).parent if self.file else Path()
        return load_contract(base / self.contract_)

    @property
    def holds_to_document(self) -> bool:
        """Whether what it promises is the bundled contract."""
        return self.contract_ == BUNDLED

    @property
    def address(self) -> tuple[str, int] | None:
        """Where a target that already runs listens; None for one that is started."""
        if self.url is None:
            return None
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)

    @property
    def over_tls(self) -> bool:
        """Whether it is spoken to by https."""
        return self.url is not None and urlsplit(self.url).scheme == "https"

    @property
    def ca_file(self) -> Path | None:
        """Whose certificates are trusted instead of the system's."""
        base = Path(self.file).parent if self.file else Path()
        return None if self.ca is None else (base / self.ca).resolve()

    @property
    def background_calls(self) -> tuple[str, ...]:
        """The calls that it makes by itself: `mail GET /health`."""
        return tuple(f"{name} {route}" for name, own in self.background.items() for route in own)

    @property
    def upstream_names(self) -> tuple[str, ...]:
        """The upstreams that it depends on, each once: in variables, and in places of `start`."""
        return tuple(dict.fromkeys((*self.upstreams.values(), *self.placed_upstreams)))

    def real_address(self, upstream: str) -> str | None:
        """Where an upstream's real service is: host:port; None where a stub plays it."""
        real = self.real.get(upstream)
        return real.address if isinstance(real, RealService) else real

    @property
    def tcp_upstreams(self) -> tuple[str, ...]:
        """Those that are known not to speak HTTP."""
        services = self.real.items()
        return tuple(n for n, s in services if isinstance(s, RealService) and s.protocol == "tcp")

    @property
    def placed_upstreams(self) -> tuple[str, ...]:
        """Those whose addresses its command or its environment asks for."""
        start = self.start
        if start is None:
            return ()
        return named_in((*start.command, *start.env.values(), *self.templates.values()))

    @cached_property
    def templates(self) -> dict[str, str]:
        """The texts of which its files are made, by the files' names.

        Raises: UsageError; a target that was loaded from its file has asked already.
        """
        base = Path(self.file).parent if self.file else Path()
        files = {} if self.start is None else self.start.files
        return {name: read_template(name, path, base) for name, path in files.items()}

    def stub_routes(self, upstream: str) -> tuple[StubRoute, ...]:
        """All routes that the stub of an upstream answers beside its own.

        Raises: UsageError, InvalidFile for an OpenAPI file; a target that was loaded from its file
            has asked already.
        """
        own, file = self.written_routes(upstream), self.openapi_file(upstream)
        if file is None:
            return own
        from harness.openapi import routes_of  # not before somebody has such a file

        besides = tuple(route.route.rstrip("/") for route in own)
        return (*own, *routes_of(file, besides=besides))

    def written_routes(self, upstream: str) -> tuple[StubRoute, ...]:
        """Those of them that stand in the target file itself."""
        stub = self.stubs.get(upstream, ())
        return stub.routes if isinstance(stub, Stub) else stub

    def openapi_file(self, upstream: str) -> Path | None:
        """The file that describes what the stub of an upstream answers."""
        stub = self.stubs.get(upstream, ())
        if not isinstance(stub, Stub) or stub.openapi is None:
            return None
        base = Path(self.file).parent if self.file else Path()
        return base / stub.openapi

    def user(self, user_id: str) -> User:
        """A user, its own fields over the contract's.

        Raises: KeyError for a user whom neither knows.
        """
        own = self.users.get(user_id)
        default = self.contract.users.get(user_id)
        if own is None and default is None:
            raise KeyError(user_id)
        merged = {} if default is None else default.model_dump()
        merged |= {} if own is None else own.model_dump(exclude_none=True)
        return User(**merged)

    @property
    def known_failures(self) -> tuple[KnownFailure, ...]:
        """What `known:` names."""
        each = ((entry.failure, entry.because, entry.until) for entry in self.known)
        return tuple(KnownFailure.of(*entry, self.file) for entry in each)

    @property
    def user_ids(self) -> tuple[str, ...]:
        """All users, the contract's first."""
        return tuple(dict.fromkeys((*self.contract.users, *self.users)))

    def settings(self, upstream: str) -> ServiceSettings:
        """n, T, N, W and backoffs of one upstream: the target's own over the contract's."""
        settings = self.contract.settings_of(upstream)
        own = self.breakers.get(upstream)
        return settings if own is None else own.over(settings)

    def owed(self, upstream: str) -> ServiceSettings:
        """The same, as far as they are promised: without a breaker where it need not open."""
        settings = self.settings(upstream)
        opens = self.contract.claims_of(OPENS)
        if not given_up(self.without, upstream).issuperset(opens):
            return settings
        return replace(settings, breaker=replace(settings.breaker, opens=Never()))

    @property
    def traffic(self) -> dict[str, Sample]:
        """The requests that exploration sends: its own, else the contract's, the plainest first."""
        return {**self.described, **self.routes} or self.contract.traffic

    @cached_property
    def described(self) -> dict[str, Sample]:
        """One request for each operation of its own OpenAPI file that `routes` doesn't name.

        Raises: UsageError, InvalidFile; a target that was loaded from its file has asked already.
        """
        if self.openapi is None:
            return {}
        from harness.openapi.document import load_document
        from harness.openapi.requests import named, requests_of

        base = Path(self.file).parent if self.file else Path()
        found, _ = requests_of(load_document(base / self.openapi))
        known = {self.ready, *(sample.request for sample in self.routes.values())}
        fresh = named([each for each in found if each["request"] not in known])
        return {name: Sample(**raw) for name, raw in fresh.items() if name not in self.routes}

    def calling(self, upstream: str, *, surely: bool = False) -> tuple[str, Sample] | None:
        """The first that calls an upstream, as the contract says; any where it says nothing.

        `surely`: only where it says so.
        """
        unknown = None
        for name, sample in self.traffic.items():
            route = self.contract.route_of(sample.request)
            if route is None:
                unknown = unknown or (name, sample)
            elif any(route.of_upstream(upstream)):
                return name, sample
        return None if surely else unknown

    @property
    def tls_files(self) -> tuple[str, ...]:
        """The files of certificates that its places may ask for."""
        own = self.start is not None and self.start.tls
        return FILES if own else FILES[:1] if self.tls else ()

    @property
    def python(self) -> str:
        """The Python that it runs in; its own may be a link into another, so none is followed."""
        own = None if self.start is None else self.start.python
        return sys.executable if own is None else os.path.normpath(self.cwd / own)

    @property
    def cwd(self) -> Path:
        """Where it is started."""
        base = Path(self.file).parent if self.file else Path()
        return (base / (self.start.cwd if self.start else ".")).resolve()
