"""A proxy's journal lines, made into the history's events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.history.events import Crossed

_WHAT = {
    "Accepted client": "accepted",
    "Request": "request",
    "Response": "response",
    "Closed": "closed",
}


def event_of_line(record: Mapping[str, Any], at_s: float) -> Crossed | None:
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
        method=record.get("method") or None,
        path=record.get("path") or None,
        status=record.get("status"),
        closed_by=record.get("by"),
    )


def intruder_in(record: Mapping[str, Any], agent: str) -> str | None:
    """What somebody else told a real Toxiproxy to do, where its log says so; `agent` is ours.

    Its API knows no token, so whoever finds its port can change a proxy and change it back.
    """
    method = record.get("method")
    if "user_agent" not in record or method in ("GET", "HEAD") or record["user_agent"] == agent:
        return None
    what = f"{method} {record.get('url')}, by {str(record['user_agent'])[:80]!r}"
    return f"somebody else changed the proxies during the run ({what})"


def shortage_in(record: Mapping[str, Any]) -> str | None:
    """What a proxy lacked, where its log says so: open files for clients or for upstreams."""
    error = str(record.get("error", ""))
    refused = record.get("message") == "Error while accepting client"
    if refused or "too many open files" in error.lower():
        return f"the proxy of {record.get('name', 'the world')} had too little: {error}"
    return None
