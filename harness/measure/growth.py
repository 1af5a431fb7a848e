"""Waits that get longer each time a trial fails: what was seen of them, as a file says it.

Shared by the simulation and real time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from harness.measure.findings import Span
from harness.policy.waits import Growing, Multiplied, Wait
from harness.units import format_duration

MOST_WAITS = 8
"""So many waits after the first are looked at; most have a cap by then."""
_TIMES = 3
"""So often in turn a wait must have grown alike where no longest one was seen."""
_SLACK = 0.002
"""The share of a wait that a clock's rounding and a gateway's own code may add."""


def is_longest(before: Span, after: Span) -> bool:
    """Whether a wait is as long as the one before it: it grows no more."""
    return after.low_s <= before.high_s


def grown(first: Span, later: Sequence[Span]) -> dict[str, Any] | None:
    """A contract's `wait:`; None where nothing that it can say explains every wait.

    The longest one is known where the last two are alike; else it must have grown alike so often
    that nothing else is likely.
    """
    whole = [first, *later]
    capped = len(later) > 1 and is_longest(later[-2], later[-1])
    if not capped and len(later) < _TIMES:
        return None
    most = (
        _roundest(max(w.low_s for w in later[-2:]), min(w.high_s for w in later[-2:]))
        if capped
        else math.inf
    )
    for first_s in _rounded(first):
        for factor in _factors(first_s, whole, most):
            if _explains(Growing(first_s, factor, most), whole):
                plain = int(factor) if factor == int(factor) else factor
                said = {"first": format_duration(first_s), "factor": plain}
                return said | _most(most)
        step: Wait = Multiplied(first_s, most)
        if _explains(step, whole):
            return {"first": format_duration(first_s), "step": "first"} | _most(most)
    return None


def _most(seconds: float) -> dict[str, str]:
    return {} if math.isinf(seconds) else {"most": format_duration(seconds)}


def _explains(wait: Wait, whole: Sequence[Span]) -> bool:
    waits_s = [wait.wait_s(times) for times in range(1, len(whole) + 1)]
    return all(
        span.low_s - _SLACK * each_s <= each_s <= span.high_s + _SLACK * each_s
        for span, each_s in zip(whole, waits_s, strict=True)
    )


def _rounded(span: Span) -> Iterator[float]:
    """Durations within its bounds, the roundest first."""
    for digits in range(-1, 4):
        value = round(span.middle_s, digits)
        if value > 0 and span.low_s <= value <= span.high_s:
            yield value


def _roundest(low_s: float, high_s: float) -> float:
    span = Span(low_s=low_s, high_s=high_s)
    return next(_rounded(span), round(span.middle_s, 3))


def _factors(first_s: float, whole: Sequence[Span], most_s: float) -> Iterator[float]:
    """Factors that explain the last wait before the longest, the roundest first."""
    free = [n for n, span in enumerate(whole) if n and span.high_s < most_s * (1 - _SLACK)]
    last = free[-1] if free else 1
    low = (whole[last].low_s / first_s) ** (1 / last)
    high = (whole[last].high_s / first_s) ** (1 / last)
    for digits in range(4):
        value = round((low + high) / 2, digits)
        if value > 1:
            yield value
