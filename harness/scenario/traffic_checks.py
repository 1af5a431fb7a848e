"""What is wrong with traffic: requests that never leave, too many of them, unknown users."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.scenario.located import Path
from harness.scenario.model import Scenario
from harness.scenario.names import Misfits, Names
from harness.scenario.spelling import did_you_mean, nearest
from harness.scenario.traffic import Stream
from harness.units import format_duration

MOST_REQUESTS = 1_000_000
PLACEHOLDERS = ("email", "password", "user_id", "project", "number")

Found = Iterator[tuple[Path, str]]

_STREAM_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,60}")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def check_traffic(scenario: Scenario, names: Names) -> Misfits:
    """What is wrong with each stream, and with all of them together."""
    for name, stream in scenario.traffic.items():
        path = ("traffic", name)
        if not _STREAM_NAME.fullmatch(name):
            yield path, "expected a stream's name of letters, digits, _ and -"
        yield from _instants(stream, path, scenario.duration)
        if stream.hang_up is not None and stream.hang_up >= scenario.duration:
            end = format_duration(scenario.duration)
            yield (*path, "hang_up"), f"nobody hangs up before the scenario's end at {end}"
        yield from _users(stream, path, names)
        yield from _placeholders(stream, path, nobody=stream.as_ is None and not _lost(names))
    total = 0
    for name, stream in scenario.traffic.items():
        tries = 1 if stream.retry is None else stream.retry.attempts
        total += stream.planned(scenario.duration) * tries
        if total > MOST_REQUESTS:
            key = "count" if stream.rate is None else "rate"
            yield (
                ("traffic", name, key),
                (f"{total:,} requests are planned up to here; expected at most {MOST_REQUESTS:,}"),
            )
            return


def planned(scenario: Scenario) -> int:
    """How many requests leave in all, counted without going through them."""
    return sum(stream.planned(scenario.duration) for stream in scenario.traffic.values())


def _instants(stream: Stream, path: Path, duration_s: float) -> Misfits:
    end = format_duration(duration_s)
    window = stream.during
    if window is not None and window.start_s >= duration_s:
        yield (*path, "during"), f"{window} begins after the scenario's end at {end}"
    elif window is not None and duration_s < window.end_s < float("inf"):
        yield (*path, "during"), f"{window} ends after the scenario's end at {end}; write `end`"
    if window is not None and stream.rate is None:
        yield (*path, "during"), "`during` says when a `rate` holds, and there is none"
    if stream.rate is None and not stream.bursts:
        yield (*path, "count"), "expected at least one burst, such as 50 at 70s"
    for index, burst in enumerate(stream.bursts):
        if burst.at_s >= duration_s:
            at = format_duration(burst.at_s)
            where = (*path, "count", index)
            yield where, f"a burst at {at} would never leave: the scenario ends at {end}"


def _users(stream: Stream, path: Path, names: Names) -> Misfits:
    if stream.as_ == ():
        yield (*path, "as"), "expected at least one user; leave `as` out for nobody"
    for index, user in enumerate(stream.users):
        if user is not None:
            yield from names.user((*path, "as", index), user)


def _lost(names: Names) -> bool:
    """Whether some `as` was not understood, so that a stream only seems to be nobody's."""
    return names.dropped is not None and "as" in names.dropped


def _placeholders(stream: Stream, path: Path, *, nobody: bool) -> Misfits:
    parts = {"request": stream.request, "json": stream.json_, "body": stream.body}
    for where, name in _named((*path,), parts):
        if name in PLACEHOLDERS:
            if nobody and name != "number":
                yield where, f"{{{name}}} needs a user: write `as: eve`"
        elif where[-1] == "request" or nearest(name, PLACEHOLDERS):
            known = ", ".join(f"{{{word}}}" for word in PLACEHOLDERS)
            hint = did_you_mean(name, PLACEHOLDERS) or f"; known: {known}"
            yield where, f"{{{name}}} is not known{hint}"
    for where, name in _unquoted((*path, "json"), stream.json_):
        yield where, f'quote {{{name}}}, or YAML takes it for a mapping: "{{{name}}}"'


def _named(path: Path, value: object) -> Found:
    """Placeholders in texts, at any depth."""
    if isinstance(value, str):
        for name in _PLACEHOLDER.findall(value):
            yield path, name
    for step, part in _parts(value):
        yield from _named((*path, step), part)


def _unquoted(path: Path, value: object) -> Found:
    """Placeholders whose quotes were forgotten, so that they became `{project: null}`."""
    if isinstance(value, dict) and len(value) == 1:
        ((name, inner),) = value.items()
        if name in PLACEHOLDERS and inner is None:
            yield path, name
    for step, part in _parts(value):
        yield from _unquoted((*path, step), part)


def _parts(value: object) -> Iterator[tuple[str | int, object]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list | tuple):
        yield from enumerate(value)
