"""Which services the stubs play of themselves, and which routes: they plug in by name."""

from __future__ import annotations

from functools import cache
from importlib import import_module

_STUBS = "stub_services"
"""The package of the stubs; loaded only where a name or a route is to be checked."""


@cache
def stub_names() -> tuple[str, ...]:
    """The services that have routes of their own."""
    return tuple(import_module(_STUBS).SERVICES)


def stub_routes_of(name: str) -> tuple[str, ...]:
    """The routes of one of them, `*` for any segment."""
    own: tuple[str, ...] = import_module(_STUBS).routes_of(name)
    return own
