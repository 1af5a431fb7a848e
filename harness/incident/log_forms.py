"""One line of a log: nginx, other proxies and gateways, as text, JSON or `key=value`.

combined      1.2.3.4 - - [03/Nov/2026:12:00:05 +0000] "GET / HTTP/1.1" 502 157 "-" "curl" ...
              what follows by name (`rt=5.001 us=504 upstream_response_time=...`), or as numbers
              in the order request_time, upstream_response_time
JSON          nginx, Envoy, Traefik, Caddy, Kong, or a gateway's own: known names of fields
logfmt        ts=2026-11-03T12:00:05Z status=502 upstream=mail duration=5.001s
nginx's error log   2026/11/03 12:00:05 [error] ... upstream timed out ... upstream: "http://..."
HAProxy       10.0.0.1:42 [03/Nov/2026:12:00:05.000] web shop/a1 0/0/0/-1/5001 504 194 - - sH-- ...
AWS           http 2026-11-03T12:00:05.1Z app/lb/1 10.0.0.1:42 10.0.0.2:80 0.0 5.0 0.0 504 - ...
any other     a time, then a request's method and path, then its status, whatever stands between
              (Envoy's default, Flask's, an nginx `log_format` of one's own)
W3C's         columns that a line `#Fields:` names (IIS)
a program's   2026-11-03 12:00:05,123 ERROR gateway.auth: call failed: timed out
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from msgspec.structs import replace

from harness.incident import log_names as names
from harness.incident.instants import Instant, parse_instant
from harness.incident.log_line import (
    Attempt,
    LogLine,
    clean_route,
    line_of,
    of_fields,
    path_of,
    status_of,
)

_COMBINED = re.compile(
    r'^(?P<who>\S+) (?:\S+ )+?\[(?P<time>[^\]]{10,40})\] "(?P<request>(?:[^"\\]|\\.)*)" '
    r"(?P<status>[0-9]{3}) (?:[0-9]+|-)(?P<rest>.*)$"
)
_CONTAINER = re.compile(r"^(?:\S+ +\| |\S+ (?:stdout|stderr) [FP] )")
"""What docker compose and kubelet write in front of a container's line."""
_ERROR = re.compile(
    r"^(?P<time>[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9:]{8}) \[(?P<level>\w+)\] (?P<text>.*)$"
)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')
_PAIR = re.compile(
    r'([A-Za-z_][\w.@-]*)\s?[=:]\s?(?:"((?:[^"\\]|\\.)*)"|([^\s",]+(?:,? [0-9][^\s",]*)*))'
)
_CONNECTION = re.compile(r"^[0-9]+#[0-9]+: (\*[0-9]+ )?")
"""Process, thread and connection, before what nginx says."""
_UPSTREAM_OF = re.compile(r'upstream: "([^"]*)"')
_REQUEST_OF = re.compile(r'request: "([A-Z]+) (\S+)')
_HAPROXY = re.compile(
    r"(?:^|.* )[0-9a-fA-F.:]+:[0-9]+ \[(?P<time>[^\]]{20,28})\] \S+ (?P<server>\S+/\S+) "
    r"[-0-9]+/[-0-9]+/[-0-9]+/[-0-9]+/\+?(?P<took>[0-9]+) (?P<status>[0-9]{3}|-1) .*? "
    r'(?P<ended>[-A-Za-z]{4}) [0-9/]+.*? "(?P<request>[^"]*)'
)
_AWS = re.compile(
    r"(?:https?|h2|grpcs?|wss?) (?P<time>\S+Z) \S+ \S+ (?P<server>\S+) "
    r"(?P<took>[-0-9.]+ [-0-9.]+ [-0-9.]+) (?P<status>[0-9]{3}) (?P<code>[0-9]{3}|-) \S+ \S+ "
    r'"(?P<method>[A-Z]+) (?P<path>\S+)'
)
_WHEN = re.compile(
    r"[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?"
    r"(?: ?(?:Z|UTC|[+-][0-9]{2}:?[0-9]{2})\b)?"
    r"|[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}[: ][0-9:]{8}(?:\.[0-9]+)?(?: [+-][0-9]{4})?"
    r"|(?<![\w.])1[0-9]{9}(?:\.[0-9]{1,9}|[0-9]{3}|[0-9]{6})?(?![\w.])"
)
_ASKED = re.compile(
    r"\b(?P<method>GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)[\s|,;]+(?P<path>(?:https?:/)?/[^\s|,;\"]*)"
    r"(?:[\s|,;]+HTTP/[0-9.]+)?[\"\s|,;]+(?P<rest>.*)"
)
_ANSWERED = re.compile(r"(?<![\w.:-])([1-5][0-9]{2})(?![\w.:-])")
_STATUSES = frozenset({*map(int, HTTPStatus), 444, 460, 499, *range(520, 531), 561})
"""What may stand for an answer in a line of nobody's form: a port (443) does not."""
_LEVELLED = re.compile(r"^\W*(?P<level>[A-Za-z]{3,8})\b\W*(?P<words>.*)")


def parse_line(text: str) -> LogLine | None:
    """What a line says; None where it says nothing of a request, or can't be understood."""
    text = _CONTAINER.sub("", text, count=1)
    if text.startswith("{"):
        return _json(text)
    if match := _COMBINED.match(text):
        return _combined(match)
    if match := _ERROR.match(text):
        return _error(match)
    if "/" in text and (match := _HAPROXY.match(text) or _AWS.match(text)):
        return _haproxy(match) if match.re is _HAPROXY else _aws(match)
    return _pairs(text) or _loose(text)


def by_columns(names_of: Sequence[str], text: str) -> LogLine | None:
    """A line of a log that says once what its columns are: `#Fields: date time cs-method ...`."""
    fields = {name: word for name, word in zip(names_of, text.split(), strict=False) if word != "-"}
    if {"date", "time"} <= fields.keys():
        fields["time"] = f"{fields.pop('date')}T{fields['time']}"
    return of_fields(fields)


def _json(text: str) -> LogLine | None:
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    if isinstance(inner := value.get("log"), str) and "stream" in value:
        return parse_line(inner.strip())  # Docker's json-file: what was printed is inside
    return of_fields(dict(_flat(value)))


def _flat(value: Mapping[str, Any], depth: int = 3) -> Iterator[tuple[str, str]]:
    """The fields of an object and of those in it: `{"response": {"status": 5}}`."""
    for key, inner in value.items():
        if isinstance(inner, dict) and depth > 1:
            yield from ((f"{key}.{below}", text) for below, text in _flat(inner, depth - 1))
        elif not isinstance(inner, dict | list) and inner is not None:
            yield key, str(inner)


def _pairs(text: str) -> LogLine | None:
    if "=" not in text:
        return None
    return of_fields({match[1]: match[2] or match[3] or "" for match in _PAIR.finditer(text)})


def _combined(match: re.Match[str]) -> LogLine | None:
    try:
        instant = parse_instant(match["time"])
    except ValueError:
        return None
    status, rest = int(match["status"]), match["rest"]
    fields = {pair[1]: pair[2] or pair[3] or "" for pair in _PAIR.finditer(rest)}
    line = line_of(fields, instant, status=status)
    if not fields:
        line = _by_place(line, [one or other for one, other in _QUOTED.findall(rest)])
    method, _, path = match["request"].partition(" ")
    return replace(line, route=clean_route(method, path.partition(" ")[0]), said="")


def _by_place(line: LogLine, words: list[str]) -> LogLine:
    """Numbers behind a combined line: request_time and upstream_response_time by their points."""
    times = [float(word) for word in words if re.fullmatch(r"[0-9]+\.[0-9]{1,6}", word)]
    codes = [int(word) for word in words if re.fullmatch(r"[1-5][0-9]{2}", word)]
    took_s = times[0] if times else None
    attempts: tuple[Attempt, ...] = ()
    if codes:
        attempts = (Attempt(codes[-1], times[1] if len(times) > 1 else None),)
    elif len(times) > 1:
        attempts = (Attempt(line.status, times[1]),)
    return replace(line, took_s=took_s, attempts=attempts)


def _error(match: re.Match[str]) -> LogLine | None:
    """Nginx's error log: lines about an upstream."""
    text = match["text"]
    upstream = _UPSTREAM_OF.search(text)
    if upstream is None and "upstream" not in text:
        return None
    request = _REQUEST_OF.search(text)
    return LogLine(
        at_s=parse_instant(match["time"]).at_s,
        zoned=False,
        route=clean_route(request[1], request[2]) if request else None,
        upstreams=(upstream[1],) if upstream else (),
        said=_CONNECTION.sub("", text)[:300],
    )


def _haproxy(match: re.Match[str]) -> LogLine | None:
    """HAProxy's HTTP form; its termination state says how a session ended, and waiting for what."""
    try:
        instant = parse_instant(match["time"])
    except ValueError:
        return None
    method, _, path = match["request"].partition(" ")
    ended, server = match["ended"], match["server"]
    said = "no live upstreams" if server.endswith("/<NOSRV>") else names.ENDED.get(ended[:2], "")
    return LogLine(
        at_s=instant.at_s,
        zoned=instant.zoned,
        begins=True,
        status=status_of(match["status"]),
        took_s=int(match["took"]) / 1000,
        route=clean_route(method, path.partition(" ")[0]),
        upstreams=(server,),
        said=said,
    )


def _aws(match: re.Match[str]) -> LogLine | None:
    """A load balancer of AWS: its own status, and that of the target behind it."""
    times = [float(part) for part in match["took"].split()]
    answered = match["code"] != "-" or int(match["status"]) < 500
    instant = parse_instant(match["time"])
    return LogLine(
        at_s=instant.at_s,
        digit_s=instant.digit_s,
        status=int(match["status"]),
        took_s=sum(times) if min(times) >= 0 else None,
        route=clean_route(match["method"], path_of(match["path"])),
        upstreams=(match["server"],),
        said="" if answered or int(match["status"]) == 504 else "connection refused",
    )


def _loose(text: str) -> LogLine | None:
    """A line of nobody's form: its time, the request that it names and what that was answered."""
    when = _WHEN.search(text)
    if when is None:
        return None
    try:
        instant = parse_instant(when[0])
    except ValueError:
        return None
    asked = _ASKED.search(text)
    if asked is None:
        return _told(text[when.end() :], instant)
    rest = asked["rest"]
    code = next((found for found in _ANSWERED.finditer(rest) if int(found[1]) in _STATUSES), None)
    if code is None:
        return None
    fields = {pair[1]: pair[2] or pair[3] or "" for pair in _PAIR.finditer(text)}
    line = line_of(fields, instant, status=int(code[1]))
    words = [one or other for one, other in _QUOTED.findall(rest[code.end() :])]
    flags = [names.FLAGS[flag] for word in words for flag in word.split(",") if flag in names.FLAGS]
    return replace(
        line,
        route=clean_route(asked["method"], path_of(asked["path"])),
        upstreams=(*line.upstreams, *re.split(r"[\s|,;]+", rest[code.end() :])),
        said=flags[0] if flags else "",
    )


def _told(text: str, instant: Instant) -> LogLine | None:
    """What a program wrote about itself: its level says whether that is trouble."""
    match = _LEVELLED.match(text)
    if match is None or match["level"].lower() not in (*names.BAD_LEVELS, *names.GOOD_LEVELS):
        return None
    bad = match["level"].lower() in names.BAD_LEVELS
    words = match["words"]
    return LogLine(
        at_s=instant.at_s,
        zoned=instant.zoned,
        upstreams=(words,) if bad else (),
        said=words[:300] if bad else "",
    )
