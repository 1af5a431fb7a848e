"""How much later than it ought something may have happened, by what the machine kept waiting."""

from __future__ import annotations

from harness.checks.noise import Noise
from harness.measure.findings import Span

SLACK_S = 0.01
"""What a gateway's own timers and a socket may add where the machine keeps up."""


def late_s(noise: Noise, from_s: float, to_s: float | None = None) -> float:
    """How late the machine may have made what happened at an instant, or somewhen between two.

    All waits that reach into it, and those before that reach into what these may have put off: what
    waits for a CPU four times, one after another, is late by all four.
    """
    until_s = from_s if to_s is None else to_s
    late = 0.0
    while (more := noise.late_s(from_s - late, until_s)) > late:
        late = more
    return late


def put_off_s(noise: Noise, from_s: float, to_s: float | None = None) -> float:
    """How long after an instant, or somewhen between two, what follows at once may have begun."""
    until_s = from_s if to_s is None else to_s
    late = 0.0
    while (more := noise.late_s(from_s, until_s + late)) > late:
        late = more
    return late


def is_vague(span: Span) -> bool:
    """Whether a figure says nothing: it may be twice as much as it may be."""
    return span.high_s > 2 * max(span.low_s, 0.0) + 2 * SLACK_S
