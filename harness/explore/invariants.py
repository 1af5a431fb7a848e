"""The invariants: what no outage may bring about. Each is a pure function of what a play left.

A sound target is never accused: where the wire leaves room, the target has its benefit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from harness.explore.access import let_in, login_cookie, others_sources
from harness.explore.answers import hung, never_5xx, unanswered, unflagged, wrong_answer
from harness.explore.evidence import Evidence
from harness.explore.money import charged_twice, charged_unknown, said_charged
from harness.explore.protection import breaker
from harness.explore.recovery import back_to_normal
from harness.explore.retries import retries
from harness.explore.violation import Violation

Check = Callable[[Evidence], Iterator[Violation]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariant:
    """One invariant: what it says, and the check that finds it broken."""

    says: str
    check: Check


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(says="no answer is a 5xx other than 503 (G9)", check=never_5xx),
    Invariant(says="every request gets an answer (G9)", check=unanswered),
    Invariant(says="no request takes longer than the sum of its deadlines (B8, G9)", check=hung),
    Invariant(says="nobody is let in whom auth didn't vouch for (G2, G3, G8)", check=let_in),
    Invariant(says="a login that fails sets no cookie (G1)", check=login_cookie),
    Invariant(says="nobody is shown another project's sources (G5)", check=others_sources),
    Invariant(says="a chat is charged at most once, and only if answered 200 (G7)",
              check=charged_twice),
    Invariant(says="nothing is charged whose balance lookup failed (G4, G7)",
              check=charged_unknown),
    Invariant(says="what an answer says of its charge is true (G7)", check=said_charged),
    Invariant(says="an answer is one that its route may give in this outage (G1-G6)",
              check=wrong_answer),
    Invariant(says="an answer that had to do without chroma says so (G5)", check=unflagged),
    Invariant(says="breakers open, reject, probe and close as they should (B1-B6)", check=breaker),
    Invariant(says="attempts are repeated as they should be (B1, B7)", check=retries),
    Invariant(says="all is back to normal soon after the last lift (B4)", check=back_to_normal),
)  # fmt: skip
"""All invariants, the gravest first."""


def violations(evidence: Evidence) -> tuple[Violation, ...]:
    """All that is broken in one play, by gravity; the first of each kind."""
    found: dict[tuple[str, str], Violation] = {}
    for invariant in INVARIANTS:
        for violation in invariant.check(evidence):
            if set(violation.claims) <= set(evidence.surface.without):
                continue
            known = found.get(violation.key)
            if known is None or violation.at_s < known.at_s:
                found[violation.key] = violation
    return tuple(found.values())
