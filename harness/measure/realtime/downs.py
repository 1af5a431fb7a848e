"""What each route answers while an upstream refuses every connection, or what it is asked, in real
time.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.measure.downs import REFUSALS, Downs, note_answers, refusing
from harness.measure.realtime.ground import Ground
from harness.measure.routes import Called

_TIMES = 8
"""So often each route is asked, so that it is asked of an open breaker, too."""
_MOST_S = 40.0


async def find_downs(ground: Ground, upstream: str, routes: Sequence[Called], into: Downs) -> None:
    """Ask each route that calls it: once for each of its refusals, then first and later calls."""
    for status in REFUSALS:
        await ground.hold(refusing(status))
        for route in routes:
            one = await ground.call(60.0, stream=route.stream)
            if one.tries:  # else its breaker is open
                into.note_refusal(route.request, upstream, status, one.status)
    await ground.hold_kind("refused")
    began_s = ground.now_s
    for route in routes:
        statuses: set[int | None] = set()
        for _ in range(_TIMES):
            if ground.now_s - began_s > _MOST_S and statuses:
                break
            statuses.add((await ground.call(60.0, stream=route.stream)).status)
        note_answers(into, route.request, upstream, statuses)
