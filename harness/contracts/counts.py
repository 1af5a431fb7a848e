"""What counts as a failure, a success or neither, where a file says so of how attempts end."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, WithJsonSchema

from harness.policy.counting import Counted, Result, Unknown
from harness.scenario.spelling import did_you_mean

_ENDINGS = {
    "refused": ("refused",),
    "timeout": ("silence",),
    "cut": ("hang-up", "broken"),
    "4xx": ("refusal",),
    "5xx": ("error",),
    "malformed": ("nonsense",),
}
"""What a file calls the ways in which attempts end, and what `policy.counting` does."""
_LEAST_STATUS, _MOST_STATUS = 200, 599


def _ending(value: object) -> str:
    text = str(value)
    if text in _ENDINGS or (text.isdecimal() and _LEAST_STATUS <= int(text) <= _MOST_STATUS):
        return text
    hint = did_you_mean(text, _ENDINGS)
    raise ValueError(f"expected {', '.join(_ENDINGS)} or a status, such as 404{hint}")


Ending = Annotated[
    str,
    BeforeValidator(_ending),
    WithJsonSchema({"type": "string", "pattern": f"^({'|'.join(_ENDINGS)}|[2-5][0-9][0-9])$"}),
]
"""How an attempt ended, where a key stands."""
Counts = dict[Ending, Literal["failure", "success", "neutral", "unknown"]]
_RESULTS: dict[str, Counted | Unknown] = {
    "failure": Result.FAILURE, "success": Result.SUCCESS, "neutral": Result.NEUTRAL,
    "unknown": "unknown",
}  # fmt: skip


def otherwise(counts: Counts) -> tuple[tuple[str, Counted | Unknown], ...]:
    """As `policy.counting` names them: each ending, and what it counts as."""
    return tuple(
        (ending, _RESULTS[what])
        for key, what in counts.items()
        for ending in _ENDINGS.get(key, (key,))
    )
