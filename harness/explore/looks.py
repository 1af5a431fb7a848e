"""When an explored target's status page is asked: seldom, and where a lie would show.

Each question is work for the target, and makes a play dearer.
"""

from __future__ import annotations

from itertools import pairwise

from harness.explore.outage import Outage

_MOST = 5
_SOON_S = 0.7
"""After a fault has begun or been lifted; a page may be late by half a second."""


def looks_of(outage: Outage) -> tuple[float, ...]:
    """In the middle of each fault, which a slow probe may meet, soon after each end, and in the
    widest gaps between; so many at most, and in order.
    """
    faults = [(fault["from"], min(fault["to"], outage.duration_s)) for fault in outage.faults]
    middles = [from_s + max(_SOON_S, (to_s - from_s) / 2) for from_s, to_s in faults]
    wanted = {*middles, *(to_s + _SOON_S for _, to_s in faults)}
    inside = sorted(round(at_s, 3) for at_s in wanted if at_s < outage.duration_s)
    found = _evenly(inside)
    while len(found) < _MOST:
        wide = max(pairwise((0.0, *found, outage.duration_s)), key=lambda gap: gap[1] - gap[0])
        found = sorted([*found, round(sum(wide) / 2, 3)])
    return tuple(found)


def _evenly(instants: list[float]) -> list[float]:
    """As many as there may be, from the first to the last."""
    if len(instants) <= _MOST:
        return instants
    step = (len(instants) - 1) / (_MOST - 1)
    return [instants[round(index * step)] for index in range(_MOST)]
