"""Which services there are, and how a set of them is built to share users.

To know their names loads none of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stub_services.service import Service

SERVICES = {
    "auth": "auth:Auth",
    "filesystem": "filesystem:Filesystem",
    "chroma": "chroma:Chroma",
    "billing": "billing:Billing",
    "git": "git:Git",
    "external_data": "external_data:ExternalData",
}
"""Where each service that has routes of its own is (module of this package, class), by its name."""
_ANY_OTHER = "service:Service"


def class_of(name: str) -> type[Service]:
    """The class of a service; of one that isn't known, that of all."""
    found: type[Service] = resolve_name(f"stub_services.{SERVICES.get(name, _ANY_OTHER)}")
    return found


def routes_of(name: str) -> tuple[str, ...]:
    """The routes of a service, `*` for any segment; `/health` alone for one that isn't known."""
    return build([name])[name].own_routes


def build(
    names: Iterable[str] = tuple(SERVICES),
    *,
    users: Mapping[str, Any] | None = None,
    internal_token: str | None = None,
    salt: bytes | None = None,
) -> dict[str, Service]:
    """The services of these names; one that isn't known has only `/health` and routes as data.

    They share one directory of `users` (default: `people.DEFAULT_USERS`). `internal_token`
    (default: INTERNAL_SERVICE_TOKEN, else "internal-token") is what auth asks for; `salt` makes the
    digests in records repeatable.
    Raises: BadRequest for users that aren't.
    """
    from stub_services.people import DEFAULT_USERS, People

    people = People(DEFAULT_USERS if users is None else users)
    token = internal_token or os.environ.get("INTERNAL_SERVICE_TOKEN") or "internal-token"
    return {
        name: class_of(name)(name, people=people, internal_token=token, salt=salt) for name in names
    }
