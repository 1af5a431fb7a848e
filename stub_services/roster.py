"""Which services there are, and how a set of them is built to share users."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pkgutil import resolve_name
from typing import Any

from stub_services.people import DEFAULT_USERS, People
from stub_services.service import Service

_PLACES = {
    "auth": "auth:Auth",
    "filesystem": "filesystem:Filesystem",
    "chroma": "chroma:Chroma",
    "billing": "billing:Billing",
    "git": "git:Git",
    "external_data": "external_data:ExternalData",
}
"""Where each service is (module of this package, class), by its name."""

SERVICES: dict[str, type[Service]] = {
    name: resolve_name(f"stub_services.{place}") for name, place in _PLACES.items()
}
"""The services that have routes of their own, by name."""


def routes_of(name: str) -> tuple[str, ...]:
    """The routes of a service, `*` for any segment; `/health` alone for one that isn't known."""
    return build([name])[name].own_routes


def build(
    names: Iterable[str] = tuple(SERVICES),
    *,
    users: Mapping[str, Any] = DEFAULT_USERS,
    internal_token: str | None = None,
    salt: bytes | None = None,
) -> dict[str, Service]:
    """The services of these names; one that isn't known has only `/health` and routes as data.

    They share one directory of users. `internal_token` (default: INTERNAL_SERVICE_TOKEN, else
    "internal-token") is what auth asks for; `salt` makes the digests in records repeatable.
    Raises: BadRequest for users that aren't.
    """
    people = People(users)
    token = internal_token or os.environ.get("INTERNAL_SERVICE_TOKEN") or "internal-token"
    return {
        name: SERVICES.get(name, Service)(name, people=people, internal_token=token, salt=salt)
        for name in names
    }
