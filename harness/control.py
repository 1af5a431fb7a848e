"""Whom the parts of a world obey: who shows the token that their processes were started with.

A stub or embedded proxy that was given none, because a person started it, obeys everybody.
"""

from __future__ import annotations

import hmac
import secrets

TOKEN = "OUTAGE_CONTROL_TOKEN"
"""Environment variable of a stub's, keeper's or proxy's process; no target's."""


def new_token() -> str:
    """A token that nobody can guess."""
    return secrets.token_hex(16)


def showing(token: str) -> dict[str, str]:
    """The header fields of a request that shows a token; none without one."""
    return {"Authorization": f"Bearer {token}"} if token else {}


def shows(authorization: bytes, token: str) -> bool:
    """Whether a request whose Authorization field this is may control what has this token."""
    return not token or hmac.compare_digest(authorization, f"Bearer {token}".encode())
