"""How many attempts a call makes whose breaker opens before it has made them all.

Successes of other requests between its attempts keep the breaker closed. When the next attempt will
come is not known, so the call is played again, each time with one attempt more that fails.
"""

from __future__ import annotations

from itertools import pairwise

from harness.measure.bench import ONE_S, Bench, before_one
from harness.measure.experiment import KINDS, Spell
from harness.measure.reading import Seen, Try

_ENOUGH_S = 0.06
"""Between two attempts there must be room for the successes."""
_SUCCESSES = 12
_EVERY_S = 0.002
_MOST = 12


async def find_hidden_attempts(bench: Bench, kind: str, seen: Seen) -> int | None:
    """How many attempts a call makes in all, of which some were seen; None where it can't be told.

    `seen` is a call that met the kind, at `ONE_S`, until its breaker opened.
    """
    tries = list(seen.tries)
    while len(tries) < _MOST:
        for one, following in pairwise(tries):
            if following.start_s - one.end_s < _ENOUGH_S:
                return None
        more = await _one_more(bench, kind, tries)
        if more is None:
            return len(tries)
        tries.append(more)
    return None


async def _one_more(bench: Bench, kind: str, tries: list[Try]) -> Try | None:
    """The attempt after those known, if there is one."""
    successes = [
        *before_one(),
        *(one.end_s + _EVERY_S * (index + 2) for one in tries for index in range(_SUCCESSES)),
    ]
    spells = [
        Spell(fault=KINDS[kind], from_s=one.start_s - 0.002, to_s=one.end_s + _EVERY_S)
        for one in tries
    ]
    reading = await bench.play_overlapping([ONE_S, *successes], spells, 600.0)
    lead_s = bench.route.lead_s(bench.upstream)
    known = [*(one.start_s for one in tries), *(at_s + lead_s for at_s in successes)]
    others = [
        one
        for one in reading.tries
        if one.start_s > tries[-1].end_s and not any(_near(one.start_s, at_s) for at_s in known)
    ]
    return others[0] if others else None


def _near(one_s: float, other_s: float) -> bool:
    return -0.0005 <= one_s - other_s <= 0.5 * _EVERY_S
