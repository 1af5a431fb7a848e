"""An event as one line of a history's file, and back."""

from __future__ import annotations

import json
from typing import Any

from harness.history.events import KINDS, Event
from harness.history.values import LONGEST_LINE, members, reader

_READERS = {
    cls: {item.name: reader(item.annotation) for item in members(cls)} for cls in KINDS.values()
}


def to_json(event: Event) -> str:
    """One line, without its line break; fields at their defaults are left out."""
    record: dict[str, Any] = {"kind": event.kind}
    for item in members(type(event)):
        value = getattr(event, item.name)
        if value != item.default:
            record[item.name] = value
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))


def from_json(line: str) -> Event:
    """The event of one line; unknown fields are ignored, so that newer histories can be read.

    Raises: ValueError for anything that isn't an event, or that claims what none can.
    """
    if len(line) > LONGEST_LINE:
        raise ValueError(f"not an event of a history: {len(line)} characters")
    try:
        record = json.loads(line)
        cls = KINDS[record["kind"]]
        readers = _READERS[cls]
        return cls(**{n: readers[n](n, record[n]) for n in readers if n in record})
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        why = f" ({error})" if type(error) is ValueError else ""
        raise ValueError(f"not an event of a history{why}: {line[:80]!r}") from error
