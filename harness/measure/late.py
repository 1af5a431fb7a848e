"""Whether a failure of a call from before it opened begins an open breaker's wait anew."""

from __future__ import annotations

from harness.measure.bench import ONE_S, Bench
from harness.measure.experiment import KINDS, Spell
from harness.measure.findings import Span
from harness.measure.reading import Reading
from harness.measure.signs import Opened

_AT_ONCE = ("503", "500")
"""Kinds that fail as soon as they are met, and whose answer can be put off."""
_OF_TIMEOUT = 0.9
_APART_S = 0.005
_ROOM_S = 0.02


async def find_late(bench: Bench, opened: Opened, wait: Span) -> None:
    """One call fails late; meanwhile as many as it takes fail at once. When the first wait is over,
    and the second would not be, somebody is let through or not.
    """
    found, kind = bench.findings, opened.kind
    if kind not in _AT_ONCE or not opened.last_tries or found.timeout is None or bench.queues:
        return
    late_s = _OF_TIMEOUT * found.timeout.low_s
    each_s = bench.lasts_s[kind] + _APART_S
    sends = [ONE_S + 2 * _APART_S + number * each_s for number in range(opened.calls + 1)]
    spells = [
        Spell(fault=KINDS[kind], from_s=ONE_S - _APART_S, to_s=1e4),
        Spell(
            fault={"fault": "delay", "delay": f"{late_s:.6f}s"},
            from_s=ONE_S - _APART_S,
            to_s=ONE_S + _APART_S,
        ),
    ]

    async def seen(*looks: float) -> Reading:
        return await bench.play_overlapping([ONE_S, *sends, *looks], spells, 60.0)

    first = await seen()
    over_s, trip_s = first.sent[0].end_s, first.sent[opened.calls].end_s
    opens = not _tried(first, sends[-1], each_s)
    low_s, high_s = trip_s + wait.high_s + _ROOM_S, over_s + wait.low_s - _ROOM_S
    if not opens or low_s >= high_s or sends[-1] >= over_s:
        return  # its results come too near to each other
    middle_s, end_s = (low_s + high_s) / 2, over_s + wait.high_s + _ROOM_S
    if _tried(await seen(middle_s), middle_s, each_s):
        return
    if _tried(await seen(end_s), end_s, each_s):
        found.breaker.late = True
        found.saw("a call from before it opened that fails later begins its wait anew")


def _tried(reading: Reading, from_s: float, within_s: float) -> bool:
    """Whether a request's call was let through."""
    return any(from_s <= one.start_s < from_s + within_s for one in reading.tries)
