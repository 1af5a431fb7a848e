"""What the headers of a table mean, in whatever words they are written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

HEADERS: Mapping[str, tuple[str, ...]] = {
    "start": (
        "start", "begin", "began", "from", "started", "started_at", "start_time",
        "begin_time", "start_date", "starts_at", "down_at", "down_from", "down_since", "opened",
        "opened_at", "since", "outage_start", "incident_start", "startsat", "triggered",
        "triggered_at", "detected", "detected_at", "created", "created_at", "created_time",
    ),
    "end": (
        "end", "to", "until", "ended", "ended_at", "end_time", "end_date", "ends_at",
        "finish", "finished", "finished_at", "resolved", "resolved_at", "stop", "stopped",
        "stop_time", "up_at", "up_from", "up_again", "down_to", "down_until", "restored",
        "restored_at", "back", "back_at", "closed", "closed_at", "recovered", "recovered_at",
        "outage_end", "incident_end", "till", "endsat",
    ),
    "lasts": (
        "duration", "length", "lasted", "duration_s", "duration_seconds", "seconds",
        "downtime", "duration_ms", "duration_min", "duration_minutes", "minutes",
        "downtime_s", "seconds_to_resolve", "duration_in_mins",
    ),
    "time": (
        "time", "timestamp", "ts", "date", "datetime", "date_time", "at", "event_time",
    ),
    "value": (
        "value", "error_ratio", "error_share", "errors", "ratio",
    ),
    "upstream": (
        "upstream", "service", "service_name", "component", "system", "dependency", "target",
        "host", "job", "monitor", "monitor_name", "application", "app", "check",
    ),
    "fault": (
        "fault", "kind", "type", "symptom", "failure", "error", "cause", "status", "state",
        "event",
    ),
    "share": (
        "share", "error_rate", "error_share", "failure_rate", "percent", "pct", "affected",
        "error_percent", "errors_percent", "impact", "ratio", "error_ratio", "errors_pct",
    ),
    "note": (
        "note", "notes", "comment", "description", "summary", "message", "reason", "title",
        "name", "what", "detail", "details", "remark", "remarks", "impact_description",
    ),
}  # fmt: skip
_ADORNED = re.compile(
    r"^(outage|incident|event)_|_per_[a-z0-9_]+$|_(at|on|time|date|utc|gmt|ts|timestamp|epoch|unix|iso|local|ms|s|sec)$"
)


def plain(header: str) -> str:
    """A header as the table of headers spells it: `Start Time (UTC)` is start_time."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", header.strip()).replace("%", " percent")
    bare = "_".join(re.findall(r"[a-z0-9]+", words.lower()))
    candidates = [bare, *(bare := _ADORNED.sub("", bare) for _ in range(3))]
    known = {word for words in HEADERS.values() for word in words}
    return next((one for one in candidates if one in known), candidates[0])


def understood(head: Sequence[str]) -> dict[str, int]:
    """The column of each meaning: the first of its words that stands among plain headers."""
    found: dict[str, int] = {}
    for meaning, words in HEADERS.items():
        for word in words:
            if meaning not in found and word in head:
                column = head.index(word)
                if column not in found.values():
                    found[meaning] = column
    if "start" not in found and "time" in found and {"end", "lasts"} & found.keys():
        found["start"] = found.pop("time")
    return found
