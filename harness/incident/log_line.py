"""What a line of a log says, and how named fields say it, whatever the line's form."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from msgspec.structs import replace

from harness.frozen import Frozen
from harness.incident import log_names as names
from harness.incident.instants import Instant, parse_instant
from harness.units import parse_duration

_LONGEST_S = 1e6
"""Twelve days: what lasts longer was no call."""
_NOBODY = ("-", "0")
"""What proxies write for the status of an upstream that was not asked."""


class Attempt(Frozen):
    """One call of an upstream, as a proxy logs it."""

    status: int | None
    """None where nothing was heard."""
    took_s: float | None = None


class LogLine(Frozen, kw_only=True):
    """What a line says of one request, or of one failed call."""

    at_s: float
    """Its time, taken for UTC where it names no zone."""
    zoned: bool = True
    begins: bool = False
    """Whether that is when the request came in; else it is when the line was written."""
    digit_s: float = 1.0
    """What the last digit of its time is worth."""
    status: int | None = None
    """What the client was answered; None where the line says nothing of a client."""
    took_s: float | None = None
    route: str | None = None
    upstreams: tuple[str, ...] = ()
    """Names and addresses of what was called."""
    attempts: tuple[Attempt, ...] = ()
    said: str = ""
    """The words of an error, where it is told in words."""

    @property
    def came_s(self) -> float:
        """When the request came in."""
        return self._before(self.took_s or 0.0)

    def calls(self) -> Iterator[tuple[float, Attempt]]:
        """The calls of upstreams, each with when it was made; one where nobody tells them apart.

        Attempts follow upon each other, and the last one's answer is handed on at once.
        """
        calls = self.attempts or (Attempt(self.status, self.took_s),)
        lasted = [call.took_s for call in calls]
        for k, call in enumerate(calls):
            if None in lasted:
                yield self.came_s, call
            elif self.begins:
                yield self.at_s + sum(each or 0.0 for each in lasted[:k]), call
            else:
                yield self._before(sum(each or 0.0 for each in lasted[k:])), call

    def _before(self, took_s: float) -> float:
        """So long before the line was written, no finer than its time is."""
        if self.begins or not 0 <= took_s < _LONGEST_S:
            return self.at_s
        return self.at_s - took_s + took_s % self.digit_s

    @property
    def silent(self) -> bool:
        """Whether it tells of no request, and of no trouble either."""
        return self.status is None and not self.attempts and not self.said


def of_fields(fields: Mapping[str, str]) -> LogLine | None:
    """A line of named fields; None where none of them is its time."""
    when = _first(fields, names.TIME)
    if when is None:
        return None
    try:
        instant = parse_instant(fields[when])
    except ValueError:
        return None
    status = status_of(fields.get(_first(fields, names.STATUS) or "", ""))
    line = line_of(fields, instant, status=status, begins=when in names.BEGINS)
    said = [fields[key] for key in names.WORDS if key in fields]
    words = " ".join(names.FLAGS.get(one, one) for one in said)
    level = fields.get(_first(fields, names.LEVEL) or "", "").lower()
    told_bad = level in names.BAD_LEVELS or not fields.keys().isdisjoint(names.TROUBLE)
    if status is None and not line.attempts and not told_bad:
        return line  # understood, though it tells of no request
    return replace(
        line, route=_route(fields), said=words if told_bad or status is None else _flag(fields)
    )


def _flag(fields: Mapping[str, str]) -> str:
    return names.FLAGS.get(fields.get("response_flags", ""), "")


def line_of(
    fields: Mapping[str, str], when: Instant, *, status: int | None, begins: bool = False
) -> LogLine:
    """What the named fields around a request say, whatever the line's form.

    `begins`: its time is when the request came in.
    """
    took, statuses, times = (
        _first(fields, keys) for keys in (names.TOOK, names.UPSTREAM_STATUS, names.UPSTREAM_TIME)
    )
    codes = _several(fields.get(statuses or "", ""))
    lasted = _several(fields.get(times or "", ""))
    attempts = tuple(
        Attempt(status_of(code), _seconds(times, lasted[i]) if i < len(lasted) else None)
        for i, code in enumerate(codes)
        if code not in _NOBODY or len(codes) > 1
    )
    if not attempts and lasted and lasted != ["-"]:
        attempts = (Attempt(status, _seconds(times, lasted[-1])),)
    return LogLine(
        at_s=when.at_s,
        zoned=when.zoned,
        begins=begins,
        digit_s=when.digit_s,
        status=status,
        took_s=None if took is None else _seconds(took, fields[took]),
        upstreams=tuple(fields[key] for key in names.UPSTREAM if key in fields),
        attempts=attempts,
    )


@lru_cache(maxsize=256)
def _first_known(keys: frozenset[str], wanted: tuple[str, ...]) -> str | None:
    whole = next((key for key in wanted if key in keys), None)
    if whole is not None:
        return whole
    inner = sorted(key for key in keys if "." in key and key.rpartition(".")[2] in wanted)
    return inner[0] if len(inner) == 1 else None


def _first(fields: Mapping[str, str], wanted: tuple[str, ...]) -> str | None:
    """The first of some names that a line has."""
    return _first_known(frozenset(fields), wanted)


def _several(text: str) -> list[str]:
    """The values of several attempts, as nginx joins them: `502, 200`, `502 : 200`."""
    return [part for part in re.split(r"\s*[,:]\s+|\s*,\s*", text.strip()) if part]


def status_of(text: str) -> int | None:
    """A status as proxies log it; None where nothing was answered."""
    return int(text) if re.fullmatch(r"[0-9]{3}", text) and text != "000" else None


def _seconds(key: str | None, text: str) -> float | None:
    """How long something took; None where that is no time, or none that a call can take."""
    try:
        value = float(text)
    except ValueError:
        try:
            value = parse_duration(text)
        except ValueError:
            return None
    else:
        if key in names.NANO:
            value /= 1e9
        elif key is not None and names.MILLI.search(key):
            value /= 1000
    return value if 0 <= value < _LONGEST_S else None


def _route(fields: Mapping[str, str]) -> str | None:
    request = fields.get("request", "") or fields.get("request_line", "")
    method, _, path = request.partition(" ")
    method_key, path_key = _first(fields, names.METHOD), _first(fields, names.PATH)
    if method_key is not None and path_key is not None:
        method, path = fields[method_key], fields[path_key]
    return clean_route(method, path_of(path.partition(" ")[0]))


def path_of(address: str) -> str:
    """The path of an address, which may be a whole one."""
    return re.sub(r"^https?://[^/]*", "", address) or "/"


def clean_route(method: str, path: str) -> str | None:
    """A route without its query, which may hold what is nobody's business."""
    path = path.partition("?")[0]
    known = method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
    return f"{method} {path[:120]}" if known and path.startswith("/") else None
