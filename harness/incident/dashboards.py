"""Tables of samples, as dashboards export them: a time, and what was measured then.

Wide ones have a column for each thing, long ones a row for each thing at each time, which their
other columns name. Both become the series that a range query would have answered.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.incident.evidence import Observation, refuse
from harness.incident.reading import Wanted
from harness.incident.series import Measured, observed
from harness.incident.sheet import Row, Sheet
from harness.units import parse_duration

_NOTHING = ("", "-", "nan", "null", "none", "undefined", "no data", "n/a")
_LABEL = re.compile(r'([A-Za-z_]\w*)="([^"]*)"')
_VALUE = re.compile(r"([-+]?[0-9][0-9,]*(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)\s?(\S.*)?")
_TIMES = {"ns": 1e-9, "µs": 1e-6, "us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "mins": 60.0}
_TIMES |= {"m": 60.0, "hour": 3600.0, "hours": 3600.0}
_MANY = {"k": 1e3, "mil": 1e6, "m": 1e6, "bil": 1e9}
_SHARES = ("%", "share", "percent")


def observation(sheet: Sheet, wanted: Wanted) -> Observation:
    """What the samples of a table say.

    Raises: InvalidFile with the line of what can't be read, or when nothing bad is in it.
    """
    found = observed(sheet.file, _measured(sheet), wanted)
    return Observation(
        episodes=found.episodes,
        step_s=found.step_s,
        step_from=found.step_from,
        notes=(*found.notes, *sheet.times.notes),
        clock=sheet.clock,
    )


def _measured(sheet: Sheet) -> list[Measured]:
    """The series of a table, long or wide."""
    time = sheet.columns["time"]
    numbers = [
        column
        for column, header in enumerate(sheet.head)
        if column != time and header and _numeric(sheet, column)
    ]
    if not numbers:
        refuse(
            sheet.file, sheet.line,
            "has a time, and expected a column of numbers beside it; its columns: "
            f"{', '.join(sheet.written)[:160]}",
        )  # fmt: skip
    words = [c for c, name in enumerate(sheet.head) if name and c != time and c not in numbers]
    if words and _repeats(sheet, time):
        return _long(sheet, time, words, numbers)
    return [_series(sheet, sheet.rows, time, column, {}) for column in numbers]


def _numeric(sheet: Sheet, column: int) -> bool:
    """Whether most of what stands in a column are numbers."""
    said = [
        text for _, row in sheet.rows if (text := sheet.at(row, column)).lower() not in _NOTHING
    ]
    return sum(_VALUE.fullmatch(text) is not None for text in said) * 2 > len(said)


def _repeats(sheet: Sheet, time: int) -> bool:
    """Whether several rows are of one instant."""
    times = [sheet.at(row, time) for _, row in sheet.rows]
    return len(set(times)) < len(times)


def _long(sheet: Sheet, time: int, words: Sequence[int], numbers: Sequence[int]) -> list[Measured]:
    groups: dict[tuple[str, ...], list[Row]] = {}
    for number, row in sheet.rows:
        key = tuple(sheet.at(row, column) for column in words)
        groups.setdefault(key, []).append((number, row))
    found = []
    for said, rows in groups.items():
        labels = {sheet.head[column]: text for column, text in zip(words, said, strict=True)}
        labels |= {"__name__": name} if (name := labels.pop("metric", "")) else {}
        found += [_series(sheet, rows, time, column, labels) for column in numbers]
    return found


def _series(
    sheet: Sheet, rows: Sequence[Row], time: int, column: int, labels: dict[str, str]
) -> Measured:
    """One column of some rows. Its header may be a metric with labels, as Prometheus has them."""
    header = sheet.written[column]
    told = dict(_LABEL.findall(header))
    name = header.partition("{")[0].strip() if told else header
    units: set[str] = set()
    values: dict[float, float] = {}
    for number, row in rows:
        text = sheet.at(row, column)
        if text.lower() in _NOTHING:
            continue  # as a dashboard exports what it has no sample of
        value, unit = _value(sheet, number, text)
        values[sheet.instant(number, sheet.at(row, time))] = value
        units.add(unit)
    if len(units) > 1 and units != {"", "s"}:
        units = set()
    unit = next(iter(units - {""}), "")
    named = {"__name__": name} if name else {}
    return Measured({**named, **told, **labels}, dict(sorted(values.items())), unit)


def _value(sheet: Sheet, number: int, text: str) -> tuple[float, str]:
    """A value in seconds, as a share of 1 or as it is, and which of these (`s`, `%` or empty)."""
    match = _VALUE.fullmatch(text)
    if match is None:
        refuse(sheet.file, number, f"expected a number, not {text[:40]!r}")
    value, unit = float(match[1].replace(",", "")), (match[2] or "").strip()
    if not unit:
        return value, ""
    if unit.lower() in _SHARES:
        return value / 100, "%"
    if unit in _TIMES:
        return value * _TIMES[unit], "s"
    try:
        return parse_duration(text), "s"
    except ValueError:
        return value * _MANY.get(unit.partition(" ")[0].lower(), 1.0), ""
