"""An application as its folder shows it: how it is started, what it calls, what it can be asked."""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct, field

_SUFFIXES = (
    "_SERVER_URL", "_SERVICE_URL", "_BASE_URL", "_API_URL", "_URL", "_URI", "_ENDPOINT", "_BASE",
    "_ADDRESS", "_ADDR", "_ORIGIN", "_SERVICE", "_API",
)  # fmt: skip
_NOT_HTTP = ("DATABASE", "POSTGRES", "MYSQL", "REDIS", "MONGO", "AMQP", "RABBIT", "KAFKA", "SMTP")
_OWN = ("PORT", "HOST", "PUBLIC_URL", "SELF_URL")
_HEALTH = (
    "/health", "/healthz", "/ready", "/readyz", "/live", "/livez", "/alive", "/up", "/ping",
    "/heartbeat", "/status",
)  # fmt: skip
_BODIED = ("POST ", "PUT ", "PATCH ")
_ASIDE = ("/docs", "/redoc", "/openapi.json", "/metrics", "/static")


class Application(Struct, kw_only=True):
    """What was read of an application; everything in it is a guess that can be said otherwise."""

    kind: str
    """`Flask`, `FastAPI`, `Starlette`, `Django`, `Node` or `Go`."""
    command: list[str] = field(default_factory=list)
    python: str | None = None
    """Its own, where its folder has one."""
    wsgi: str | None = None
    asgi: str | None = None
    variables: list[str] = field(default_factory=list)
    """Environment variables that its code reads, in order."""
    composed: list[str] = field(default_factory=list)
    """Ends of names of variables that its code puts together when it runs: `_URL`."""
    routes: list[str] = field(default_factory=list)
    """Method and path, with `{name}` for what differs."""
    fields: dict[str, Any] = field(default_factory=dict)
    """Fields that it reads of answers, with a value of the kind that it seems to expect."""
    body: dict[str, Any] = field(default_factory=dict)
    """The same of requests."""
    read: str = ""
    """The file by which it was recognised."""


def start_of(application: Application) -> dict[str, Any]:
    """A target's `start:` so far: the command, and in which Python of its own."""
    own = {} if application.python is None else {"python": application.python}
    return own | {"command": application.command}


def upstreams_of(variables: list[str]) -> tuple[dict[str, str], list[str]]:
    """Upstreams by the variables that hold addresses, and what was said of the others."""
    found: dict[str, str] = {}
    said: list[str] = []
    for variable in dict.fromkeys(variables):
        suffix = next((end for end in _SUFFIXES if variable.endswith(end)), None)
        if suffix is None or variable in _OWN:
            continue
        if any(word in variable for word in _NOT_HTTP):
            said.append(f"{variable} seems to name what doesn't speak HTTP: left as it is")
            continue
        found[variable] = variable.removesuffix(suffix).lower()
    return found, said


def composed_note(ends: list[str]) -> list[str]:
    """What is said of variables whose names nobody can read."""
    known = [end for end in dict.fromkeys(ends) if end.endswith(_SUFFIXES)]
    if not known:
        return []
    names = ", ".join(f"...{end}" for end in known)
    return [f"addresses are read from variables that the code names as it goes ({names}): say each "
            "with --upstream VARIABLE=NAME"]  # fmt: skip


def example_of(variables: list[str]) -> str:
    """How an upstream might be said, by the first variable that could hold one's address."""
    own = next((one for one in variables if one not in _OWN), "PAYMENTS_URL")
    name = own.rpartition("_")[0] or own
    return f"--upstream {own}={name.lower()}"


def ready_of(routes: list[str]) -> str:
    """The route by which it says that it is ready; without one any answer to `/` will do."""
    paths = {path for method, _, path in (route.partition(" ") for route in routes)
             if method == "GET"}  # fmt: skip
    return f"GET {next((path for path in _HEALTH if path in paths), '/')}"


def with_bodies(asked: list[dict[str, Any]], body: dict[str, Any]) -> list[dict[str, Any]]:
    """Requests with a body where they take one of which their description says nothing."""
    return [
        one | {"json": dict(body)}
        if one["request"].startswith(_BODIED) and not {"json", "body"} & set(one)
        else one
        for one in asked
    ]


def askable(routes: list[str], body: dict[str, Any]) -> list[dict[str, Any]]:
    """Routes as requests, with a body where they take one; those are left out that say only how it
    is.
    """
    found: list[dict[str, Any]] = []
    for route in dict.fromkeys(routes):
        method, _, path = route.partition(" ")
        if path in _HEALTH or path.startswith(_ASIDE):
            continue
        found.append({"request": f"{method} {re.sub(r'{[^}]*}', '1', path)}"})
    return with_bodies(found, body)
