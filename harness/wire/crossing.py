"""What crossed one upstream's wire: attempts, for whom they were made, and who asked in vain."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING

from harness.history.spans import Spans
from harness.history.view import Request
from harness.wire.attempts import Attempt
from harness.wire.demand import AT_ONCE_S, Demand
from harness.wire.implied import swallowed
from harness.wire.queueing import Queue, need, queue
from harness.wire.states import Asked

if TYPE_CHECKING:
    from harness.wire.witness import Witness

_SLACK_S = 0.1
"""How far an attempt may seem to lie outside of the life of its request."""


class Crossing:
    """What crossed one upstream's wire. Everything is worked out when first asked for."""

    def __init__(self, witness: Witness, upstream: str) -> None:
        self.witness = witness
        self._demands = witness.demands
        self.upstream = upstream
        self.history = witness.history
        self.settings = witness.settings[upstream]
        self.sight = witness.sights[upstream]
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
        """The attempts of each call, in order, as far as that can be told."""
        return self._demands.calls_at(self.upstream)

    def request_of(self, attempt: Attempt) -> int | None:
        """Id of the request that an attempt was made for, where that can be told."""
        return self._owners.get(attempt.id)

    @cached_property
    def _owners(self) -> dict[int, int]:
        return {a.id: d.request.sent.id for d in self.demands for a in d.attempts}

    def surely_made_for(self, attempt: Attempt) -> int | None:
        """The request that made an attempt, where no other one can have."""
        alone = self._lives.touching(attempt.start_s - _SLACK_S, attempt.start_s + _SLACK_S) == 1
        return self.request_of(attempt) if alone else None

    @cached_property
    def _lives(self) -> Spans:
        return Spans((d.request.sent.at_s, d.request.end_s) for d in self.demands)

    def told_apart(self, request: int, attempt: Attempt) -> bool:
        """Whether retries of the call that an attempt is of are told from other calls."""
        return self._demands.told_apart(request, attempt, self.upstream)

    def route_of(self, request: int) -> str:
        """What a request calls first here, as the warm-up showed it; empty if that is unknown."""
        return self._demands.route_of(request, self.upstream)

    def met(self, attempt: Attempt) -> tuple[str, ...]:
        """The kinds of fault that an attempt may have met."""
        return self.sight.met_by(attempt)

    @cached_property
    def asked(self) -> tuple[Asked, ...]:
        """The requests that made no attempt that anybody saw."""
        return tuple(
            Asked(
                asked_s=d.asked_s,
                by_s=d.asked_by_s,
                request=d.request.sent.id,
                sure=d.outcome == "turned away",
            )
            for d in (*self.demands, *self._demands.asked_again(self.upstream))
            if d.outcome in ("turned away", "unseen") and d.asked_by_s < math.inf
        )

    @cached_property
    def lost(self) -> list[float]:
        """When an attempt may have failed that nobody saw, on a connection just being cut."""
        return swallowed(self.history, self.upstream, self.demands, self.attempts, self.sight)

    @cached_property
    def earlier(self) -> tuple[float, ...]:
        """When calls of the warm-up were answered."""
        calls = self.history.warm_up_calls.to(self.upstream)
        return tuple(call.at_s for call in calls if call.replied is not None)

    @cached_property
    def queue(self) -> Queue | None:
        """Requests that waited for each other's calls, where no two were ever in flight."""
        asked = (demand for demand in self.demands if demand.outcome != "unseen")
        needs = [need(demand, self._demands.due_s(demand, self.upstream)) for demand in asked]
        noise_s = self.sight.noise_s(0.0, self.history.end_s)
        return queue(self.upstream, self.calls, needs, self.sight.fine_s, AT_ONCE_S + noise_s)
