"""Keeps secrets out of the history: tokens, cookies and passwords never get past this."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, TypeVar

from msgspec.structs import replace

from harness.engines.base import Job
from harness.history.events import Event
from harness.history.headers import ATTRIBUTES, Pairs, pairs, unfolded
from harness.taint import REDACTED, SECRET_NAME, Taint, secrets_of
from harness.target import Target

E = TypeVar("E", bound=Event)

_NESTED = re.compile(r"token|passw|pwd|secret|authorization|api[-_]?key|credential", re.I)
"""Names under which everything is secret, however deep; a session may be an object of its own."""
_PATTERNS = (
    (re.compile(r"(?i)\b(bearer\s+)\S+"), rf"\1{REDACTED}"),
    (re.compile(r"(?i)\b(basic\s+)[A-Za-z0-9+/_-]{6,}={0,2}"), rf"\1{REDACTED}"),
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^/\s:@]*:[^/\s@]+@"), rf"\1{REDACTED}@"),
    (
        re.compile(
            r"(?i)((?:^|[?&;\s])[\w.-]*(?:token|passw|pwd|secret|api[-_]?key|session)[\w.-]*=)"
            r"[^&;#\s\"'<>]+"
        ),
        rf"\1{REDACTED}",
    ),
    (
        re.compile(
            r"(?i)(\"[\w.-]*(?:token|passw|pwd|secret|authorization|api[-_]?key)[\w.-]*\"\s*:\s*\")"
            r"[^\"]+"
        ),
        rf"\1{REDACTED}",
    ),
    (re.compile(r"\beyJ[\w-]{5,}\.[\w-]+\.[\w-]*"), REDACTED),
    (re.compile(r"\b(?:AKIA[0-9A-Z]{16}|gh[pousr]_\w{30,}|sk[-_][\w-]{20,})"), REDACTED),
)
_HINT = re.compile(r"(?i)bearer|basic|://|=|\"|eyJ|AKIA|gh[pousr]_|sk[-_]")
_REMEMBERED = 500
_MOST_KNOWN = 4096
"""A run says the same texts again and again: so many of so many characters are cleaned once."""
_OUTSIDE = ("path", "error", "body", "headers", "line", "what", "escalated", "state")
"""The fields of events that hold what came from outside."""


class Redactor:
    """Replaces known secrets wherever they stand, and values whose names sound like secrets."""

    def __init__(self, secrets: Iterable[str], *, keep: bool = False) -> None:
        self._taint = Taint(secrets)
        self._keep = keep
        self._known: dict[str, str] = {}

    @classmethod
    def of_target(cls, target: Target, *more: str) -> Redactor:
        """Knows what a target's file holds, and `more`."""
        return cls((*secrets_of(target), *more))

    @classmethod
    def of_job(cls, job: Job, *more: str) -> Redactor:
        """Knows what a job's target and scenario hold, and `more`."""
        known = secrets_of(job.target, job.scenario)
        return cls((*known, job.internal_token, job.control_token, *more), keep=job.keep_secrets)

    def text(self, text: str) -> str:
        """A text without secrets, and of characters that can be written."""
        if len(text) > _REMEMBERED:
            return self._clean(text)
        known = self._known.get(text)
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[text] = self._clean(text)
        return known

    def _clean(self, text: str) -> str:
        text = text.encode("utf-8", "backslashreplace").decode()
        if self._keep:
            return text
        if _HINT.search(text):
            for pattern, instead in _PATTERNS:
                text = pattern.sub(instead, text)
        return self._taint.text(text)

    def headers(self, headers: Iterable[tuple[str, str]]) -> Pairs:
        """Header fields; a cookie keeps its name and flags, not its value."""
        if self._keep:
            return tuple((name, self.text(value)) for name, value in pairs(headers))
        return tuple((name, self.text(_field(name, value))) for name, value in pairs(headers))

    def value(self, value: Any) -> Any:
        """A JSON value, any depth."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(key)): self._item(str(key), item) for key, item in value.items()}
        return [self.value(item) for item in value] if isinstance(value, list) else value

    def _item(self, name: str, item: Any) -> Any:
        if self._keep or not item:
            return self.value(item)
        if isinstance(item, str) and SECRET_NAME.search(name):
            return REDACTED
        if isinstance(item, list | dict) and _NESTED.search(name):
            return _blotted(item)
        return self.value(item)

    def event(self, event: E) -> E:
        """An event likewise, in all that came from outside; what judging needs stays."""
        changed = {}
        for name in _OUTSIDE:
            value = getattr(event, name, None)
            if isinstance(value, str):
                clean: Any = self.text(value)
            elif isinstance(value, tuple):
                clean = tuple((field, self.text(text)) for field, text in value)
            else:
                clean = self.value(value)
            if clean != value:
                changed[name] = clean
        return replace(event, **changed) if changed else event


def _blotted(value: Any) -> Any:
    """The same shape without any text in it."""
    if isinstance(value, dict):
        return {key: _blotted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_blotted(item) for item in value]
    return REDACTED if isinstance(value, str) and value else value


def _field(name: str, value: str) -> str:
    """A field's value without what its name says is secret; `name` in lower case."""
    if name == "set-cookie":
        return ", ".join(_cookie(text, keep=ATTRIBUTES) for text in unfolded(value))
    if "cookie" in name:
        return _cookie(value, keep=frozenset())
    return REDACTED if SECRET_NAME.search(name) else value


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
