"""Keeps secrets out of the history: tokens, cookies and passwords never get past this."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from harness.history.headers import ATTRIBUTES, Pairs, pairs, unfolded
from harness.target import Target

REDACTED = "[redacted]"
_SECRET_FIELDS = re.compile(r"token|password|secret|authorization|api[-_]?key|session", re.I)
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
        """A text without known secrets and bearer tokens, and of characters that can be written."""
        text = text.encode("utf-8", "backslashreplace").decode()
        text = _BEARER.sub(rf"\1{REDACTED}", text)
        return text if self._known is None else self._known.sub(REDACTED, text)

    def headers(self, headers: Iterable[tuple[str, str]]) -> Pairs:
        """Header fields; a cookie keeps its name and flags, not its value."""
        return tuple((name, self.text(_field(name, value))) for name, value in pairs(headers))

    def value(self, value: Any) -> Any:
        """A JSON value, any depth."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {
                self.text(str(key)): REDACTED
                if isinstance(item, str) and item and _SECRET_FIELDS.search(str(key))
                else self.value(item)
                for key, item in value.items()
            }
        return [self.value(item) for item in value] if isinstance(value, list) else value


def _field(name: str, value: str) -> str:
    """A field's value without what its name says is secret; `name` in lower case."""
    if name == "set-cookie":
        return ", ".join(_cookie(text, keep=ATTRIBUTES) for text in unfolded(value))
    if "cookie" in name:
        return _cookie(value, keep=frozenset())
    return REDACTED if _SECRET_FIELDS.search(name) else value


def _cookie(text: str, *, keep: frozenset[str]) -> str:
    """Cookies without their values; parts after the first are kept whose name is in `keep`."""
    shown = []
    for index, part in enumerate(text.split(";")):
        name, equals, value = part.strip().partition("=")
        if index > 0 and name.strip().lower() in keep:
            shown.append(part.strip())
        elif equals and (index == 0 or not keep):
            shown.append(f"{name}={REDACTED}" if value else f"{name}=")
        else:
            shown.append(REDACTED if part.strip() else "")
    return "; ".join(shown)
