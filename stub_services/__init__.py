"""Stub services: stand-ins for auth, billing, chroma, filesystem, git and external data.

    bytes ─► Connection ─► Service (route, behaviours, work) ─► delivery ─► bytes, when due
                              └─► Recorder ─► GET /_stub/records

The protocol logic is free of I/O and clocks. A driver makes services with `build(names)` and, for
each accepted connection, a `Connection(service, wake, admits)`; it feeds bytes with the time,
carries out what `advance(at_s)` returns (bytes, `End.CLOSE`, `End.RESET`), and calls `advance`
again at `next_wake_s` or when `wake` is called. `server` is such a driver on asyncio; a simulation
is another. Run as processes they print `{"ready": {name: port}}`; `control` lists the paths under
`/_stub/` by which a harness reads and changes them, `actions` what a call can be made to suffer.
"""

from __future__ import annotations

from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stub_services.connection import Connection, Output
    from stub_services.control import nobody
    from stub_services.delivery import End
    from stub_services.people import DEFAULT_USERS
    from stub_services.roster import SERVICES, build, class_of, routes_of
    from stub_services.service import Service

_PLACES = {
    "Connection": "connection",
    "DEFAULT_USERS": "people",
    "End": "delivery",
    "Output": "connection",
    "SERVICES": "roster",
    "Service": "service",
    "build": "roster",
    "class_of": "roster",
    "nobody": "control",
    "routes_of": "roster",
}
"""Which module has each name, loaded when it is first asked for: who only wants to know the routes
needn't wait for the protocol."""

__all__ = [
    "DEFAULT_USERS",
    "SERVICES",
    "Connection",
    "End",
    "Output",
    "Service",
    "build",
    "class_of",
    "nobody",
    "routes_of",
]


def __getattr__(name: str) -> Any:
    """A name of this package, from its module."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return resolve_name(f"{__name__}.{_PLACES[name]}:{name}")
