"""What a target's status answer says of its breakers; for every engine, the simulated world too."""

from __future__ import annotations

import json
from typing import Any


def state_in(body: bytes, path: str, upstream: str) -> str | None:
    """The breaker's state in a status answer, by a dotted path; None where it isn't."""
    try:
        value: Any = json.loads(body)
    except ValueError:
        return None
    for step in path.replace("{upstream}", upstream).split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return str(value).lower().replace("-", "_") if value is not None else None
