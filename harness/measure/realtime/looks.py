"""A look at one kind of failure: calls that meet it, in turn, until one is turned away."""

from __future__ import annotations

import math

from msgspec import Struct, field

from harness.measure.findings import Span
from harness.measure.reading import Seen
from harness.measure.realtime.ground import Ground

MOST = 45
"""So many calls in a row are made to fail."""
BLIND = ("refused",)
"""Kinds whose attempts nobody sees: that a breaker is open shows when nothing is wrong any more."""
_VOLLEY = 12
"""So many calls at once hear nothing: one after another they would take too long."""
_SILENT = 3
"""So many calls that hear nothing are timed, where they take no longer than this."""
_MORE = 6
"""So many failures more may open it where fewer successes came before: a share may need them."""
_SHORT_S = 4.0
_MOST_S = 25.0
"""Longer than this no look goes on."""


class Look(Struct, kw_only=True):
    """What calls that met a kind showed."""

    kind: str
    calls: list[Seen]
    """Those that made attempts, in order."""
    gaps: list[tuple[Span, ...]] = field(default_factory=list)
    """What the waits between the attempts of each call can have been."""
    opened: bool = False
    exact: bool = True
    """Whether it is known after which of them it opened."""
    trip: Span = field(default_factory=lambda: Span(low_s=0.0, high_s=0.0))
    """When it opened, on its ground's clock."""

    @property
    def first(self) -> Seen:
        """The first call."""
        return self.calls[0]

    @property
    def tries(self) -> int:
        """How many attempts a call makes, as far as one that was not cut short shows."""
        return max(len(one.tries) for one in self.calls)

    @property
    def cut_short(self) -> bool:
        """Whether the last call made fewer attempts than the first: it opened under way."""
        return self.opened and 0 < len(self.calls[-1].tries) < len(self.calls[0].tries)


async def look_at(ground: Ground, kind: str, *, most: int = MOST, patience_s: float) -> Look:
    """Let calls meet a kind until the breaker is open; it is left in force."""
    await ground.hold_kind(kind)
    look = Look(kind=kind, calls=[await ground.call(patience_s)])
    if kind in BLIND:
        await _blindly(ground, look, most, patience_s)
    elif kind == "timeout":
        await _at_once(ground, look, patience_s)
    else:
        await _in_turn(ground, look, most, patience_s)
    return look


async def open_again(ground: Ground, opening: Look, patience_s: float) -> Look | None:
    """The same on another ground, by as many calls; None where it didn't open."""
    most = len(opening.calls) + _MORE if opening.exact else MOST
    look = await look_at(ground, opening.kind, most=most, patience_s=patience_s)
    return look if look.opened else None


async def _in_turn(ground: Ground, look: Look, most: int, patience_s: float) -> None:
    """One call after another, until one makes no attempt, or too few."""
    began_s = ground.now_s
    while len(look.calls) < most and ground.now_s - began_s < _MOST_S:
        one = await ground.call(patience_s)
        if not one.tries:
            look.opened = bool(look.calls[-1].tries)
            break
        look.calls.append(one)
        if len(one.tries) < len(look.first.tries):
            look.opened = True
            break
        if math.isinf(one.end_s):
            return
    _note_trip(look)


async def _at_once(ground: Ground, look: Look, patience_s: float) -> None:
    """Many silent calls at once; then one that meets nothing shows whether it is open."""
    if math.isinf(look.first.end_s) or look.first.latency_s > _MOST_S:
        return
    while len(look.calls) < _SILENT and look.first.latency_s < _SHORT_S:
        one = await ground.call(patience_s)
        if len(one.tries) < len(look.first.tries):
            break  # it may be open already: then the others will not show it, nor harm
        look.calls.append(one)
    sent_s = ground.now_s
    for _ in range(_VOLLEY):
        ground.ask(patience_s)
    await ground.answered()
    await _tell(ground, look, sent_s, patience_s)


async def _blindly(ground: Ground, look: Look, most: int, patience_s: float) -> None:
    """Calls whose attempts nobody sees; then one that meets nothing."""
    began_s = sent_s = ground.now_s
    for _ in range(most):
        if ground.now_s - began_s > _MOST_S:
            break
        sent_s = (await ground.call(patience_s)).sent_s
    await _tell(ground, look, sent_s, patience_s)


async def _tell(ground: Ground, look: Look, sent_s: float, patience_s: float) -> None:
    """Whether it is open now that nothing is wrong, and opened since the first of the calls."""
    await ground.lift()
    after = await ground.call(patience_s)
    look.exact = False
    look.opened = not after.tries
    look.trip = Span(low_s=min(sent_s, look.first.sent_s), high_s=after.sent_s)


def _note_trip(look: Look) -> None:
    """It opened between the last attempt's result and the answer that told of it."""
    last = look.calls[-1]
    if look.opened and last.tries:
        low_s = min(last.tries[-1].end_s, last.end_s)
        look.trip = Span(low_s=low_s, high_s=last.end_s)
