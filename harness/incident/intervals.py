"""Tables of intervals: begin and end, or begin and length, under whatever headers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.incident import symptoms
from harness.incident.evidence import WHOLE, Episode, Observation, Symptom, refuse
from harness.incident.reading import Wanted
from harness.incident.sheet import Row, Sheet
from harness.units import format_duration, parse_duration, parse_share

_UNITS = {"ms": 0.001, "min": 60.0, "mins": 60.0, "minutes": 60.0}
_CLOCK = re.compile(r"(?:([0-9]+):)?([0-9]{1,3}):([0-9]{2}(?:\.[0-9]+)?)")
_IN_WORDS = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(d|h|m|s)[a-z]*\.?(?:,| and)? ?", re.IGNORECASE)
_SECONDS_IN = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
_WELL = ("up", "ok", "healthy", "operational", "available", "online", "running", "normal", "green")
"""States in which nothing is wrong: a table of states has rows of these, too."""


def observation(sheet: Sheet, wanted: Wanted) -> Observation:
    """What the rows that are about the upstream say.

    Raises: InvalidFile with the line of what can't be read.
    """
    notes: list[str] = []
    chosen = _in_trouble(sheet, _chosen(sheet, wanted, notes), notes)
    found = tuple(_episode(sheet, number, row, wanted) for number, row in chosen)
    digit_s = sheet.digit_s
    digit = {1.0: "second", 60.0: "minute", 86_400.0: "day"}.get(digit_s)
    return Observation(
        episodes=found,
        step_s=digit_s,
        step_from=f"times in {sheet.file} are written to the {digit or format_duration(digit_s)}",
        notes=(*notes, *sheet.times.notes),
        clock=sheet.clock,
    )


def _chosen(sheet: Sheet, wanted: Wanted, notes: list[str]) -> Sequence[Row]:
    """The rows that name the upstream, in their column for it or, without one, anywhere."""
    column = sheet.columns.get("upstream")

    def texts(row: Row) -> Sequence[str]:
        return row[1] if column is None else [sheet.at(row[1], column)]

    wanted.one_of(
        sheet.file, "rows", sheet.rows, texts, lambda row: sheet.cell(row[1], "upstream"),
        line=sheet.rows[0][0],
    )  # fmt: skip
    chosen = wanted.chosen(sheet.rows, texts)
    if len(chosen) < len(sheet.rows):
        others = len(sheet.rows) - len(chosen)
        notes.append(f"{sheet.file}: {others} of {len(sheet.rows)} rows are of others")
    return chosen


def _in_trouble(sheet: Sheet, rows: Sequence[Row], notes: list[str]) -> Sequence[Row]:
    """The rows without those that say that all was well."""
    bad = [row for row in rows if sheet.cell(row[1], "fault").lower() not in _WELL]
    if not bad:
        state = sheet.header("fault")
        refuse(sheet.file, rows[0][0], f"nothing bad is in it: under {state} all is well")
    if len(bad) < len(rows):
        notes.append(f"{sheet.file}: {len(rows) - len(bad)} rows say that all was well")
    return bad


def _episode(sheet: Sheet, number: int, row: Sequence[str], wanted: Wanted) -> Episode:
    start = sheet.cell(row, "start")
    if not start:
        refuse(sheet.file, number, f"expected a time under {sheet.header('start')!r}")
    start_s = sheet.instant(number, start)
    end, lasts = sheet.cell(row, "end"), sheet.cell(row, "lasts")
    open_end = False
    if end and end.lower() not in ("-", "ongoing", "null", "none"):
        end_s = sheet.instant(number, end, after_s=start_s)
    elif lasts:
        end_s = start_s + _length(sheet, number, lasts)
    elif wanted.until_s is not None:
        end_s, open_end = wanted.until_s, True
    else:
        refuse(
            sheet.file, number,
            "has no end: it goes on, or nobody wrote it down; say until when it is to be played: "
            "--until TIME",
        )  # fmt: skip
    if end_s <= start_s:
        end = end or lasts or "--until"
        refuse(sheet.file, number, f"ends at {end}, not after it begins at {start}")
    return Episode(
        start_s=start_s,
        end_s=end_s,
        share=_share(sheet, number, row),
        symptom=_symptom(sheet, row),
        source=f"{sheet.file}:{number}",
        upstream=sheet.cell(row, "upstream") or None,
        open_end=open_end,
    )


def _length(sheet: Sheet, number: int, text: str) -> float:
    try:
        length_s = _seconds(text, sheet.header("lasts"))
    except ValueError:
        refuse(
            sheet.file, number,
            f"expected a length such as 50s, 00:00:50 or 50, not {text[:40]!r}",
        )  # fmt: skip
    if not 0 < length_s < 1e9:
        refuse(sheet.file, number, f"expected a length above 0, not {text[:40]}")
    return length_s


def _seconds(text: str, header: str) -> float:
    """A length as tables have it; a bare number is in the unit of its header.

    Raises: ValueError when it is none.
    """
    if match := _CLOCK.fullmatch(text):
        hours, minutes, seconds = match.groups()
        return int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds)
    try:
        value = float(text)
    except ValueError:
        pass
    else:
        return value * next((s for word, s in _UNITS.items() if header.endswith(word)), 1.0)
    if not _IN_WORDS.sub("", text) and not text.endswith("ms"):
        parts = _IN_WORDS.findall(text)
        return sum(float(many) * _SECONDS_IN[unit.lower()] for many, unit in parts)
    return parse_duration(text)


def _share(sheet: Sheet, number: int, row: Sequence[str]) -> float:
    text = sheet.cell(row, "share")
    if not re.search(r"[0-9]", text):
        return 1.0  # nothing, or a word, such as `major`
    percent = any(word in sheet.header("share") for word in ("percent", "pct"))
    try:
        share = parse_share(float(text) / 100 if percent and "%" not in text else text)
    except ValueError:
        refuse(sheet.file, number, f"expected a share such as 30% or 0.3, not {text[:40]!r}")
    if not 0 < share <= 1:
        refuse(sheet.file, number, f"expected a share above 0, up to 100%, not {text[:40]}")
    return 1.0 if share >= WHOLE else share


def _symptom(sheet: Sheet, row: Sequence[str]) -> Symptom:
    kind, note = sheet.cell(row, "fault"), sheet.cell(row, "note")
    why = (kind or note)[:60] or "no word of how it failed"
    return symptoms.named(kind, why) or symptoms.of_words(f"{kind} {note}", why)
