"""What an audit finds: a rule, a place, and a sentence."""

from __future__ import annotations

from harness.frozen import Frozen

RULES: dict[str, str] = {
    "direct-call": "An HTTP call that no resilient client makes: no breaker, no retries.",
    "no-timeout": "A direct HTTP call without a timeout: it can hang for ever.",
    "unguarded-call": "A call of a resilient client whose ServiceUnavailable nobody catches.",
}
"""Every rule, and what it means."""


class Finding(Frozen, kw_only=True, order=True):
    """One finding; `line` and `column` count from 1."""

    file: str
    line: int
    column: int
    rule: str
    message: str

    def __str__(self) -> str:
        """One line, in the form that editors jump to."""
        return f"{self.file}:{self.line}: {self.rule}: {self.message}"
