"""The promises that hold in every run, each by a neutral name: a contract says what they rest on.

Checks and causes know promises by these names only. A contract file maps them to claims of its own
(`promises:`), so that a finding shows the ids of the contract that the target is held to.
"""

from __future__ import annotations

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


def _either(text: str) -> str:
    if text in PROMISES or CLAIM.fullmatch(text):
        return text
    hint = did_you_mean(text, PROMISES) or "; docs/contracts.md names the promises"
    raise ValueError(f"expected the id of a claim, such as S1, or the name of a promise{hint}")


ClaimOrPromise = Annotated[
    str,
    AfterValidator(_either),
    WithJsonSchema(
        {
            "type": "string",
            "description": "the id of a claim, or a promise that the contract has no claim for",
            "examples": ["S1", NO_ERRORS],
            "anyOf": [{"pattern": rf"^\s*{CLAIM.pattern}\s*$"}, {"enum": list(PROMISES)}],
        }
    ),
]
