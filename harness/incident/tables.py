"""Tables (CSV): of intervals, of samples over time, or of requests, told apart by their headers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.incident import dashboards, intervals, logs
from harness.incident import log_names as names
from harness.incident.evidence import Observation, refuse
from harness.incident.log_line import LogLine, of_fields
from harness.incident.reading import Wanted
from harness.incident.sheet import Sheet

_STATUS = re.compile(r"[1-5][0-9]{2}")


def read(file: str, wanted: Wanted) -> Observation:
    """What a table says.

    Raises: InvalidFile with the line of what can't be read.
    """
    sheet = Sheet(file, wanted.zone)
    if not sheet.rows and sheet.columns:
        refuse(file, sheet.line, "has headers, but no row")
    fields = [_field(header) for header in sheet.written]
    if _of_requests(sheet, fields):
        return logs.observed(file, wanted, _lines(sheet, fields))
    if sheet.has("start", "end") or sheet.has("start", "lasts"):
        return intervals.observation(sheet, wanted)
    if sheet.has("time"):
        return dashboards.observation(sheet, wanted)
    sheet.refuse_headers()


def _field(header: str) -> str:
    """A header as logs call such a field: `Date` is date, `@http.status_code` status_code."""
    return re.sub(r"[ -]+", "_", header).lower()


def _of_requests(sheet: Sheet, fields: list[str]) -> bool:
    """Whether each row is one request: it has a time, and a status as HTTP has them."""
    if sheet.has("end") or not set(fields) & set(names.TIME):
        return False
    codes = [n for n, field in enumerate(fields) if field in names.STATUS]
    said = [sheet.at(row, column) for _, row in sheet.rows[:20] for column in codes]
    return bool(said) and all(_STATUS.fullmatch(text) for text in said if text)


def _lines(sheet: Sheet, fields: list[str]) -> Iterator[tuple[int, LogLine | None]]:
    for number, row in sheet.rows:
        yield number, of_fields({field: sheet.at(row, n) for n, field in enumerate(fields)})
