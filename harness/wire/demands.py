"""Who asked for an upstream, made attempts there, or was turned away.

A request is known to have been turned away by an upstream's breaker when it got as far
as that upstream, no attempt can be its own, and its answer is that of a request which had to do
without. Whatever is left open is said to be unknown; an attempt that no request caused is
nobody's, and says nothing of the breaker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from msgspec.structs import replace

from harness.history.requests import Request
from harness.history.view import History
from harness.policy.settings import ServiceSettings
from harness.wire.answers import Answers
from harness.wire.attempts import Attempt, in_order
from harness.wire.background import nobodys
from harness.wire.demand import AT_ONCE_S, NEARLY, Demand, Outcome
from harness.wire.implied import Implied
from harness.wire.keys import Keys
from harness.wire.learned import Learned, WarmUp, alike, called_by
from harness.wire.made import NOTHING, Made
from harness.wire.owners import Owners
from harness.wire.sight import Sight
from harness.wire.stale import Stale


class Demands:
    """Requests and attempts of one history, matched."""

    def __init__(
        self,
        history: History,
        attempts: Mapping[str, Sequence[Attempt]],
        settings: Mapping[str, ServiceSettings],
        sights: Mapping[str, Sight],
        warm_up: WarmUp,
        template: Callable[[str, str], str],
    ) -> None:
        """`template`: how a contract names the route of a call; empty where it doesn't."""
        self._history = history
        self._settings = settings
        self._sights = sights
        self._stale = {name: Stale(history, name) for name in attempts}
        untimely = {name: sights[name].may_be_old for name in attempts}
        self.background = nobodys(history, attempts, warm_up, template, untimely)
        """Attempts that no request caused, by upstream."""
        own_routes = {
            (name, attempt.route) for name, made in self.background.items() for attempt in made
        }
        self.calls = {
            stream: tuple(
                call
                for call in calls
                if call.upstream in settings and (call.upstream, call.route) not in own_routes
            )
            for stream, calls in warm_up.calls.items()
        }
        """What a stream's requests call; a damaged history may name upstreams that nobody has."""
        late_s = {name: sight.late_s for name, sight in sights.items()}
        self._answers = Answers(history, self.calls, late_s)
        self._demands: dict[str, tuple[Demand, ...]] = {}
        """Who needed each upstream, as far as attempts are matched by now."""
        keys = Keys({(call.called.upstream, call.called.of) for call in history.warm_up_calls})
        well = self._answers.well
        leads_s = warm_up.leads_s
        self._owners = Owners(history.requests, self.calls, settings, sights, leads_s, well, keys)
        self._implied: set[tuple[str, int, int]] = set()
        """What was implied: of which upstream and request, and after how many attempts."""
        known = {name: list(made) for name, made in attempts.items()}
        self._attempts = self._matched(known)
        while self._imply(known):
            self._attempts = self._matched(known)

    def _matched(self, known: Mapping[str, Sequence[Attempt]]) -> dict[str, list[Attempt]]:
        """Give each attempt to its request; what is kept of them."""
        nobodys_own = {name: {a.id for a in made} for name, made in self.background.items()}
        kept = self._owners.match(
            {
                name: [attempt for attempt in made if attempt.id not in nobodys_own[name]]
                for name, made in known.items()
            }
        )
        self._answers.learn(self.of)
        self._demands = {}
        return kept

    @cached_property
    def streams(self) -> Mapping[int, str]:
        """The stream of each request, by its id."""
        return {request.id: request.stream for request in self._history.requests}

    @property
    def of(self) -> Mapping[int, Made]:
        """The attempts of each request, by its id and by upstream."""
        return self._owners.of

    @property
    def belated(self) -> Mapping[str, Sequence[float]]:
        """By upstream, when calls came to its stub that were made long before, nobody knows when:
        in each such time nothing can be read from the order of events.
        """
        return self._owners.belated

    def attempts_at(self, upstream: str) -> tuple[Attempt, ...]:
        """The attempts at an upstream that say something of its breaker, by start."""
        return tuple(in_order(self._attempts[upstream]))

    def made_by(self, request: Request, upstream: str) -> tuple[Attempt, ...]:
        """The attempts at an upstream that were made for a request, by start."""
        mine = self.of.get(request.id)
        return () if mine is None else mine.at(upstream)

    # Who was turned away

    def at(self, upstream: str) -> tuple[Demand, ...]:
        """The requests that need an upstream and got as far as it, by the instant they left."""
        if upstream not in self._demands:
            self._demands[upstream] = self._found(upstream)
        return self._demands[upstream]

    def calling(self, upstream: str) -> Mapping[str, Sequence[Learned]]:
        """The streams whose requests call an upstream, with all that they call."""
        return {
            stream: calls
            for stream, calls in self.calls.items()
            if any(call.upstream == upstream for call in calls)
        }

    def _found(self, upstream: str) -> tuple[Demand, ...]:
        needing = self.calling(upstream)
        asking = (r for r in self._history.requests if r.stream in needing) if needing else ()
        in_order = sorted(asking, key=lambda request: request.at_s)
        found = (self._demand(r, upstream, needing[r.stream]) for r in in_order)
        return tuple(demand for demand in found if demand is not None)

    def _demand(self, request: Request, upstream: str, calls: Sequence[Learned]) -> Demand | None:
        made = self.made_by(request, upstream)
        if made:
            return Demand(
                request=request,
                outcome="made",
                asked_s=made[0].start_s,
                asked_by_s=made[0].start_s,
                attempts=made,
            )
        return self._without(request, upstream, calls)

    def _without(self, request: Request, upstream: str, calls: Sequence[Learned]) -> Demand | None:
        """The need of a request that made no attempt; None where it didn't get so far."""
        mine = self.of.get(request.id, NOTHING)
        place = next(k for k, call in enumerate(calls) if call.upstream == upstream)
        before = {
            name: [a for a in own if _place(calls, name, a) < place] for name, own in mine.items()
        }
        earlier = [a for own in before.values() for a in own]
        later = [a for name, own in mine.items() for a in own if _place(calls, name, a) > place]
        by_s = min([request.end_s, *(a.start_s + a.held_s for a in later)])
        from_s = min(max([request.at_s, *(a.ends_from_s for a in earlier)]), by_s)
        hidden = self._sights[upstream].is_hidden(from_s)
        unseen = self._unseen(upstream, from_s, by_s) if hidden else None
        # Where an attempt would be seen, what it waited for before is none of this upstream's.
        known_s = min(max([from_s, *(a.end_s for a in earlier)]), by_s)
        asked_s = from_s if hidden else known_s
        answers, on_the_way = self._answers, called_by(calls[:place])
        if not later and not answers.passed(request, on_the_way, before):
            may_have = answers.passed(request, on_the_way, before, surely=False)
            if unseen != "unseen" or not may_have:
                return None
        did_without = bool(later) and request.status is not None
        did_without = did_without or answers.lacks(request, upstream, first=place == 0)
        did_without = did_without or answers.lacks_only(request, upstream, mine)
        did_without = did_without and not answers.knew(request, upstream)
        outcome: Outcome = "turned away" if did_without else "unknown"
        as_ever = answers.well(request)
        needed = outcome == "turned away" or request.well or as_ever
        if needed and unseen is not None:
            may_not_have_asked = as_ever and unseen == "turned away"
            outcome = "unknown" if may_not_have_asked else unseen
        if outcome == "turned away" and self._took_too_long(upstream, asked_s, by_s):
            outcome = "unknown"
        if outcome == "turned away" and self._stale[upstream].may_fail(asked_s, by_s):
            outcome = "unseen"
        return Demand(
            request=request,
            outcome=outcome,
            asked_s=asked_s,
            asked_by_s=by_s,
            loose=outcome == "unseen" and asked_s < known_s,
        )

    def _unseen(self, upstream: str, asked_s: float, by_s: float) -> Outcome:
        """An unseen attempt shows by its deadline, or by the wait that follows it."""
        own, sight = self._settings[upstream], self._sights[upstream]
        failed_s = sight.given_up_s(asked_s, own.timeout_s)
        if failed_s is not None:
            waited = by_s - asked_s >= NEARLY * (failed_s - asked_s)
            return "unseen" if waited else "turned away"
        if own.attempts < 2:
            return "unseen"
        waited = by_s - asked_s >= NEARLY * own.backoff_s(1)
        return "unseen" if waited else "turned away"

    def _took_too_long(self, upstream: str, asked_s: float, by_s: float) -> bool:
        late_s = self._sights[upstream].late_s(asked_s, asked_s + AT_ONCE_S)
        return by_s - asked_s > AT_ONCE_S + late_s

    # What must have happened where nothing could be seen

    def _imply(self, known: dict[str, list[Attempt]]) -> bool:
        """Add attempts that left no trace and that a wait gives away, the next one of each call.

        A failed attempt costs its backoff where a port refuses; one on a connection from before a
        silent fault its deadline, where the proxy tells of new connections only. Each is added
        once: what its request can't have made after all would be added for ever.
        """
        found, implied = False, Implied(self._settings, self._sights, self.of)
        for upstream, made in known.items():
            if self._sights[upstream].sees_all:
                continue
            number = max((attempt.id for attempt in made), default=-1) + 1
            for demand in self.at(upstream):
                place = (upstream, demand.request.id, len(demand.attempts))
                attempt = None if place in self._implied else implied.by(demand, upstream)
                if attempt is not None:
                    self._implied.add(place)
                    made.append(replace(attempt, id=number))
                    number, found = number + 1, True
        return found


def _place(calls: Sequence[Learned], upstream: str, attempt: Attempt) -> int:
    """Which call of a stream an attempt may be, at the earliest; one of no known call is an
    upstream's first.
    """
    own = [(k, call) for k, call in enumerate(calls) if call.upstream == upstream]
    places = (k for k, call in own if alike(call.route, attempt))
    return next(places, own[0][0] if own else -1)
