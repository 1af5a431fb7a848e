"""A whole run in a line: how many passed, failed, were inconclusive or out of scope."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from harness.units import plural
from harness.verdict import Judgement, Verdict, worst

_ORDER = (Verdict.PASSED, Verdict.FAILED, Verdict.INCONCLUSIVE, Verdict.OUT_OF_SCOPE)


def words(verdict: Verdict) -> str:
    """A verdict as people say it: `out of scope`."""
    return verdict.value.replace("_", " ")


def overall(judgements: Sequence[Judgement]) -> Verdict:
    """The verdict of the whole run: the worst of its scenarios'."""
    return worst(judgement.verdict for judgement in judgements)


def totals_line(judgements: Sequence[Judgement], wall_s: float | None = None) -> str:
    """`18 passed, 1 failed, 2 out of scope in 3m 12s`; `nothing was played` without any."""
    counts = Counter(judgement.verdict for judgement in judgements)
    parts = [f"{counts[verdict]} {words(verdict)}" for verdict in _ORDER if counts[verdict]]
    if known := sum(len(judgement.known) for judgement in judgements):
        parts.append(plural(known, "known failure"))
    line = ", ".join(parts) or "nothing was played"
    return line if wall_s is None or not math.isfinite(wall_s) else f"{line} in {span(wall_s)}"


def busy_line(judgements: Sequence[Judgement], *, jobs: int | None = None) -> str | None:
    """What kept scenarios from a verdict, where it was a busy machine; None where it was not.

    `jobs` is how many were played side by side, if that was limited.
    """
    busy = [each for each in judgements if each.busy is not None]
    if not busy:
        return None
    worst_one = max(busy, key=lambda each: each.busy_s)
    many = "1 scenario is" if len(busy) == 1 else f"{len(busy)} scenarios are"
    plays = max(each.plays for each in busy)
    tries = f", played {plays} times," if plays > 1 else ""
    fewer = (jobs or len(judgements)) // 2 if plays == 1 else 0  # else fewer was tried already
    advice = f"run with --jobs {min(fewer, 4)} or" if fewer else "run it"
    return (
        f"{many} inconclusive{tries} because this machine was too busy: {worst_one.busy} in "
        f"{worst_one.name}; {advice} on a quieter machine"
    )


def span(duration_s: float) -> str:
    """A duration as people say it: `0.4s`, `48s`, `3m 12s`, `1h 2m`; `?` for none."""
    if not math.isfinite(duration_s):
        return "?"
    if duration_s < 9.95:
        return f"{duration_s:.1f}s"
    whole = round(duration_s)
    if whole < 60:
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}m {rest}s" if minutes < 60 else f"{minutes // 60}h {minutes % 60}m"
