"""The promise of the log: whoever reads it reads what happened to the breakers (B11).

Held only where every attempt was seen and the declared breaker explains all of them: then what it
was is known within bounds. A log that tells of a breaker in lines that name no upstream, comes in
blocks or is cut off says too little to be held to it.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.promises.facts import Facts
from harness.checks.promises.violation import Violation
from harness.contracts.promises import LOGS_TRULY
from harness.log_patterns import MOST_LINES
from harness.wire.diary import Diary, Lie

_READ_S = 0.1
"""How far what is read of a log may be from what the wire knows, on a machine with time."""


def log(facts: Facts) -> Iterator[Violation]:
    """What the log says of the breakers is what crossed the wire (B11)."""
    if "output" not in facts.history.run.evidence:
        return
    for upstream in filter(facts.sees_all, facts.history.run.upstreams):
        found = _lie(facts, upstream)
        if found is not None:
            yield Violation(
                promise="a truthful log",
                about=upstream,
                claims=facts.claims(LOGS_TRULY),
                at_s=found.line.at_s,
                says=f"its log {found.says}",
                evidence=f"the target's output: {found.line.line.strip()!r}",
            )


def _lie(facts: Facts, upstream: str) -> Lie | None:
    """The first line that is true in no reading of what happened."""
    wire = facts.wire(upstream)
    if wire.refutation is not None or wire.sharing is not None or wire.settings.scope.several:
        return None
    if wire.changes.more:
        return None
    stories = (wire.changes.main, *wire.changes.others)
    logs = facts.output
    diary = Diary(logs, upstream, wire.settings.breaker.wait)

    def slack_s(at_s: float) -> float:
        return facts.margin_s(at_s, _READ_S) + wire.sight.fine_s

    lies = [diary.lie(story, slack_s, whole=len(logs) < MOST_LINES) for story in stories]
    return lies[0] if all(lies) else None
