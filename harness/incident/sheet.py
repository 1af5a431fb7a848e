"""A table in a file (CSV), as rows of cells that are asked for by what they mean."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Sequence
from datetime import tzinfo
from io import StringIO
from typing import NoReturn

from harness.incident.clocks import Clock
from harness.incident.evidence import refuse
from harness.incident.headers import HEADERS, plain, understood
from harness.incident.instants import Instant, parse_instant
from harness.incident.opening import whole
from harness.scenario.spelling import nearest

MOST_ROWS = 200_000
_DECIMAL_COMMA = re.compile(r"([0-9]+),([0-9]+(?: ?%)?)")
_UTC = re.compile(r"\b(UTC|GMT)\b")
SEPARATOR = re.compile(r"\"?sep=(.)\"?\s*(\n|$)")
"""What a spreadsheet may have as a first line of its own."""

Row = tuple[int, Sequence[str]]
"""The line on which a row ends, and its cells."""


class Sheet:
    """The rows of a table, under headers that are understood as far as they are known."""

    def __init__(self, file: str, zone: tzinfo) -> None:
        """Read a file; `zone` is that of times that name none.

        Raises: InvalidFile when it is no table, with the line.
        """
        self.file = file
        text = whole(file).decode(errors="replace")
        if not text.strip():
            refuse(file, 1, "is empty")
        said = SEPARATOR.match(text)
        delimiter = said[1] if said else _delimiter(text[:8192])
        self._comma_is_a_point = delimiter != ","
        found = list(_rows(file, text, delimiter, skipped=1 if said else 0))
        self.line, head = found[0] if found else (1, ())
        self.rows = found[1:]
        self.written = [cell.strip() for cell in head]
        self.head = [plain(cell) for cell in head]
        self.columns = understood(self.head)
        self.digit_s = 0.0
        """What the last digit of the coarsest instant that was asked for is worth."""
        self.times = Clock(file, zone)
        self._in_utc = any(_UTC.search(cell) for cell in self.written)
        self.clock = True

    def has(self, *meanings: str) -> bool:
        """Whether there is a column for each of them."""
        return self.columns.keys() >= set(meanings)

    def at(self, row: Sequence[str], column: int) -> str:
        """What stands in a column; a decimal comma is a point where commas part no cells."""
        text = row[column].strip() if column < len(row) else ""
        if self._comma_is_a_point and (match := _DECIMAL_COMMA.fullmatch(text)):
            return f"{match[1]}.{match[2]}"
        return text

    def cell(self, row: Sequence[str], meaning: str) -> str:
        """What a row says of that, empty where there is no such column."""
        column = self.columns.get(meaning)
        return "" if column is None else self.at(row, column)

    def header(self, meaning: str) -> str:
        """The plain header of a column that there is."""
        return self.head[self.columns[meaning]]

    def instant(self, number: int, text: str, *, after_s: float = -math.inf) -> float:
        """A time that stands on a line, in seconds; of two that it may be the one after that.

        Raises: InvalidFile when it is none.
        """
        try:
            instant: Instant = parse_instant(text)
        except ValueError as error:
            refuse(self.file, number, str(error))
        self.digit_s = max(self.digit_s, instant.digit_s)
        self.clock &= instant.clock
        zoned = instant.zoned or self._in_utc or not instant.clock
        return self.times.real(instant.at_s, zoned=zoned, after_s=after_s)

    def refuse_headers(self) -> NoReturn:
        """Refuse the table, as its headers are not understood.

        Raises: InvalidFile, always.
        """
        known = (*HEADERS["start"], *HEADERS["end"], *HEADERS["lasts"])
        told = self.columns.values()
        unknown = [name for n, name in enumerate(self.head) if n not in told]
        near = {name: nearest(name, known) for name in unknown if len(unknown) <= 1 or told}
        hint = next((f"; did you mean {to!r} by {name!r}?" for name, to in near.items() if to), "")
        refuse(
            self.file, self.line,
            "expected headers for begin and end (start,end or start,duration), or time and "
            f"value; found {', '.join(self.head)[:120]}{hint}",
        )  # fmt: skip


def _rows(file: str, text: str, delimiter: str, *, skipped: int) -> Iterator[Row]:
    rows = csv.reader(StringIO(text, newline=""), delimiter=delimiter)
    many = 0
    try:
        for row in rows:
            if rows.line_num <= skipped or not _says_something(row):
                continue
            many += 1
            if many > MOST_ROWS + 1:
                refuse(file, 0, f"has more than {MOST_ROWS:,} rows")
            yield rows.line_num, row
    except csv.Error as error:
        refuse(file, rows.line_num, f"is no CSV: {error}")


def _delimiter(sample: str) -> str:
    lines = [line for line in sample.splitlines() if line.strip() and not line.startswith("#")]
    head = lines[0] if lines else ""
    return max(",;\t|", key=head.count)


def _says_something(row: Sequence[str]) -> bool:
    return any(cell.strip() for cell in row) and not row[0].startswith("#")
