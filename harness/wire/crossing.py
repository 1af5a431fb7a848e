"""What crossed the wires of one history: attempts, for whom they were made, who asked in vain."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cached_property
from itertools import pairwise

from msgspec.structs import replace

from harness.history.requests import Request
from harness.history.view import History
from harness.policy.settings import ServiceSettings
from harness.wire.attempts import FAILURE, Attempt
from harness.wire.demand import AT_ONCE_S, Asked, Demand
from harness.wire.demands import Demands
from harness.wire.eyes import attempts_of
from harness.wire.learned import WarmUp
from harness.wire.made import same
from harness.wire.queueing import Queue, need, queue
from harness.wire.sight import Noise, Sight
from harness.wire.stale import swallowed


class Crossings:
    """What crossed all wires of one history. Everything is worked out when first asked for."""

    def __init__(
        self,
        history: History,
        settings: Mapping[str, ServiceSettings],
        noise: Noise | None = None,
        template: Callable[[str, str], str] = lambda upstream, route: route,
        in_stub: Collection[int] = (),
    ) -> None:
        """`settings`: what the target declares, of all its upstreams. `template`: how its contract
        names the route of a call at an upstream; empty where it doesn't. `in_stub`: numbers of
        faults that stubs play, as far as that is known beforehand.
        """
        self.history = history
        self.settings = settings
        self.template = template
        self._noise = noise
        self._in_stub = in_stub

    @cached_property
    def sights(self) -> dict[str, Sight]:
        """What can be seen of each upstream."""
        return {
            name: Sight(self.history, name, self._noise, self._in_stub) for name in self.settings
        }

    @cached_property
    def warm_up(self) -> WarmUp:
        """What each stream's requests call."""
        return WarmUp(self.history)

    @cached_property
    def demands(self) -> Demands:
        """Who asked for what; attempts that a wait implies are among each request's own."""
        seen = {
            name: attempts_of(self.history, name, own, self.sights[name])
            for name, own in self.settings.items()
        }
        return Demands(self.history, seen, self.settings, self.sights, self.warm_up, self.template)

    def with_settings(self, upstream: str, own: ServiceSettings) -> Crossings:
        """The same history, read with other settings of one upstream."""
        changed = {**self.settings, upstream: own}
        return Crossings(self.history, changed, self._noise, self.template, self._in_stub)


class Crossing:
    """What crossed one upstream's wire. Everything is worked out when first asked for."""

    def __init__(self, crossings: Crossings, upstream: str) -> None:
        self.crossings = crossings
        self.upstream = upstream
        self.history = crossings.history
        self.settings = crossings.settings[upstream]
        self.sight = crossings.sights[upstream]
        self._demands = crossings.demands
        self.of = upstream
        """Whose breaker it is, in words."""

    @cached_property
    def attempts(self) -> tuple[Attempt, ...]:
        """All attempts that say something of the breaker, by start: seen, and implied by a wait."""
        return self._demands.attempts_at(self.upstream)

    @property
    def background(self) -> tuple[Attempt, ...]:
        """Attempts that no request caused: on a route of their own, with a rhythm, or declared."""
        return self._demands.background[self.upstream]

    @cached_property
    def demands(self) -> tuple[Demand, ...]:
        """The requests that need it and got as far as it, by the instant they left."""
        return self._demands.at(self.upstream)

    @cached_property
    def begun_s(self) -> list[float]:
        """When attempts were let through, in order."""
        return [attempt.start_s for attempt in self.attempts]

    def made_for(self, request: Request) -> tuple[Attempt, ...]:
        """The attempts that were made for a request."""
        return self._demands.made_by(request, self.upstream)

    @cached_property
    def calls(self) -> tuple[tuple[Attempt, ...], ...]:
        """The attempts of each call, in order, as far as that can be told: a new one begins after a
        success.
        """
        found: list[tuple[Attempt, ...]] = []
        for mine in self._demands.of.values():
            made, first = mine.at(self.upstream), 0
            for place, (one, other) in enumerate(pairwise(made), start=1):
                if one.ok or not same(one, other):
                    found.append(made[first:place])
                    first = place
            if made:
                found.append(made[first:])
        return tuple(found)

    def request_of(self, attempt: Attempt) -> int | None:
        """Id of the request that an attempt was made for, where that can be told."""
        return self._owners.get(attempt.id)

    @cached_property
    def _owners(self) -> dict[int, int]:
        return {a.id: d.request.id for d in self.demands for a in d.attempts}

    def told_apart(self, request: int, attempt: Attempt) -> bool:
        """Whether a second attempt of a request is surely a retry of its call.

        It may be another call where, when all was well, the request made several that it may be of.
        """
        usual = self.crossings.warm_up.most_calls.get(self._demands.streams.get(request, ""), ())
        return sum(bool(c.route) and c.may_be(self.upstream, attempt) for c in usual) == 1

    def route_of(self, request: int) -> str:
        """What a request calls first here, as the warm-up showed it; empty if that is unknown."""
        calls = self._demands.calls.get(self._demands.streams.get(request, ""), ())
        return next((call.route for call in calls if call.upstream == self.upstream), "")

    def met(self, attempt: Attempt) -> tuple[str, ...]:
        """The kinds of fault that an attempt may have met."""
        return self.sight.met_by(attempt)

    @cached_property
    def asked(self) -> tuple[Asked, ...]:
        """The requests that made no attempt that anybody saw; one of which it may have been that
        was lost was not surely turned away.
        """
        return tuple(
            Asked(
                asked_s=d.asked_s,
                by_s=d.asked_by_s,
                request=d.request.id,
                sure=d.outcome == "turned away" and not self._may_be_lost(d),
            )
            for d in (*self.demands, *self._asked_again())
            if d.outcome in ("turned away", "unseen") and d.asked_by_s < math.inf
        )

    def _may_be_lost(self, demand: Demand) -> bool:
        near_s = self.sight.fine_s
        first = bisect_left(self.lost, demand.asked_s - near_s)
        return first < len(self.lost) and self.lost[first] <= demand.asked_by_s + near_s

    def _asked_again(self) -> Iterator[Demand]:
        """Retries that were due where nothing can be seen: made and failed, or turned away."""
        own = self.settings
        for demand in self.demands:
            tries, end_s = len(demand.attempts), demand.request.end_s
            if tries and demand.attempts[-1].results == FAILURE:
                after_s = demand.attempts[-1].end_s
            elif demand.outcome == "unseen" and not own.counting.by_call:
                tries, after_s = 1, demand.asked_s  # the first of them is in `asked` itself
            else:
                continue
            last = tries + 1 if own.counting.by_call else own.attempts
            for number in range(tries, min(last, own.attempts)):
                after_s += own.backoff_s(number)
                if not self._unseen_at(after_s, end_s):
                    break
                by_s = max(after_s, end_s)
                yield replace(demand, outcome="unseen", asked_s=after_s, asked_by_s=by_s)

    def _unseen_at(self, at_s: float, end_s: float) -> bool:
        """Whether an attempt leaves no trace there, of a request that goes on until `end_s`."""
        sight = self.sight
        hidden = sight.is_hidden(at_s) and sight.holding(at_s) is None
        return hidden and at_s <= end_s < math.inf

    @cached_property
    def lost(self) -> list[float]:
        """When an attempt may have failed that nobody saw, on a connection just being cut."""
        own = self.settings
        soonest_s = own.backoff_s(1) if own.attempts > 1 else math.inf
        return swallowed(
            self.history, self.upstream, self.demands, self.attempts, self.sight, soonest_s
        )

    @cached_property
    def earlier(self) -> tuple[float, ...]:
        """When calls of the warm-up were answered."""
        calls = self.history.warm_up_calls.to(self.upstream)
        return tuple(call.at_s for call in calls if call.replied is not None)

    @cached_property
    def queue(self) -> Queue | None:
        """Requests that waited for each other's calls, where no two were ever in flight."""
        asked = (demand for demand in self.demands if demand.outcome != "unseen")
        needs = (need(demand, self._asked_s(demand)) for demand in asked)
        late_s = self.sight.late_s(0.0, self.history.end_s)
        return queue(self.upstream, self.calls, needs, self.sight.fine_s, AT_ONCE_S + late_s)

    def _asked_s(self, demand: Demand) -> float:
        """When a request was ready for its first attempt."""
        if not demand.attempts:
            return demand.asked_s
        return self.ready_s(demand.request, demand.attempts[0])

    def ready_s(self, request: Request, attempt: Attempt) -> float:
        """When a request was ready for the first attempt of a call: once all before was over."""
        mine = self._demands.of[request.id]
        others = (one for own in mine.values() for one in own if one is not attempt)
        before = (one.end_s for one in others if one.end_s <= attempt.start_s)
        return max([request.at_s, *before])
