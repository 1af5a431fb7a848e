"""Keeps secrets out of the history: tokens, cookies and passwords never get past this."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from harness.target import Target

REDACTED = "[redacted]"
_SECRET_FIELDS = re.compile(r"token|password|secret|authorization|api[-_]?key|session", re.I)
_COOKIE_VALUE = re.compile(r"(?<==)[^;,\s]*")
_BEARER = re.compile(r"(?i)(bearer\s+)\S+")


class Redactor:
    """Replaces known secrets wherever they stand, and values whose names sound like secrets."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        known = sorted({secret for secret in secrets if len(secret) >= 4}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    @classmethod
    def of_target(cls, target: Target, *more: str) -> Redactor:
        """Knows the bearers and passwords of all of a target's users, and `more`."""
        users = [target.user(user_id) for user_id in target.user_ids]
        found = [secret for user in users for secret in (user.bearer, user.password) if secret]
        return cls((*found, *more))

    def text(self, text: str) -> str:
        """A text without known secrets and bearer tokens."""
        text = _BEARER.sub(rf"\1{REDACTED}", text)
        return text if self._known is None else self._known.sub(REDACTED, text)

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Headers, names in lower case; a cookie keeps its name and flags, not its value."""
        clean: dict[str, str] = {}
        for name, value in headers.items():
            lower = name.lower()
            if lower == "set-cookie":
                value = _COOKIE_VALUE.sub(REDACTED, value, count=1)
            elif _SECRET_FIELDS.search(lower):
                value = REDACTED
            clean[lower] = self.text(value)
        return clean

    def value(self, value: Any) -> Any:
        """A JSON value, any depth."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {
                key: REDACTED
                if isinstance(item, str) and item and _SECRET_FIELDS.search(str(key))
                else self.value(item)
                for key, item in value.items()
            }
        return [self.value(item) for item in value] if isinstance(value, list) else value
