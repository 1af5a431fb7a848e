"""Calls by another route of the same upstream, in real time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager

from harness.engines.tasks import together
from harness.measure.another import Another, note_others, others_of
from harness.measure.findings import Findings, Span
from harness.measure.realtime.figures import timed
from harness.measure.realtime.ground import Ground
from harness.measure.realtime.late import is_vague
from harness.measure.realtime.looks import Look, look_at
from harness.measure.routes import Called

_KINDS = ("503", "timeout")
_PATIENCE_S = 40.0
Standing = Callable[[Called], AbstractAsyncContextManager[Ground]]
"""A world of its own in which a route has been called well."""


class Elsewhere:
    """What one other route shows of an upstream; few worlds, since each costs a start."""

    def __init__(self, found: Findings, routes: Sequence[Called], standing: Standing) -> None:
        self._found = found
        self._first = routes[0]
        self._routes = others_of(routes, found.upstream, 1)
        self._standing = standing
        self._others = [Another(route=route) for route in self._routes]

    async def kinds(self) -> None:
        """How its calls go that meet a failure."""
        await together(*(self._meet(one, kind) for one in self._others for kind in _KINDS))

    async def _meet(self, one: Another, kind: str) -> None:
        async with self._standing(one.route) as ground:
            await ground.hold_kind(kind)
            seen = await ground.call(_PATIENCE_S)
            if not seen.tries:
                return
            one.tries[kind] = len(seen.tries)
            if kind == "timeout" and seen.status is not None:
                noise = await ground.noise()
                spans = [timed(noise, seen, index) for index in range(len(seen.tries))]
                own = Span(
                    low_s=min(span.low_s for span in spans),
                    high_s=max(span.high_s for span in spans),
                )
                one.timeout = None if is_vague(own) else own

    async def scope(
        self, opened: Callable[[Ground], Awaitable[Look | None]], wait: Callable[[], Span | None]
    ) -> None:
        """Whether it is let through while the breaker is open by the first route's calls.

        `opened` opens it on a ground; `wait`: how long it stays open, as soon as that is known.
        """
        for one in self._others:
            async with self._standing(self._first) as ground:
                look = await opened(ground)
                if look is None:
                    return
                await ground.lift()
                seen = await ground.call(_PATIENCE_S, stream=one.route.stream)
            known = wait()
            if known is None or seen.end_s > look.trip.low_s + known.low_s:
                continue  # it may have been half open by then
            one.let_through = bool(seen.tries)
            if one.let_through:
                async with self._standing(one.route) as ground:
                    own = await look_at(
                        ground, look.kind, most=len(look.calls) + 1, patience_s=_PATIENCE_S
                    )
                    one.alike = own.opened and len(own.calls) == len(look.calls)

    def note(self, tries: dict[str, int]) -> None:
        """What all of this says; `tries` as `note_others` takes it."""
        note_others(self._found, self._first, tries, self._others)
