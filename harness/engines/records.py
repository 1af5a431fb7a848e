"""What a stub's records are in a history, whoever brings them: a connection, a file, a play."""

from __future__ import annotations

from typing import Any

from harness.history.events import Called, Charged, Event, Replied
from harness.trace import trace_in


def event_of_record(record: dict[str, Any], at_s: float) -> Event | None:
    """The history's event for a stub's record; None for records that it doesn't keep."""
    match record.get("kind"):
        case "call":
            return Called(
                at_s=at_s,
                by="stub",
                upstream=record["service"],
                id=record["id"],
                route=record["route"],
                path=record["path"],
                of=record["of"],
                attempt=record["attempt"],
                met=None if record.get("met") is None else tuple(record["met"]),
                trace=trace_in(record.get("traceparent")),
            )
        case "answered":
            return Replied(
                at_s=at_s,
                by="stub",
                upstream=record["service"],
                id=record["id"],
                status=record["status"],
                outcome=record["outcome"],
            )
        case "charge":
            return Charged(
                at_s=at_s,
                by="stub",
                job_id=record["job_id"],
                user_id=record["user_id"],
                cost=record["cost"],
                duplicate=record["duplicate"],
            )
        case _:
            return None
