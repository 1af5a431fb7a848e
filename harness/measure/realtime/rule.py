"""Whether a breaker counts failures in a row, by attempt or by call."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Literal

from harness.measure.expected import first_of, first_short, seen_in_a_row
from harness.measure.findings import Findings
from harness.measure.realtime.ground import Asked, Ground
from harness.measure.realtime.looks import Look
from harness.policy.thresholds import InTotal

_SUCCESSES = 12
PAUSE_S = 15.0
"""So long nothing is asked, to see that failures in a row are not forgotten by then."""
_MIXED = 24
_ROOM_S = 0.15
"""The least backoff within which first attempts can be told from second ones."""
_MORE = 3


def note_none(found: Findings, looks: Mapping[str, Look]) -> None:
    """Nothing opened it."""
    found.breaker.rule = "none"
    found.cannot_tell("by", "there is no breaker that could count")
    calls = min((len(looks[k].calls) for k in ("503", "500", "cut") if k in looks), default=0)
    found.saw(f"still closed after {calls} failed calls in a row of each kind")


async def find_by(ground: Ground, found: Findings, opening: Look, *, queues: bool) -> None:
    """Whether attempts or calls are counted, and the number that opens it."""
    tries = opening.tries
    if not opening.exact:
        found.cannot_tell("by", "the attempts of the calls that open it can't be told apart")
        found.cannot_tell(
            "breaker.threshold", "only calls at once, or such as nobody sees, opened it"
        )
        return
    if tries == 1:
        found.cannot_tell(
            "by", f"a call that meets {opening.kind} makes one attempt: there is no difference"
        )
        found.breaker.threshold = len(opening.calls)
        return
    if opening.cut_short:
        found.by = "attempt"
        found.breaker.threshold = sum(len(one.tries) for one in opening.calls)
        found.saw(f"open after {found.breaker.threshold} attempts, in the midst of a call")
        return
    if queues:
        found.cannot_tell("by", "its calls wait for each other, so their attempts can't be mixed")
    elif not found.backoffs or found.backoffs[0].low_s < _ROOM_S:
        found.cannot_tell("by", "its attempts follow each other too fast to be mixed with others'")
    else:
        await _overlapping(ground, found, opening)
    if found.breaker.threshold is None:
        found.cannot_tell("breaker.threshold", "whether attempts or calls are counted is unknown")


async def _overlapping(ground: Ground, found: Findings, opening: Look) -> None:
    """Calls that have failed once, and wait before they try again: does that open it?"""
    assert found.backoffs
    await ground.hold_kind(opening.kind)
    most = len(opening.calls) * opening.tries + _MORE
    mark, began_s = ground.mark(), ground.now_s
    first_failed = 0
    asked: list[Asked] = []
    opened = False
    while len(asked) < most:
        asked.append(ground.ask(60.0))
        while True:
            await asyncio.sleep(0.005)
            tries = await ground.tries(mark)
            ended = sum(one.end_s <= ground.now_s for one in tries)
            if ended > first_failed or asked[-1].answer.done():
                break
        if ground.now_s - began_s > 0.8 * found.backoffs[0].low_s:
            break
        opened = ended == first_failed
        if opened:
            break
        first_failed = ended
    if opened:
        found.by, found.breaker.threshold = "attempt", first_failed
        found.saw(f"open after {first_failed} failed attempts of calls that overlapped")
    elif first_failed > len(opening.calls) and not opening.cut_short:
        found.by, found.breaker.threshold = "call", len(opening.calls)
        found.saw(f"{first_failed} first attempts of calls that overlapped did not open it")
    else:
        found.cannot_tell("by", "the machine was too slow to mix the attempts of many calls")
    await asyncio.wait([one.answer for one in asked])


async def what_resets(
    ground: Ground, found: Findings, opening: Look
) -> Literal["in a row", "in all"] | None:
    """Which rule explains what successes and a pause make of it, if one does: failures in a row, or
    as many in all, whatever succeeds between them (or, here, a share).

    Failures one short of opening it, with a success after each lot; many successes; failures one
    short; a pause; then failures. It must open exactly where the rule says.
    """
    calls, kind = len(opening.calls), opening.kind
    each_s = max(one.latency_s for one in opening.calls)
    lots = (
        min(max(2, _MIXED // calls), int(20 / max(each_s * (calls - 1), 0.01))) if calls > 1 else 0
    )
    met: list[str | None] = [*([kind] * (calls - 1) + [None]) * lots, *[None] * _SUCCESSES]
    met += [kind] * (calls - 1)
    pause_at = len(met) if calls > 1 else -1
    met += [kind] * 3
    made: list[tuple[int, int]] = []
    held: str | None = None
    for index, each in enumerate(met):
        if index == pause_at:
            await asyncio.sleep(PAUSE_S)
        if each != held:
            await (ground.lift() if each is None else ground.hold_kind(each))
            held = each
        tries = len((await ground.call(60.0)).tries)
        made.append((min(1, tries), 1) if each is None else (tries, opening.tries))
        if first_of(made) is not None:
            break
    got = first_of(made)
    threshold = found.breaker.threshold
    by_call = threshold is None or found.by == "call"
    usual, number = {kind: opening.tries}, threshold or calls
    if got in first_short(met, usual, threshold=number, by_call=by_call, rule=InTotal) and lots:
        return "in all"
    if got is None or got not in first_short(met, usual, threshold=number, by_call=by_call):
        return None
    found.saw(seen_in_a_row(lots, _SUCCESSES, PAUSE_S))
    return "in a row"
