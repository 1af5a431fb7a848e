"""Who is asking: auth checks the token on every request, and nothing is remembered (G8)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Concatenate, ParamSpec

from flask import Response
from flask import request as current

from gateway.answers import agreed, refused
from gateway.resilience import ServiceUnavailable
from gateway.services import Services

logger = logging.getLogger("gateway.identity")

COOKIE = "auth_token"
P = ParamSpec("P")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A user whom auth vouches for."""

    user_id: str
    role: str


def token_shown() -> str | None:
    """The bearer token where there is one, else the cookie's."""
    header = current.headers.get("Authorization")
    if header is not None:
        scheme, _, token = header.partition(" ")
        return token.strip() if scheme.lower() == "bearer" else None
    return current.cookies.get(COOKIE)


def identify(services: Services, token: str | None) -> Identity | None:
    """Whose token it is; None when it is nobody's, or auth can't say (G2, G8)."""
    if not token:
        return None
    try:
        response = services.auth.post("/verify_token", json={"token": token})
    except ServiceUnavailable:
        return None
    user = agreed(response)
    user_id, role = user.get("user_id"), user.get("role")
    if user.get("valid") is not True or not isinstance(user_id, str) or not user_id:
        return None
    logger.debug("Auth server returned valid user with role: %s", role)
    return Identity(user_id=user_id, role=str(role))


def needs_user(
    services: Services,
) -> Callable[[Callable[Concatenate[Identity, P], Response]], Callable[P, Response]]:
    """Decorates a view: its first argument is who asks; nobody gets 401 (G2)."""

    def decorate(view: Callable[Concatenate[Identity, P], Response]) -> Callable[P, Response]:
        @wraps(view)
        def guarded(*args: P.args, **options: P.kwargs) -> Response:
            identity = identify(services, token_shown())
            if identity is None:
                return refused(401, "not signed in")
            return view(identity, *args, **options)

        return guarded

    return decorate
