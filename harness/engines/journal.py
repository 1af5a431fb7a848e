"""A proxy's journal lines, made into the history's events."""

from __future__ import annotations

import json
from typing import Any

from harness.history.events import Crossed

_WHAT = {
    "Accepted client": "accepted",
    "Request": "request",
    "Response": "response",
    "Closed": "closed",
}


def parse_line(line: str) -> dict[str, Any] | None:
    """The JSON object of a log line; None for anything else."""
    if not line.startswith("{"):
        return None
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def event_of_line(record: dict[str, Any], at_s: float) -> Crossed | None:
    """The event of a journal line (ARCHITECTURE.md), or of real Toxiproxy's `Accepted client`."""
    what = _WHAT.get(str(record.get("message")))
    if what is None or "name" not in record:
        return None
    return Crossed(
        at_s=at_s,
        by="proxy",
        upstream=record["name"],
        connection=record.get("conn", 0),
        what=what,
        method=record.get("method"),
        path=record.get("path"),
        status=record.get("status"),
        closed_by=record.get("by"),
    )
