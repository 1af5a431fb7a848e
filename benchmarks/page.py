"""Writes what was measured into the docs: `docs/performance.md`, between two marks, and its plots.

    python benchmarks/page.py --rows FILE --curves FILE [--page docs/performance.md]

What stands between the marks is replaced, nothing else.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from growth import Curve, picture_of

BEGIN = "<!-- figures: written by make bench -->"
END = "<!-- end of figures -->"


def figures(table: str, curves: Sequence[Curve], pictures: str, *, day: str) -> str:
    """The part of the page that is measured."""
    lines = [f"Measured on {day}. {table}", "", "Cost against size, in seconds of CPU:", ""]
    lines += ["| what | sizes | seconds | exponent |", "|---|---|---|---|"]
    for curve in curves:
        sizes = ", ".join(f"{size:,}" for size in curve.sizes)
        seconds = ", ".join(f"{each:.3g}" for each in curve.seconds)
        word = f"{curve.exponent:.2f}" if curve.straight else f"**{curve.exponent:.2f}**"
        lines.append(f"| {curve.name}, by {curve.of} | {sizes} | {seconds} | {word} |")
    lines.append("")
    lines += [f"![{curve.name}, by {curve.of}]({pictures}/{picture_of(curve)})" for curve in curves]
    return "\n".join(lines) + "\n"


def replaced(page: str, measured: str) -> str:
    """A page with these figures in place of those that it had.

    Raises: ValueError for a page without the marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"expected {BEGIN!r} and {END!r} in the page")
    return f"{before}{BEGIN}\n{measured}{END}{after}"


def write(page: Path, table: str, curves: Sequence[Curve], pictures: str) -> None:
    """Put what was measured into a page.

    Raises: ValueError for a page without the marks.
    """
    day = datetime.now(UTC).date().isoformat()
    text = page.read_text(encoding="utf-8")
    measured = figures(table, curves, pictures, day=day)
    page.write_text(replaced(text, measured), encoding="utf-8")


def main() -> int:
    """0; 2 for a page without the marks."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=Path, required=True, help="what bench.py --markdown wrote")
    options.add_argument("--curves", type=Path, required=True, help="what growth.py --json wrote")
    options.add_argument("--page", type=Path, default=Path("docs/performance.md"))
    options.add_argument("--pictures", default="performance", help="their folder, from the page")
    arguments = options.parse_args()
    rows: list[dict[str, Any]] = json.loads(arguments.curves.read_text(encoding="utf-8"))
    curves = [Curve.read(each) for each in rows]
    try:
        write(
            arguments.page, arguments.rows.read_text(encoding="utf-8"), curves, arguments.pictures
        )
    except ValueError as error:
        print(f"{arguments.page}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
