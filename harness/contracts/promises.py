"""The promises that hold in every run, each by a neutral name: a contract says what they rest on.

Checks and causes know promises by these names only. A contract file maps them to claims of its own
(`promises:`), so that a finding shows the ids of the contract that the target is held to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from harness.scenario.fields import CLAIM
from harness.scenario.spelling import did_you_mean

COUNTS = "counts what counts as a failure"
OPENS = "opens after enough failures"
SERVES_WHILE_CLOSED = "turns nobody away while closed"
SILENT_WHILE_OPEN = "makes no call while open"
REJECTS_AT_ONCE = "turns away at once while open"
PROBES = "tries again when its wait is over"
RECOVERS = "is back to normal soon after the last lift"
STRAGGLERS = "late results change nothing"
RECHECKS = "asks its breaker before each retry"
REPEATS = "attempts and backoffs as declared"
ACCEPTS_ANSWERS = "never repeats what was answered"
ENDS_ATTEMPTS = "each attempt ends at its deadline"
ONE_BREAKER = "one breaker for each upstream"
TELLS_STATES = "its status endpoint is truthful"
LOGS_TRULY = "its log is truthful"
NO_ERRORS = "no 5xx but 503"
ANSWERS = "every request gets an answer"
NO_HANG = "no request outlasts its deadlines"
STAYS_UP = "the target stays up"

OF_BREAKERS = (
    OPENS,
    SERVES_WHILE_CLOSED,
    SILENT_WHILE_OPEN,
    REJECTS_AT_ONCE,
    PROBES,
    RECOVERS,
    STRAGGLERS,
    RECHECKS,
)
"""Promises that only a breaker can keep."""
OF_POLICIES = (COUNTS, ACCEPTS_ANSWERS, *OF_BREAKERS, REPEATS, ENDS_ATTEMPTS)
"""Promises that hang on how the calls at an upstream are declared to be protected."""
PROMISES = (
    *OF_POLICIES,
    ONE_BREAKER,
    TELLS_STATES,
    LOGS_TRULY,
    NO_ERRORS,
    ANSWERS,
    NO_HANG,
    STAYS_UP,
)
"""All that a contract may name."""

PromiseName = Annotated[
    str,
    WithJsonSchema(
        {
            "type": "string",
            "description": "one of the promises that hold in every run",
            "examples": [OPENS],
            "enum": list(PROMISES),
        }
    ),
]


_AT = " at "
"""Between a claim and the upstream at which a target does without it."""
_UPSTREAM = re.compile(r"[\w.-]+")


def given_up(without: Iterable[str], upstream: str = "") -> frozenset[str]:
    """The claims that a target does without at an upstream, of all that it does without (`B2`, or
    `B2 at mail`); those of no upstream it does without everywhere.
    """
    end = f"{_AT}{upstream}" if upstream else ""
    return frozenset(one.removesuffix(end) if end else one for one in without)


def parted(without: str) -> tuple[str, str]:
    """A claim that a target does without, and at which upstream; empty for all of them."""
    claim, at, upstream = without.rpartition(_AT)
    return (without, "") if without in PROMISES or not at else (claim, upstream)


def _without(text: str) -> str:
    claim, upstream = parted(text)
    known = claim in PROMISES or CLAIM.fullmatch(claim)
    if known and (not upstream or _UPSTREAM.fullmatch(upstream)):
        return text
    hint = did_you_mean(claim, PROMISES) or "; docs/contracts.md names the promises"
    raise ValueError(
        f"expected the id of a claim, such as S1, the name of a promise, or either `at` an "
        f"upstream, such as S1 at mail{hint}"
    )


_AT_ONE = rf"({CLAIM.pattern}|{'|'.join(map(re.escape, PROMISES))}) at {_UPSTREAM.pattern}"
Without = Annotated[
    str,
    AfterValidator(_without),
    WithJsonSchema(
        {
            "type": "string",
            "description": "the id of a claim, or a promise that the contract has no claim for; "
            "`at` an upstream, where it is for that one only",
            "examples": ["S1", NO_ERRORS, "S1 at mail"],
            "anyOf": [
                {"pattern": rf"^\s*{CLAIM.pattern}\s*$"},
                {"enum": list(PROMISES)},
                {"pattern": rf"^\s*{_AT_ONE}\s*$"},
            ],
        }
    ),
]
