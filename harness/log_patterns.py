"""Marks: what lines of a target's log stand for, found by patterns of the target's own.

A target file's `log:` gives a regular expression for each mark that the target logs. A pattern may
name the upstream that a line is about by a group `(?P<upstream>...)`. One line may carry several
marks: `attempt 1/2 failed: timeout, retrying in 1s` is an attempt, a failure and a retry.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from harness.scenario.fields import ANY_TEXT, Part, UpstreamName, texts

LONGEST_LINE = 500
"""Characters of a line that are looked at and kept."""
MOST_LINES = 20_000
"""Lines of one play that are kept."""
_MOST_WAYS = 3 * math.log(LONGEST_LINE + 1) + math.log(100)
"""Three repeats without bound, and some choices: minutes at worst, on one line made for it."""


Pattern = Annotated[str, texts("a regular expression", r"circuit open", pattern=ANY_TEXT)]
_EXAMPLES = {
    "processing": r"calling (?P<upstream>\w+)",
    "attempt": r"(?P<upstream>\w+): attempt \d{1,3}",
    "failed": r"attempt failed",
    "retrying": r"retrying in \d{1,5}",
    "succeeded": r"(?P<upstream>\w+) is back",
    "exhausted": r"giving up on (?P<upstream>\w+)",
    "opened": r"circuit open for (?P<upstream>\w+)",
    "rejected": r"(?P<upstream>\w+) rejected: circuit open",
    "half_open": r"probing (?P<upstream>\w+)",
    "closed": r"circuit closed for (?P<upstream>\w+)",
    "answered": r"(?P<upstream>\w+) answered",
}


class Log(Part):
    """Patterns (regular expressions) in the target's output, by what their lines stand for."""

    processing: Pattern | None = Field(
        None,
        description="a call is let through, the breaker closed",
        examples=[_EXAMPLES["processing"]],
    )
    attempt: Pattern | None = Field(
        None, description="an attempt is made", examples=[_EXAMPLES["attempt"]]
    )
    failed: Pattern | None = Field(
        None, description="an attempt failed, and why", examples=[_EXAMPLES["failed"]]
    )
    retrying: Pattern | None = Field(
        None, description="another attempt follows, after a while", examples=[_EXAMPLES["retrying"]]
    )
    succeeded: Pattern | None = Field(
        None, description="a retry or a probe succeeded", examples=[_EXAMPLES["succeeded"]]
    )
    exhausted: Pattern | None = Field(
        None, description="all attempts of a call failed", examples=[_EXAMPLES["exhausted"]]
    )
    opened: Pattern | None = Field(
        None, description="the breaker opened", examples=[_EXAMPLES["opened"]]
    )
    rejected: Pattern | None = Field(
        None,
        description="a call was turned away by the open breaker",
        examples=[_EXAMPLES["rejected"]],
    )
    half_open: Pattern | None = Field(
        None, description="the breaker lets a probe through", examples=[_EXAMPLES["half_open"]]
    )
    closed: Pattern | None = Field(
        None, description="the breaker closed again", examples=[_EXAMPLES["closed"]]
    )
    answered: Pattern | None = Field(
        None, description="a call brought what was asked for", examples=[_EXAMPLES["answered"]]
    )
    names: dict[str, UpstreamName] = Field(
        default_factory=dict,
        description="what the log calls upstreams, where not by their names",
        examples=[{"Mail Server": "mail"}],
    )

    @property
    def marks(self) -> tuple[str, ...]:
        """The marks that have a pattern."""
        return tuple(mark for mark in MARKS if getattr(self, mark) is not None)


MARKS: dict[str, str] = {
    name: field.description or "" for name, field in Log.model_fields.items() if name != "names"
}
"""The marks by name, in the order in which one line means them, and what each stands for."""


def fault_of(pattern: str) -> str | None:
    """What is wrong with a pattern; None for a good one.

    Refused, too, is one that could take for ever on a line made for it, such as `(a+)+b`.
    """
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"is not a regular expression: {error}"
    if compiled.search(""):
        return "matches an empty line, so it would match every line"
    groups = set(compiled.groupindex) - {"upstream"}
    if groups:
        return f"names a group {', '.join(sorted(groups))}; the only one known is upstream"
    if _ways(re._parser.parse(pattern)) > _MOST_WAYS:  # type: ignore[attr-defined]
        return (
            "could take for ever on a line made for it: too many repeats without bound, or one "
            "inside of another, such as (a+)+ or (a|b)*; write [ab]*, and {0,40} instead of *"
        )
    return None


def _ways(parsed: Any) -> float:
    """In how many ways a pattern can be tried on the longest line at one place, as a logarithm."""
    total = 0.0
    for operation, argument in parsed:
        match str(operation):
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                low, high, body = argument
                most = min(int(high), LONGEST_LINE)
                total += most * _ways(body) + math.log(max(1, most - int(low) + 1))
            case "BRANCH":
                total += math.log(sum(math.exp(min(_ways(each), 500.0)) for each in argument[1]))
            case _:
                total += sum(_ways(inner) for inner in _inside(argument))
    return total


def _inside(argument: Any) -> Iterator[Any]:
    if isinstance(argument, re._parser.SubPattern):  # type: ignore[attr-defined]
        yield argument
    elif isinstance(argument, list | tuple):
        for part in argument:
            yield from _inside(part)
