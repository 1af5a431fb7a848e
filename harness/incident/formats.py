"""The formats of incident files: who reads which, and what a file most likely is."""

from __future__ import annotations

import re
from pathlib import Path
from pkgutil import resolve_name

from harness.incident.evidence import Observation, refuse
from harness.incident.json_text import JsonText
from harness.incident.opening import CANT_BE_UNPACKED, opened
from harness.incident.reading import Wanted
from harness.incident.sheet import SEPARATOR

_PLACES = {
    "prometheus": "prometheus:read",
    "csv": "tables:read",
    "log": "logs:read",
    "alertmanager": "alerts:read",
    "statuspage": "statuspage:read",
}
"""Where the reader of each format is (module of this package, function)."""
FORMATS = tuple(_PLACES)
_MARKS = (
    ("alertmanager", r'"(startsAt|alerts)"\s*:'),
    ("statuspage", r'"(incident_updates|incidents|incident)"\s*:'),
    ("prometheus", r'"(resultType|metric|errorType)"\s*:'),
)
_HEAD_CHARACTERS = 64_000
_TABLE = re.compile(
    r"[^=\[\]{}]*(\b|_)(start|begin|began|from|since|time|timestamp|date|down|created|triggered|opened)",
    re.IGNORECASE,
)
_TABLE_NAMES = (".csv", ".tsv")
_JSON_LIST = re.compile(r"\[\s*([\[{\"\]]|$)")


def observe(file: str, wanted: Wanted, format_name: str | None = None) -> Observation:
    """What a file says, read as the format that it is said to be, or looks like.

    Raises: InvalidFile with the line of what is wrong with it.
    """
    read = resolve_name(f"{__package__}.{_PLACES[format_name or guessed(file)]}")
    observation: Observation = read(file, wanted)
    return observation


def guessed(file: str) -> str:
    """The format that a file looks like.

    Raises: InvalidFile when it looks like none.
    """
    try:
        with opened(file) as head:
            text = head.read(_HEAD_CHARACTERS)
    except CANT_BE_UNPACKED as error:
        refuse(file, 0, f"can't be unpacked: {error}")
    if not text.strip():
        refuse(file, 1, "is empty")
    lines = [line for line in text.splitlines() if line.strip()]
    if SEPARATOR.match(lines[0]):
        return "csv"
    first = next((line for line in lines if not line.startswith("#")), lines[0]).strip()
    if first[0] == "{" or _JSON_LIST.match(first):
        for name, pattern in _MARKS:
            if re.search(pattern, text):
                return name
        if first.startswith("{") and first.rstrip().endswith("}"):
            return "log"
        JsonText(file)  # broken JSON is the nearer reason
        refuse(file, 1, f"looks like none of {', '.join(FORMATS)}; say which with --from")
    if Path(file.lower().removesuffix(".gz")).suffix in _TABLE_NAMES:
        return "csv"
    if _TABLE.match(first) and any(mark in first for mark in ",;\t|"):
        return "csv"
    return "log"
