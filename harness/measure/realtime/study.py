"""One upstream in real time: all of its experiments, on worlds side by side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeVar

from harness.engines.tasks import together
from harness.measure.closing import (
    Tried,
    first_wanted,
    judged_together,
    note_closing,
    then_wanted,
)
from harness.measure.downs import Downs
from harness.measure.experiment import KINDS
from harness.measure.findings import Findings, Span
from harness.measure.realtime.budget import Budget
from harness.measure.realtime.closing import try_in_turn
from harness.measure.realtime.counting import by_doses, what_it_is
from harness.measure.realtime.crowds import find_begun, find_queue, find_slow
from harness.measure.realtime.doses import Contrast
from harness.measure.realtime.downs import find_downs
from harness.measure.realtime.elsewhere import Elsewhere
from harness.measure.realtime.figures import (
    note_attempts,
    note_backoffs,
    note_gaps,
    note_others,
    note_timeout,
)
from harness.measure.realtime.ground import Ground, Grounds
from harness.measure.realtime.kept import find_forgotten, find_kept
from harness.measure.realtime.looks import Look, look_at, open_again
from harness.measure.realtime.rate import find_rate
from harness.measure.realtime.recovery import (
    OF_TRIALS,
    Failing,
    note_rarely,
    note_still_open,
    note_trials,
    note_waits,
    opened_by,
    trials_late_s,
    watch,
    watch_failing,
    watch_rarely,
)
from harness.measure.realtime.rule import PAUSE_S, find_by, note_none, what_resets
from harness.measure.routes import Called

_ORDER = ("503", "500", "cut", "timeout", "refused", "429", "400", "404")
"""Kinds of failure, those first that most breakers count and that are seen best."""
_PATIENCE_S = 40.0
_AGAIN = 2
"""So often more it is watched half open where the machine was too late."""
_Shown = TypeVar("_Shown")


class Study:
    """What is known of one upstream so far, and the experiments that find out more."""

    def __init__(
        self, grounds: Grounds, found: Findings, routes: Sequence[Called], downs: Downs,
        budget: Budget,
    ) -> None:  # fmt: skip
        self._grounds = grounds
        self._found = found
        self._routes = routes
        self._downs = downs
        self._budget = budget
        loop = asyncio.get_running_loop()
        self._looks: dict[str, asyncio.Future[Look | None]] = {
            kind: loop.create_future() for kind in KINDS
        }
        """None where there was no time for it."""
        self._opening: asyncio.Future[Look | None] = loop.create_future()
        self._known: asyncio.Future[None] = loop.create_future()
        """Done when the rule is as known as it gets."""
        self._figured: asyncio.Future[None] = loop.create_future()
        self._trials: asyncio.Future[int] = loop.create_future()
        """How many may be under way at once, where that is known; 0 where not."""
        self._queues = False
        self._wait: Span | None = None
        self._waits_failing: Failing | None = None
        self._contrast: Contrast | None = None
        self._elsewhere = Elsewhere(found, routes, self._ground)

    async def run(self) -> None:
        """All experiments, each as long as there is time.

        Raises: WorldError, TargetError; UsageError where the target can't be measured.
        """
        kinds = [self._kind(kind) for kind in KINDS]
        await together(
            *kinds, self._decide(), self._rule(), self._recovery(), self._closing(),
            self._failing(), self._rarely(), self._others(), self._down(), self._crowds(),
            self._another(),
        )  # fmt: skip
        found, looks = self._found, await self._seen()
        self._elsewhere.note({k: len(look.first.tries) for k, look in looks.items()})
        note_waits(found, self._wait, self._waits_failing)
        if found.breaker.wait is None and found.breaker.rule != "none":
            found.cannot_tell("breaker.wait_s", "there was no time left for it")
        found.settle()

    # Worlds, and time

    @asynccontextmanager
    async def _ground(self, route: Called | None = None) -> AsyncIterator[Ground]:
        """A world in which it is called well, by the first route unless another is given."""
        stream = (route or self._routes[0]).stream
        async with self._grounds.ground(stream, self._found.upstream) as ground:
            await ground.call(30.0)
            yield ground

    async def _fresh(self, use: Callable[[Ground], Awaitable[_Shown]]) -> _Shown:
        """Something on a world in which nothing has been called yet."""
        async with self._grounds.ground(self._routes[0].stream, self._found.upstream) as ground:
            return await use(ground)

    def _in_time(self, *keys: str) -> AbstractAsyncContextManager[None]:
        """What isn't over by the deadline is unknown."""

        def late() -> None:
            for key in keys:
                self._found.cannot_tell(key, self._budget.is_over)

        return self._budget.in_time(late)

    # What calls do

    async def _kind(self, kind: str) -> None:
        """Calls that meet a kind until it opens; later what that kind is to the breaker."""
        self._found.counts[kind] = None
        try:
            async with self._in_time(f"counts.{kind}"), self._ground() as ground:
                if kind == "503":
                    self._queues = await find_queue(ground)
                look = await look_at(ground, kind, patience_s=_PATIENCE_S)
                noise = await ground.noise()
                if kind == "timeout":
                    note_timeout(self._found, noise, look, _PATIENCE_S)
                note_gaps(noise, look)
                self._looks[kind].set_result(look)
                await asyncio.shield(self._known)
                opening = self._opening.result()
                self._found.counts[kind] = await what_it_is(ground, self._found, look, opening)
        finally:
            if not self._looks[kind].done():
                self._looks[kind].set_result(None)
        await asyncio.shield(self._known)
        opening = self._opening.result()
        if self._found.counts[kind] is None and self._contrast is not None and opening is not None:
            async with self._in_time(f"counts.{kind}"):
                await by_doses(self._fresh, self._found, kind, opening.kind, self._contrast)

    async def _decide(self) -> None:
        """Which kind opens it; when all have been seen, what that tells of calls."""
        found = self._found
        opening: Look | None = None
        for kind in _ORDER:
            look = await asyncio.shield(self._looks[kind])
            if look is not None and look.opened:
                found.saw(opened_by(look))
                opening = look
                break
        self._opening.set_result(opening)
        looks = await self._seen()
        if opening is None:
            note_none(found, looks)
        at_first = opening is not None and opening.exact and len(opening.calls) == 1
        note_attempts(found, looks, at_first=at_first)
        if at_first:
            found.cannot_tell("backoff_s", "not all attempts of a call were seen")
        else:
            note_backoffs(found, looks)
        self._figured.set_result(None)

    async def _seen(self) -> dict[str, Look]:
        """The looks for which there was time, when all are over."""
        looks = {kind: await asyncio.shield(self._looks[kind]) for kind in KINDS}
        return {kind: look for kind, look in looks.items() if look is not None}

    async def _others(self) -> None:
        keys = ("connect_timeout_s", "timeout_covers", "retry_after")
        async with self._in_time(*keys), self._ground() as ground:
            await asyncio.shield(self._figured)
            await note_others(self._found, ground, await self._seen())

    async def _another(self) -> None:
        """What another route shows."""
        async with self._in_time():
            await self._elsewhere.kinds()
            await asyncio.shield(self._opening)
            await asyncio.shield(self._trials)
            await self._elsewhere.scope(self._opened, lambda: self._wait)

    async def _down(self) -> None:
        async with self._in_time(), self._ground() as ground:
            await find_downs(ground, self._found.upstream, self._routes, self._downs)

    # The breaker

    async def _rule(self) -> None:
        """In a row, by attempt or call; or a share."""
        found = self._found
        opening: Look | None = None
        try:
            async with self._in_time("breaker.rule"):
                opening = await asyncio.shield(self._opening)
                await asyncio.shield(self._figured)
                if opening is None:
                    return
                async with self._ground() as ground:
                    await find_by(ground, found, opening, queues=self._queues)
                if not opening.exact:
                    found.cannot_tell("breaker.rule", "only calls that nobody sees opened it")
                    return
                async with self._ground() as ground:
                    rule = await what_resets(ground, found, opening)
                if rule == "in a row":
                    found.breaker.rule = rule
                    self._known.set_result(None)
                    await find_forgotten(self._fresh, found, opening, self._budget, after_s=PAUSE_S)
                    return
                if await find_kept(self._fresh, found, opening, self._budget):
                    return
                found.breaker.threshold = None
                found.unknown.pop("breaker.threshold", None)
                self._contrast = await find_rate(
                    self._fresh, found, opening, self._budget, in_all=rule == "in all"
                )
        finally:
            if not self._known.done():
                self._known.set_result(None)

    async def _crowds(self) -> None:
        """What calls do that are under way at once."""
        found = self._found
        async with self._in_time("slow_s"):
            opening = await asyncio.shield(self._opening)
            await asyncio.shield(self._figured)
            if opening is None or self._queues:
                return
            await find_slow(self._fresh, found)
        found.breaker.begun_count = None  # until it is told
        async with self._in_time():
            await asyncio.shield(self._known)
            await find_begun(self._fresh, found, await asyncio.shield(self._opening))

    async def _opened(self, ground: Ground) -> Look | None:
        """The same opening on another world; None where there is none, or not there."""
        opening = await asyncio.shield(self._opening)
        return None if opening is None else await open_again(ground, opening, _PATIENCE_S)

    async def _recovery(self) -> None:
        """How long it stays open, and whom it lets through then."""
        try:
            await self._half_open()
        finally:
            self._trials.set_result(self._found.breaker.trials or 0)

    async def _half_open(self) -> None:
        known = True
        async with self._in_time("breaker.wait_s", *OF_TRIALS), self._ground() as ground:
            known = await self._watched(ground)
        for _ in range(_AGAIN):
            if known:
                break
            async with self._in_time(), self._ground() as ground:
                known = await self._watched(ground)

    async def _watched(self, ground: Ground) -> bool:
        """What one opening shows of it; False where the machine was too late to tell trials."""
        look = await self._opened(ground)
        if look is None:
            if self._opening.result() is not None and self._wait is None:
                self._found.cannot_tell("breaker.wait_s", "it did not open a second time")
            return True
        watched = await watch(
            ground, look.trip, slow_s=trials_late_s(self._found), budget=self._budget
        )
        if self._wait is None and watched.wait is None:
            note_still_open(self._found, watched)
        elif self._wait is None and watched.wait is not None:
            self._note_wait(watched.wait)
        return watched.wait is None or note_trials(self._found, watched, queues=self._queues)

    async def _closing(self) -> None:
        """What closes it, where several trials may be under way at once."""
        trials = await asyncio.shield(self._trials)
        if trials < 2 or "breaker.successes" in self._found.unknown:
            return
        async with self._in_time("breaker.successes"):
            seen = await self._tried(first_wanted(trials))
            if judged_together(trials, seen):
                seen += await self._tried(then_wanted(trials))
            note_closing(self._found, seen)

    async def _tried(self, wanted: Iterator[tuple[int, int]]) -> list[Tried]:
        """Trials in turn, so many failing and good ones, each time in a world of their own."""
        seen: list[Tried] = []

        slow_s = trials_late_s(self._found)

        async def tried(failed: int, good: int) -> None:
            async with self._ground() as ground:
                look = await self._opened(ground)
                if look is None or self._wait is None:
                    return
                one = await try_in_turn(
                    ground, look, self._wait, failed=failed, good=good, slow_s=slow_s,
                    by_call=self._found.by == "call",
                )  # fmt: skip
                if one is not None:
                    seen.append(one)

        await together(*(tried(failed, good) for failed, good in wanted))
        return seen

    def _note_wait(self, wait: Span) -> None:
        self._wait = wait
        self._budget.note_wait(self._found.upstream, wait.high_s)
        self._found.saw(
            f"open for {wait.low_s:.3f} to {wait.high_s:.3f} s: a request was turned away, another "
            "let through"
        )

    async def _failing(self) -> None:
        """Whether the wait is the same again after a trial that failed."""
        async with self._in_time("breaker.waits_s"), self._ground() as ground:
            look = await self._opened(ground)
            if look is None:
                return
            if look.kind in ("refused", "timeout"):
                self._found.cannot_tell("breaker.waits_s", "its trials are too slow, or not seen")
                return
            self._waits_failing = await watch_failing(ground, look.trip, self._budget)

    async def _rarely(self) -> None:
        """For breakers that no request finds half open that is asked too often."""
        async with self._in_time(), self._ground() as ground:
            look = await self._opened(ground)
            if look is None:
                return
            note_rarely(self._found, await watch_rarely(ground, look.trip, self._budget))
