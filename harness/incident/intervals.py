"""Tables of intervals (CSV): begin and end, or begin and length, under whatever headers."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from harness.incident import symptoms
from harness.incident.changes import Stretch
from harness.incident.evidence import WHOLE, Episode, Observation, Symptom, refuse
from harness.incident.instants import Instant, parse_instant
from harness.incident.reading import Wanted
from harness.incident.samples import Series, episodes, high_is_good, worst
from harness.scenario.spelling import nearest
from harness.units import format_duration, parse_duration, parse_share

MOST_ROWS = 200_000
_HEADERS: Mapping[str, tuple[str, ...]] = {
    "start": (
        "start", "begin", "began", "from", "started", "started_at", "start_time",
        "begin_time", "start_date", "starts_at", "down_at", "down_from", "opened",
        "opened_at", "since", "outage_start", "incident_start", "startsat",
    ),
    "end": (
        "end", "to", "until", "ended", "ended_at", "end_time", "end_date", "ends_at",
        "finish", "finished", "finished_at", "resolved", "resolved_at", "stop", "stopped",
        "stop_time", "up_at", "closed", "closed_at", "recovered", "recovered_at",
        "outage_end", "incident_end", "till", "endsat",
    ),
    "lasts": (
        "duration", "length", "lasted", "duration_s", "duration_seconds", "seconds",
        "downtime", "duration_ms", "duration_min", "duration_minutes", "minutes",
        "downtime_s",
    ),
    "time": (
        "time", "timestamp", "ts", "date", "datetime", "at",
    ),
    "value": (
        "value", "error_ratio", "error_share", "errors", "ratio",
    ),
    "upstream": (
        "upstream", "service", "component", "system", "dependency", "target", "host", "job",
    ),
    "fault": (
        "fault", "kind", "type", "symptom", "failure", "error", "cause", "status", "state",
    ),
    "share": (
        "share", "error_rate", "error_share", "failure_rate", "percent", "pct", "affected",
        "error_percent", "errors_percent", "impact", "ratio", "error_ratio", "errors_pct",
    ),
    "note": (
        "note", "notes", "comment", "description", "summary", "message", "reason", "title",
        "name",
    ),
}  # fmt: skip
_UNITS = {"ms": 0.001, "min": 60.0, "minutes": 60.0}
_ADORNED = re.compile(
    r"^(outage|incident|event)_|_(at|on|time|date|utc|gmt|ts|timestamp|epoch|unix|iso|local|ms|s|sec)$"
)
_DECIMAL_COMMA = re.compile(r"([0-9]+),([0-9]+(?: ?%)?)")
_NOTHING = ("", "-", "nan", "null", "none", "undefined", "no data")
_CLOCK = re.compile(r"(?:([0-9]+):)?([0-9]{1,3}):([0-9]{2}(?:\.[0-9]+)?)")


def read(file: str, wanted: Wanted) -> Observation:
    """What a table says.

    Raises: InvalidFile with the line of what can't be read.
    """
    with Path(file).open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        sample = lines.read(8192)
        lines.seek(0)
        if not sample.strip():
            refuse(file, 1, "is empty")
        delimiter = _delimiter(sample)
        rows = csv.reader(lines, delimiter=delimiter)
        try:
            table = _Table(file, wanted, rows, comma_is_a_point=delimiter != ",")
            return table.observation()
        except csv.Error as error:
            refuse(file, rows.line_num, f"is no CSV: {error}")


def _delimiter(sample: str) -> str:
    lines = [line for line in sample.splitlines() if line.strip() and not line.startswith("#")]
    head = lines[0] if lines else ""
    return max(",;\t|", key=head.count)


class _Table:
    """A table on its way to episodes."""

    def __init__(
        self, file: str, wanted: Wanted, rows: Iterator[list[str]], *, comma_is_a_point: bool
    ) -> None:
        self._file, self._wanted = file, wanted
        self._rows = rows
        self._comma_is_a_point = comma_is_a_point
        head = next((row for row in rows if _says_something(row)), [])
        self._line = self._number()
        self._written = [cell.strip() for cell in head]
        self._head = [_plain(cell) for cell in head]
        self._columns = self._understood()
        self._digit_s = 0.0
        self._zoned = True
        self._clock = True

    def _number(self) -> int:
        return int(getattr(self._rows, "line_num", 0))

    def _understood(self) -> dict[str, int]:
        """The column of each meaning: the first header that says it."""
        found: dict[str, int] = {}
        for meaning, words in _HEADERS.items():
            for word in words:
                if meaning not in found and word in self._head:
                    column = self._head.index(word)
                    if column not in found.values():
                        found[meaning] = column
        if "start" not in found and "time" in found and {"end", "lasts"} & found.keys():
            found["start"] = found.pop("time")
        if "time" in found and "value" not in found and "share" in found:
            found["value"] = found.pop("share")
        spans = "start" in found and ("end" in found or "lasts" in found)
        if "time" in found and "value" not in found and not spans:
            found["value"] = self._measured(found)
        if not spans and not {"time", "value"} <= found.keys():
            self._refuse_headers(found)
        return found

    def _measured(self, found: Mapping[str, int]) -> int:
        """The column that is meant, of a table with one for each thing measured (a dashboard's)."""
        others = [n for n in range(len(self._head)) if n not in found.values() and self._head[n]]
        chosen = self._wanted.chosen(others, lambda column: [self._written[column]])
        if len(chosen) != 1:
            refuse(
                self._file, self._line,
                "has a time, and expected one column beside it that is a share of errors, or that "
                f"--upstream names; its columns: {', '.join(self._written)[:160]}",
            )  # fmt: skip
        return chosen[0]

    def _refuse_headers(self, found: Mapping[str, int]) -> NoReturn:
        known = (*_HEADERS["start"], *_HEADERS["end"], *_HEADERS["lasts"])
        unknown = [name for n, name in enumerate(self._head) if n not in found.values()]
        near = {name: nearest(name, known) for name in unknown if len(unknown) <= 1 or found}
        hint = next((f"; did you mean {to!r} by {name!r}?" for name, to in near.items() if to), "")
        refuse(
            self._file, self._line,
            "expected headers for begin and end (start,end or start,duration), or time and "
            f"value; found {', '.join(self._head)[:120]}{hint}",
        )  # fmt: skip

    def observation(self) -> Observation:
        """All rows that are about the upstream."""
        rows = [(self._number(), row) for row in self._rows if _says_something(row)]
        if len(rows) > MOST_ROWS:
            refuse(self._file, 0, f"has more than {MOST_ROWS:,} rows")
        if not rows:
            refuse(self._file, self._line, "has headers, but no row")
        chosen = self._wanted.chosen(rows, lambda row: [self._cell(row[1], "upstream")])
        notes = []
        named = dict.fromkeys(name for _, row in chosen if (name := self._cell(row, "upstream")))
        upstream = self._wanted.upstream
        if upstream and len(named) > 1 and not any(self._wanted.names(name) for name in named):
            refuse(
                self._file, rows[0][0],
                f"no row is about {upstream}, and they are of several: {', '.join(named)[:120]}; "
                "keep the rows of one",
            )  # fmt: skip
        if len(chosen) < len(rows):
            notes.append(
                f"{self._file}: {len(rows) - len(chosen)} of {len(rows)} rows are of others"
            )
        if "start" in self._columns and len(self._columns.keys() & {"end", "lasts"}):
            found = [self._episode(number, row) for number, row in chosen]
            step_s, known = self._digit_s, f"times in {self._file} are written to the"
            digit = {1.0: "second", 60.0: "minute", 86_400.0: "day"}.get(step_s)
            known = f"{known} {digit}" if digit else f"{known} {format_duration(step_s)}"
        else:
            found, step_s, how = self._sampled(chosen)
            notes.append(how)
            known = f"samples of {self._file} are {format_duration(step_s)} apart"
        if not self._zoned:
            notes.append(f"{self._file}: its times name no zone; taken for UTC")
        return Observation(
            episodes=tuple(found),
            step_s=step_s,
            step_from=known,
            notes=tuple(notes),
            clock=self._clock,
        )

    def _cell(self, row: Sequence[str], meaning: str) -> str:
        column = self._columns.get(meaning)
        text = row[column].strip() if column is not None and column < len(row) else ""
        if self._comma_is_a_point and (match := _DECIMAL_COMMA.fullmatch(text)):
            return f"{match[1]}.{match[2]}"
        return text

    def _instant(self, number: int, text: str) -> float:
        try:
            instant: Instant = parse_instant(text)
        except ValueError as error:
            refuse(self._file, number, str(error))
        self._digit_s = max(self._digit_s, instant.digit_s)
        self._zoned &= instant.zoned
        self._clock &= instant.clock
        return instant.at_s

    def _episode(self, number: int, row: Sequence[str]) -> Episode:
        start = self._cell(row, "start")
        if not start:
            refuse(
                self._file, number, f"expected a time under {self._head[self._columns['start']]!r}"
            )
        start_s = self._instant(number, start)
        end, lasts = self._cell(row, "end"), self._cell(row, "lasts")
        if end and end.lower() not in ("-", "ongoing", "null", "none"):
            end_s = self._instant(number, end)
        elif lasts:
            end_s = start_s + self._length(number, lasts)
        else:
            refuse(
                self._file, number,
                "has no end: it goes on, or nobody wrote it down; write when it ended, or until "
                "when it is to be played",
            )  # fmt: skip
        if end_s <= start_s:
            refuse(self._file, number, f"ends at {end or lasts}, not after it begins at {start}")
        share = self._share(number, row)
        return Episode(
            start_s=start_s,
            end_s=end_s,
            share=share,
            symptom=self._symptom(row),
            source=f"{self._file}:{number}",
            upstream=self._cell(row, "upstream") or None,
        )

    def _length(self, number: int, text: str) -> float:
        header = self._head[self._columns["lasts"]]
        try:
            if match := _CLOCK.fullmatch(text):
                hours, minutes, seconds = match.groups()
                return int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds)
            try:
                unit = next((s for word, s in _UNITS.items() if header.endswith(word)), 1.0)
                length_s = float(text) * unit
            except ValueError:
                length_s = parse_duration(text)
        except ValueError:
            refuse(
                self._file,
                number,
                f"expected a length such as 50s, 00:00:50 or 50, not {text[:40]!r}",
            )
        if not 0 < length_s < 1e9:
            refuse(self._file, number, f"expected a length above 0, not {text[:40]}")
        return length_s

    def _share(self, number: int, row: Sequence[str]) -> float:
        text = self._cell(row, "share")
        if not text:
            return 1.0
        try:
            share = self._share_of(text, "share")
        except ValueError:
            if self._columns.get("share") is not None and not re.search(r"[0-9]", text):
                return 1.0  # a word, such as `major`
            refuse(self._file, number, f"expected a share such as 30% or 0.3, not {text[:40]!r}")
        if not 0 < share <= 1:
            refuse(self._file, number, f"expected a share above 0, up to 100%, not {text[:40]}")
        return 1.0 if share >= WHOLE else share

    def _share_of(self, text: str, meaning: str) -> float:
        """A share as it is written, under a header that may say that all are of 100."""
        header = self._head[self._columns[meaning]]
        try:
            value = float(text)
        except ValueError:
            return parse_share(text)
        percent = any(word in header for word in ("percent", "pct"))
        return parse_share(value / 100 if percent else value)

    def _symptom(self, row: Sequence[str]) -> Symptom:
        kind, note = self._cell(row, "fault"), self._cell(row, "note")
        why = (kind or note)[:60] or "no word of how it failed"
        return symptoms.named(kind, why) or symptoms.of_words(f"{kind} {note}", why)

    def _sampled(
        self, rows: Sequence[tuple[int, Sequence[str]]]
    ) -> tuple[list[Episode], float, str]:
        """A table of samples, each a time and a share of errors; and how its values were read."""
        shares: dict[float, float] = {}
        for number, row in rows:
            at_s, text = self._instant(number, self._cell(row, "time")), self._cell(row, "value")
            if text.lower() in _NOTHING:
                continue  # as a dashboard exports what it has no sample of
            try:
                value = self._share_of(text, "value") if self._wanted.bad is None else float(text)
            except ValueError:
                refuse(
                    self._file, number,
                    f"expected a share of errors between 0 and 1, not {text[:40]!r}; of anything "
                    "else say what is bad: --bad '> 500ms'",
                )  # fmt: skip
            shares[at_s] = value if self._wanted.bad is None else float(self._wanted.bad(value))
        if not shares:
            refuse(self._file, rows[0][0], "has no sample that is a number")
        how = f"bad is {self._wanted.bad_text}" if self._wanted.bad else "a share of errors"
        name = self._written[self._columns["value"]]
        if self._wanted.bad is None and high_is_good(name, name, list(shares.values())):
            how, shares = "1 is good, 0 is bad", {at_s: 1 - v for at_s, v in shares.items()}
        series = Series.of_shares(shares)

        def describe(stretch: Stretch) -> tuple[Symptom, str]:
            why = f"{stretch.share:.3g} of 1 bad in {stretch.stop - stretch.first} samples"
            return symptoms.plainest(why), self._file

        found = list(episodes(series, describe))
        if not found:
            refuse(self._file, 0, f"nothing bad is in it: at most {worst(series)} ({how})")
        return found, series.step_s or 1.0, f"{self._file}: {name}: {how}"


def _says_something(row: Sequence[str]) -> bool:
    return any(cell.strip() for cell in row) and not row[0].startswith("#")


def _plain(header: str) -> str:
    """A header as the table of headers spells it: `Start Time (UTC)` is start_time."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", header.strip()).replace("%", " percent")
    plain = "_".join(re.findall(r"[a-z0-9]+", words.lower()))
    candidates = [plain, *(plain := _ADORNED.sub("", plain) for _ in range(3))]
    known = {word for words in _HEADERS.values() for word in words}
    return next((one for one in candidates if one in known), candidates[0])
