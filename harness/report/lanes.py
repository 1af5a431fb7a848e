"""Lanes on a terminal: coloured there, the same characters in a pipe."""

from __future__ import annotations

from rich.text import Text

from harness.lanes import Lane
from harness.printable import in_line
from harness.report.secrets import clean

LABEL = 22
"""Characters of a lane's label, at the most."""
MARGIN = LABEL + 1
_MOST_COLUMNS = 86
_FEWEST_COLUMNS = 20
_STYLES = {
    "#": "red",
    "▼": "bold",
    "O": "yellow",
    "?": "dim",
    "2": "green",
    "4": "magenta",
    "5": "red",
    "x": "bold red",
}


def columns_in(width: int) -> int:
    """How many columns of time a line of so many characters has room for."""
    return max(_FEWEST_COLUMNS, min(width - MARGIN, _MOST_COLUMNS))


def lane_line(lane: Lane) -> Text:
    """A lane as one line."""
    quiet = lane.kind == "axis"
    text = Text(f"{label(lane):<{MARGIN}}", style="dim" if quiet else "")
    for mark in lane.marks.rstrip():
        text.append(mark, style="dim" if quiet else _STYLES.get(mark, "dim"))
    return text


def label(lane: Lane) -> str:
    """Its label on one line, without secrets, cut where it is long."""
    return in_line(clean(lane.label))[:LABEL]
