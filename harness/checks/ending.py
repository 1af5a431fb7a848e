"""That the target lives: whatever befalls its upstreams, it runs until its run is ended (G9)."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence

from harness.checks.case import Case
from harness.checks.wording import seconds
from harness.contracts.promises import STAYS_UP
from harness.history.events import Ended
from harness.verdict import Finding, Verdict

_MOST_SHOWN = 300
"""Characters."""


def stays_up(case: Case) -> Iterator[Finding]:
    """The target runs to the end."""
    for ended in case.history.all(Ended)[:1]:
        words = " | ".join(_last(ended.said)) or "none"
        yield Finding(
            name="the target stays up",
            claims=case.contract.claims_of(STAYS_UP),
            verdict=Verdict.FAILED,
            expected="it runs to the end",
            observed=f"it ended by itself at {seconds(ended.at_s)} with {_how(ended.status)}",
            evidence=f"its process; its last words: {words}",
            timeless=True,
        )


def _last(lines: Sequence[str]) -> list[str]:
    """The last of them, no more than a report shows whole."""
    kept: list[str] = []
    for line in reversed(lines):
        if kept and sum(map(len, kept)) + len(line) > _MOST_SHOWN:
            break
        kept.insert(0, line[:_MOST_SHOWN])
    return kept


def _how(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    names = {number.value: number.name for number in signal.Signals}
    return names.get(-status, f"signal {-status}")
