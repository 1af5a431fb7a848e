"""The resilient clients of all upstreams, made once at start (B10)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

from gateway.resilience import CircuitBreaker, ResilientServiceClient
from gateway.resilience.transport import Transport
from gateway.settings import Settings, Upstream

NAMES = {
    "auth": "Auth",
    "filesystem": "Filesystem",
    "chroma": "Chroma",
    "billing": "Billing",
    "git": "Git",
    "external_data": "External Data",
}
"""What each upstream is called in the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """One client for each upstream."""

    auth: ResilientServiceClient
    filesystem: ResilientServiceClient
    chroma: ResilientServiceClient
    billing: ResilientServiceClient
    git: ResilientServiceClient
    external_data: ResilientServiceClient
    internal_token: str

    def __iter__(self) -> Iterator[tuple[str, ResilientServiceClient]]:
        clients = ((field.name, getattr(self, field.name)) for field in fields(self))
        return ((name, each) for name, each in clients if name in NAMES)


def connect(settings: Settings) -> Services:
    """Make the clients; nothing is sent yet."""
    clients = {each.name: _client(each) for each in settings.upstreams}
    return Services(internal_token=settings.internal_token, **clients)


def _client(upstream: Upstream) -> ResilientServiceClient:
    given = upstream.client
    return ResilientServiceClient(
        NAMES[upstream.name],
        Transport(upstream.url, timeout_s=given.timeout_s),
        given,
        CircuitBreaker(threshold=given.threshold, wait_s=given.wait_s),
    )
