"""The secrets that the harness knows, found again in whatever form they were sent or shown.

By what they are, not by their names: users' bearers and passwords, what a target's file puts into
its environment, what stubs issue, and literal secrets of the scenario itself.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit

from harness.scenario.model import Scenario
from harness.target import Target

REDACTED = "[redacted]"
SECRET_NAME = re.compile(
    r"token|passw|pwd|secret|authorization|api[-_]?key|access[-_]?key|session|credential", re.I
)
_SHORTEST = 4
_PLAIN = 8
"""Shorter secrets may be part of a word, and are only looked for where they stand alone."""
_LEAST_CUT = 6
_LONG_CUT = 12
"""So much of a secret's beginning is no word by accident, wherever it stands."""
_ORDINARY = re.compile(
    r"[\d.,:]*|true|false|yes|no|on|off|none|null|debug|info|warning|error", re.I
)


class Taint:
    """Replaces known secrets wherever they stand."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = {secret for secret in secrets if len(secret) >= _SHORTEST}
        forms = {form for secret in known for form in _forms(secret) if len(form) >= _SHORTEST}
        self._forms = tuple(sorted(forms, key=lambda form: (-len(form), form)))
        self._patterns: dict[tuple[str, ...], re.Pattern[str]] = {}
        """Those that were needed, by the forms that they find."""
        self._long = tuple(form for form in sorted(known) if _least(form) >= _LONG_CUT)
        short = known.difference(self._long)
        cut = {form[:end] for form in short for end in range(_least(form), len(form))}
        self._cut = tuple(sorted(cut, key=len, reverse=True))

    def text(self, text: str) -> str:
        """A text without any of them, nor a half: at its end, or anywhere where it is long.

        A half may stand in the middle because a target's threads write over each other's lines.
        """
        if there := tuple(form for form in self._forms if form in text):
            text = self._pattern(there).sub(REDACTED, text)
        for form in self._long:
            half, rest = form[: _least(form)], form[_least(form) :]
            first, *others = text.split(half)
            text = first + "".join(REDACTED + behind[_alike(rest, behind) :] for behind in others)
        if text.endswith(self._cut):
            half = next(cut for cut in self._cut if text.endswith(cut))
            text = text[: -len(half)] + REDACTED
        return text

    def _pattern(self, forms: tuple[str, ...]) -> re.Pattern[str]:
        """What finds some forms in a text that has them all: a pattern of every form, which most
        plays never need, would take as long to make as all else before a short play.
        """
        if forms not in self._patterns:
            self._patterns[forms] = re.compile("|".join(map(_bounded, forms)))
        return self._patterns[forms]


def secrets_of(target: Target, *scenarios: Scenario) -> Iterator[str]:
    """What a target's file and scenarios hold that nobody else is to read.

    What is also the name of a user, upstream or stream is said openly all over a run, and without
    it a kept scenario would no longer be the one that was played.
    """
    names = {*target.user_ids, *target.upstream_names}
    for scenario in scenarios:
        names.update(scenario.traffic)
    found = [*_of_target(target)]
    for scenario in scenarios:
        found += _of_scenario(scenario)
    yield from (secret for secret in found if secret not in names)


def _least(secret: str) -> int:
    return max(_LEAST_CUT, len(secret) * 2 // 3)


def _alike(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))


def _bounded(form: str) -> str:
    escaped = re.escape(form)
    return escaped if len(form) >= _PLAIN else rf"(?<!\w){escaped}(?!\w)"


def _forms(secret: str) -> Iterator[str]:
    """A secret as it is, and as URLs, forms, JSON, HTML, Basic and dumps spell it."""
    yield secret
    data = secret.encode("utf-8", "surrogatepass")
    for spelt in (quote(data, safe=""), quote(data), quote_plus(data)):
        yield spelt
        yield quote(spelt, safe="")
        yield re.sub("%..", lambda found: found[0].lower(), spelt)
    for ascii_only in (True, False):
        yield json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
    yield html.escape(secret)
    yield repr(secret)[1:-1]
    if len(data) >= _PLAIN:
        yield data.hex()
        yield from _inside_base64(data)


def _inside_base64(data: bytes) -> Iterator[str]:
    """What base64 makes of it whatever stands before and behind, such as a user's name."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + data).decode()
        first = 0 if before == 0 else before + 1
        last = (before + len(data)) * 8 // 6
        core = encoded[first:last]
        yield core
        yield core.replace("+", "-").replace("/", "_")


def _of_target(target: Target) -> Iterator[str]:
    for user_id in target.user_ids:
        user = target.user(user_id)
        yield from (secret for secret in (user.bearer, user.password) if secret)
    for name, value in (target.start.env if target.start else {}).items():
        if SECRET_NAME.search(name) or _looks_secret(value):
            yield value
        if (userinfo := _password_in(value)) is not None:
            yield userinfo
    for upstream in target.stubs:
        for answer in (each for route in target.written_routes(upstream) for each in route.each):
            yield from _named(answer.json_, secret=False)
            yield from _named(dict(answer.headers), secret=False)


def _looks_secret(value: str) -> bool:
    """Whether a value is no number, word or place, but letters and digits in no order."""
    ordinary = _ORDINARY.fullmatch(value) or re.search(r"[\s/{}]", value)
    return len(value) >= 2 * _PLAIN and not ordinary


def _password_in(url: str) -> str | None:
    try:
        return urlsplit(url).password
    except ValueError:
        return None


def _of_scenario(scenario: Scenario) -> Iterator[str]:
    for stream in scenario.traffic.values():
        yield from _named(stream.json_, secret=False)
        yield from _named(dict(stream.headers), secret=False)
    for fault in scenario.faults:
        yield from _named(fault.model_dump(), secret=False)


def _named(value: Any, *, secret: bool) -> Iterator[str]:
    """Texts under names that sound secret; placeholders such as `{password}` aside."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _named(item, secret=secret or SECRET_NAME.search(str(name)) is not None)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _named(item, secret=secret)
    elif isinstance(value, str) and secret and "{" not in value and len(value) >= _LEAST_CUT:
        scheme, space, rest = value.partition(" ")
        yield rest if space and scheme.lower() in ("bearer", "basic", "token") else value
