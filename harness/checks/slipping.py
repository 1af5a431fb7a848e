"""How many calls or charges may have slipped into a window or out of it for what was waited.

None without patience (`patience.py`). With it: what came as near to an edge as the waits there, and
what was made for requests of which waits decided what they met.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from harness.checks.case import Case
from harness.checks.selection import Span
from harness.frozen import Frozen
from harness.history.requests import Request


class Slipped(Frozen, kw_only=True):
    """By how many a number may be too high, and too low."""

    in_: int = 0
    out: int = 0


def slipped(
    case: Case,
    span: Span,
    upstream: str,
    instants_s: Sequence[float],
    own: Iterable[tuple[Request, Sequence[float]]],
    *,
    most: int,
) -> Slipped:
    """`instants_s`: of all that is counted at an upstream, in the span and around it. `own`: those
    that each request caused, which may have been `most` at the most.
    """
    if not case.patient:
        return Slipped()
    leeway = case.wire(upstream).leeway
    decided = [made for request, made in own if leeway.decides(request)]
    theirs = {at_s for made in decided for at_s in made}
    near = {at_s for at_s in instants_s if _near_an_edge(case, span, at_s)}
    return Slipped(
        in_=sum(at_s in span for at_s in instants_s if at_s in near or at_s in theirs),
        out=sum(at_s not in span for at_s in instants_s if at_s in near)
        + sum(max(0, most - len(made)) for made in decided),
    )


def _near_an_edge(case: Case, span: Span, at_s: float) -> bool:
    edges_s = (edge_s for window in span.windows for edge_s in (window.start_s, window.end_s))
    return any(
        abs(at_s - edge_s) <= case.late_s(min(at_s, edge_s), max(at_s, edge_s))
        for edge_s in edges_s
        if 0 < edge_s < math.inf
    )
