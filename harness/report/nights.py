"""A matrix of scenarios and nights, for a person, a program, and a page in Markdown."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from rich.text import Text

from harness.compare.matrix import Matrix, Row, Trend
from harness.printable import in_line
from harness.report.escaping import markdown
from harness.report.secrets import clean
from harness.verdict import Verdict

_CELLS: dict[Verdict | None, tuple[str, str, str]] = {
    Verdict.PASSED: ("✓", "green", "✅"),
    Verdict.FAILED: ("✗", "bold red", "❌"),
    Verdict.INCONCLUSIVE: ("?", "yellow", "❔"),
    Verdict.OUT_OF_SCOPE: ("-", "dim", "➖"),
    None: ("·", "dim", ""),
}
_EXCUSED = ("~", "yellow", "⚠️")
"""A night that passed but for what the target file excuses."""
_STYLES = {
    Trend.NEW: "bold red",
    Trend.FLAKY: "bold yellow",
    Trend.FAILING: "red",
    Trend.SLOWER: "yellow",
    Trend.UNCLEAR: "yellow",
    Trend.KNOWN: "yellow",
    Trend.FIXED: "green",
}


def summary(matrix: Matrix) -> str:
    """`14 nights, 71 scenarios: 1 new, 2 fixed, 68 steady`."""
    counts = Counter(row.trend for row in matrix.rows)
    trends = ", ".join(f"{counts[trend]} {trend.value}" for trend in Trend if counts[trend])
    nights = "1 night" if len(matrix.labels) == 1 else f"{len(matrix.labels)} nights"
    return f"{nights}, {len(matrix.rows)} scenarios: {trends}"


def matrix_text(matrix: Matrix) -> Iterator[Text]:
    """For a terminal: a column of one character for each night, the newest to the right."""
    wide = max((len(in_line(row.name)) for row in matrix.rows), default=0)
    for row in matrix.rows:
        line = Text()
        for mark, style, _ in _cells(row):
            line.append(mark, style)
        line.append(f"  {in_line(row.name):<{wide}}", "bold")
        line.append(f"  {_remark(row)}", _STYLES.get(row.trend, "dim"))
        yield line
    yield Text(f"nights: {in_line(', '.join(matrix.labels))}", "dim")
    yield Text(summary(matrix), "bold red" if matrix.worse else "green")


def _cells(row: Row) -> Iterator[tuple[str, str, str]]:
    for verdict, excused in zip(row.verdicts, row.known, strict=True):
        yield _EXCUSED if excused else _CELLS[verdict]


def _remark(row: Row) -> str:
    """`failing since mon`, `slower: chat latency p95 2ms → 1.2s`, and so on."""
    match row.trend:
        case Trend.FAILING | Trend.NEW if row.since:
            return f"{row.trend.value} since {in_line(row.since)}"
        case Trend.FLAKY:
            return f"flaky, passed {row.pass_rate or 0.0:.0%} of its nights"
        case Trend.SLOWER:
            return f"slower: {in_line(clean(row.slower))}"
        case Trend.KNOWN:
            return "known to fail"
    return row.trend.value


def matrix_json(matrix: Matrix) -> str:
    """The nights, and each scenario with its verdicts and trend."""
    found: dict[str, Any] = {
        "nights": [
            {
                "name": label,
                "began": night.began,
                "target": night.target,
                "target_commit": night.target_commit,
                "engine": night.engine,
            }
            for label, night in zip(matrix.labels, matrix.nights, strict=True)
        ],
        "scenarios": [
            {
                "name": row.name,
                "trend": row.trend.value,
                "verdicts": [None if v is None else v.value for v in row.verdicts],
                "known": list(row.known),
                "failing_since": row.since,
                "slower": row.slower,
                "pass_rate": None if row.pass_rate is None else round(row.pass_rate, 4),
            }
            for row in matrix.rows
        ],
    }
    return json.dumps(found, indent=2, ensure_ascii=False)


def matrix_markdown(matrix: Matrix) -> str:
    """A table with a column for each night; scenarios that were steady throughout are folded."""
    lines = [f"### Outages by night: {markdown(summary(matrix))}", ""]
    told = [row for row in matrix.rows if not _steady(row)]
    quiet = [row for row in matrix.rows if _steady(row)]
    lines += _table(matrix, told) if told else ["Every scenario passed in every night."]
    if quiet and told:
        lines += ["", f"<details><summary>{len(quiet)} passed in every night</summary>", ""]
        lines += [*_table(matrix, quiet), "", "</details>"]
    return "\n".join(lines) + "\n"


def _steady(row: Row) -> bool:
    return row.trend is Trend.STEADY and row.pass_rate == 1


def _table(matrix: Matrix, rows: list[Row]) -> Iterator[str]:
    yield "| scenario | | " + " | ".join(markdown(label) for label in matrix.labels) + " |"
    yield "|---" * (2 + len(matrix.labels)) + "|"
    for row in rows:
        cells = " | ".join(cell for _, _, cell in _cells(row))
        yield f"| {markdown(row.name)} | {markdown(_remark(row))} | {cells} |"
