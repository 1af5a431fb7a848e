"""Which request each attempt was made for.

What a stream calls, and in which order, is learned from the warm-up. An attempt belongs to one
request that was alive for all of it: the one that was just about to make it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property

from msgspec.structs import replace

from harness.history.requests import Request
from harness.policy.counting import Result, plainly
from harness.policy.settings import ServiceSettings
from harness.wire.attempts import FAILURE, Attempt
from harness.wire.keys import Keys
from harness.wire.learned import CLOCK_S, Learned, alike
from harness.wire.made import NOTHING, Made, last_of
from harness.wire.pending import Pending, Standing
from harness.wire.sight import TIE_S, Sight
from harness.wire.turns import ANSWERED_S, UNLIKELY_S, UNSURE_S, Due, Turns, is_made

_LONG_S = 1e6
"""Whoever was never answered waited for so long."""
_Rank = tuple[int, bool, int, bool, bool, float, int]
"""How far off a request is, in an order that says whose an attempt is: the first one's."""
_NO_RIVAL = (False, False, 0.0, 0)
"""How well an attempt fits the only one that it can be of isn't asked."""
_HAIR = 1e-9  # what sums of the same instants in another order may differ by


class Owners:
    """The requests of one history, and the attempts that each was given.

    `calls`: what each stream calls, in order; `leads_s`: what a target takes before the first of
    them; `well`: whether a request was answered as when all was well.
    """

    def __init__(
        self,
        requests: Sequence[Request],
        calls: Mapping[str, Sequence[Learned]],
        settings: Mapping[str, ServiceSettings],
        sights: Mapping[str, Sight],
        leads_s: Mapping[str, float],
        well: Callable[[Request], bool],
        keys: Keys,
    ) -> None:
        self._keys, self._requests = keys, requests
        self._well = well
        self._calls = calls
        self._turns = Turns(calls, settings, sights, leads_s)
        self._settings = settings
        self._sights = sights
        self._routes: dict[str, set[str]] = defaultdict(set)
        for made in calls.values():
            for call in made:
                self._routes[call.upstream].add(call.route)
        self.of: dict[int, Made] = {}
        """The attempts of each request, by its id and by upstream, by start."""
        self._of: dict[int, dict[str, list[Attempt]]] = {}
        """The same of those under way, while they are matched."""
        self.belated: dict[str, list[float]] = {}
        """By upstream, when calls came to its stub for which nobody waited any more."""
        self._went_on: set[tuple[str, str]] = set()
        """Streams that go on although an upstream failed them."""
        self._passed_over: set[tuple[str, str]] = set()
        """Those that were taken not to, so that an attempt was given to somebody else."""

    def match(self, attempts: Mapping[str, Sequence[Attempt]]) -> dict[str, list[Attempt]]:
        """Give each attempt to the request that it was made for, and forget what was before.

        Returns those that say something of a breaker, by upstream; what was only let go, for
        nobody, doesn't.
        """
        self._passed_over.clear()
        kept = self._matched(attempts)
        return self.match(attempts) if self._passed_over & self._went_on else kept

    def _matched(self, attempts: Mapping[str, Sequence[Attempt]]) -> dict[str, list[Attempt]]:
        self.of, self._of = {}, {}
        self._keys.forget()
        kept: dict[str, list[Attempt]] = {name: [] for name in attempts}
        self.belated = {name: [] for name in attempts}
        waiting = sorted(
            (r for r in self._requests if self._calls.get(r.stream)),
            key=lambda r: (r.at_s, r.id),
        )
        pending = Pending(waiting, self._standing)
        for name, attempt in _in_order(attempts):
            start_s = attempt.start_s
            # What is seen of an attempt may be late, never early: it follows its cause.
            slack_s = CLOCK_S + self._sights[name].late_s(start_s, start_s)
            for gone in pending.go_on(start_s, start_s - slack_s):
                self._close(gone.id)
            owner, due_s = self._owner(pending, name, attempt, slack_s)
            if owner is None:
                if self._sights[name].is_untimely(start_s):
                    self.belated[name].append(start_s)
                elif not self._sights[name].released(start_s):
                    kept[name].append(attempt)
                continue
            timeout_s = self._settings[name].timeout_s
            if self._sights[name].let_go(due_s, start_s):
                if start_s > due_s + slack_s:
                    attempt = attempt.made(due_s, timeout_s, slack_s)
            elif self._sights[name].is_untimely(start_s) and start_s > due_s + timeout_s + slack_s:
                attempt = attempt.made(due_s, timeout_s, slack_s)  # so long on its way
            elif attempt.source == "stub" and self._sights[name].released(start_s, within_s=0.0):
                attempt = replace(attempt, old=True)
            if attempt.source == "connection" and not self._well(owner):
                attempt = attempt.ended_by(owner.end_s)  # who had to do without it went on
            self._take_over(owner, name, attempt, pending)
            self._give(owner, name, attempt)
            pending.moved(owner)
            kept[name].append(attempt)
        for request in list(self._of):
            self._close(request)
        return kept

    def _mine(self, request: Request) -> dict[str, list[Attempt]]:
        """What a request that is under way has attempted by now."""
        if request.id not in self._of:
            self._of[request.id] = defaultdict(list)
            self.of[request.id] = NOTHING  # its place among all is that of its first attempt
        return self._of[request.id]

    def _close(self, request: int) -> None:
        """Whoever is not under way any more makes no attempt."""
        if request in self._of:
            self.of[request] = Made(self._of.pop(request))

    def _take_over(self, owner: Request, upstream: str, attempt: Attempt, pending: Pending) -> None:
        """Give a request the earlier call that it must have made to come to this attempt.

        Of requests at one instant it can't be told at first whose an attempt is: it may have been
        given to another one that has done nothing since.
        """
        mine = self._mine(owner)
        for call in self._calls[owner.stream]:
            if call.may_be(upstream, attempt):
                return
            if is_made(call, mine):
                continue
            for other in pending.last_at(call.upstream, owner.at_s - CLOCK_S):
                theirs = self._of.get(other.id)
                last = last_of(theirs)
                if other is owner or theirs is None or last is None or last[0] != call.upstream:
                    continue
                given = last[1]
                fits = owner.at_s - CLOCK_S <= given.start_s
                fits = fits and given.ends_from_s <= attempt.start_s + CLOCK_S
                traced = bool(given.trace) and given.trace == other.trace
                sure = given.request is not None or traced  # it says itself whose it is
                if fits and call.may_be(call.upstream, given) and not sure:
                    theirs[call.upstream].remove(given)
                    self._keys.take_back(call.upstream, given)
                    self._give(owner, call.upstream, given)
                    pending.moved(other)
                    break

    def _give(self, owner: Request, upstream: str, attempt: Attempt) -> None:
        self._mine(owner)[upstream].append(attempt)
        self._keys.note(owner.id, upstream, attempt)

    def _owner(
        self, pending: Pending, name: str, attempt: Attempt, slack_s: float
    ) -> tuple[Request | None, float]:
        """The request that was nearest to making an attempt, and when it was due.

        Of those that were equally near, one that no upstream had failed; of these the one that
        could wait the least longer; then one that was answered well if this was, as that needed it;
        of those alike, the one whose answer followed soonest upon its end.
        """
        plain = self._plainly(pending, name, attempt, slack_s)
        if plain is not None:
            return plain, plain.at_s
        best: tuple[_Rank, Request, float] | None = None
        strange = bool(attempt.route) and not any(
            alike(route, attempt) for route in self._routes[name]
        )
        near_s, sight = TIE_S + slack_s, self._sights[name]
        named = self._named(pending, attempt)
        failed: list[tuple[_Rank, tuple[str, str]]] = []
        for least_s, request in self._able(pending, name, attempt, named, strange=strange):
            if best is not None and round(max(0.0, least_s / near_s - _HAIR)) > best[0][0]:
                break  # whoever comes after it is as far off
            if attempt.ends_from_s > request.end_s + slack_s:
                continue  # it was not alive for all of it
            mine = self._of.get(request.id)
            by = self._turns.failed_by(name, mine)
            failed_by = None if by is None else (request.stream, by)
            only = named is not None and len(named) == 1 and failed_by is None
            fits = _NO_RIVAL if only else self._fits(request, name, attempt)
            for due in self._turns.at(name, request, mine, strange=strange):
                due_s = due.when_s(attempt)
                if due_s is None:
                    continue
                let_go = sight.let_go(due_s, attempt.start_s)
                late_s = 0.0 if let_go else max(0.0, attempt.start_s - due_s)
                price_s = late_s + due.unlikely_s
                price_s += ANSWERED_S if attempt.start_s > request.end_s + _HAIR else 0.0
                price_s += _by_key_s(self._keys.whose(name, attempt), request, due)
                over = failed_by is not None and failed_by not in self._went_on
                left_s = min(due.at_s, request.end_s, _LONG_S) - attempt.start_s
                left = round(max(0.0, left_s) / slack_s)
                rank = (round(price_s / near_s), over, left, *fits)
                if failed_by is not None:
                    failed.append((rank, failed_by))
                if best is None or rank < best[0]:
                    best = (rank, request, due_s)
        if best is None or self._is_old(name, attempt, best, near_s):
            return None, 0.0
        if failed:
            self._learn(best[0], failed)
        return best[1], best[2]

    def _plainly(
        self, pending: Pending, name: str, attempt: Attempt, slack_s: float
    ) -> Request | None:
        """The request that surely made an attempt: it says so itself, and it is what all of that
        stream's requests begin with. So it mostly is, and nobody else needs to be looked at.
        """
        if attempt.source != "proxy" or not attempt.trace:
            return None
        named = pending.traced(attempt.trace)
        if len(named) != 1 or named[0].id in self._of:
            return None
        (request,) = named
        in_time = request.at_s - CLOCK_S <= attempt.start_s
        in_time = in_time and attempt.ends_from_s - request.end_s <= slack_s
        first = self._calls[request.stream][0]
        sure = in_time and first.may_be(name, attempt)
        return request if sure and self._sights[name].holding(request.at_s) is None else None

    def _is_old(
        self, name: str, attempt: Attempt, best: tuple[_Rank, Request, float], near_s: float
    ) -> bool:
        """Whether a call that a fault held back is of nobody who waits: it says so itself, or it
        is none that the likeliest would make.
        """
        if attempt.source != "stub" or not self._sights[name].may_be_old(attempt.start_s):
            return False
        if best[0][0] * near_s > UNLIKELY_S / 2:
            return True
        return attempt.trace in self._traces and attempt.trace != best[1].trace

    @cached_property
    def _traces(self) -> Collection[str]:
        """Those that requests were sent with."""
        return {request.trace for request in self._requests} - {""}

    def _learn(self, best: _Rank, failed: Sequence[tuple[_Rank, tuple[str, str]]]) -> None:
        """Whose attempt it was says that its stream goes on though an upstream failed it, where
        nobody that another one failed is as near.
        """
        alike = {failed_by for rank, failed_by in failed if rank[:5] == best[:5]}
        for rank, failed_by in failed:
            if rank == best and len(alike) == 1:
                self._went_on.add(failed_by)
            elif rank != best and rank[1] and rank[0] == best[0]:
                self._passed_over.add(failed_by)

    def _fits(self, request: Request, name: str, attempt: Attempt) -> tuple[bool, bool, float, int]:
        """How little an attempt's end fits a request's answer; the least first. Whoever is told to
        slow down asks nobody, where nobody had told the target so.
        """
        limited = plainly(request.status) is Result.NEUTRAL and attempt.status != request.status
        done_s = self._turns.done_s(name, attempt, self._of.get(request.id))
        waited_s = 0.0 if done_s == request.end_s else abs(request.end_s - done_s)
        may_be_well = Result.SUCCESS in attempt.results and not attempt.altered
        unlike = may_be_well is not self._well(request)
        return limited, unlike, waited_s, request.id

    @staticmethod
    def _named(pending: Pending, attempt: Attempt) -> Sequence[Request] | None:
        """Those under way that an attempt says it is of; None where it says nothing of that."""
        if attempt.request is None:
            return (pending.traced(attempt.trace) if attempt.trace else ()) or None
        own = pending.one(attempt.request)
        return () if own is None else (own,)

    def _able(
        self,
        pending: Pending,
        name: str,
        attempt: Attempt,
        named: Sequence[Request] | None,
        *,
        strange: bool,
    ) -> Iterator[tuple[float, Request]]:
        """Who may have made an attempt, each with how far off it seems at least, nearest first."""
        if named is not None:
            yield from ((0.0, request) for request in named)
        elif strange:
            yield from ((0.0, request) for request in pending.all())
        else:
            for window in self._sights[name].let_go_by(attempt.start_s):
                held = pending.due(name, window.start_s - UNLIKELY_S, window.end_s)
                yield from ((0.0, request) for request in held)
            yield from pending.nearest(name, attempt.start_s)

    def _standing(self, request: Request) -> Standing:
        """What is known of a request by now, whatever is attempted."""
        mine = self._of.get(request.id)
        last = last_of(mine)
        dues = self._turns.all(request, mine)
        return Standing(dues, None if last is None else (last[0], last[1].start_s))


def _in_order(attempts: Mapping[str, Sequence[Attempt]]) -> list[tuple[str, Attempt]]:
    """All attempts, each with its upstream, by start; then by end, then by upstream."""
    every = [(name, attempt) for name in sorted(attempts) for attempt in attempts[name]]
    every.sort(key=lambda pair: pair[1].end_s)
    every.sort(key=lambda pair: pair[1].start_s)
    return every


def _by_key_s(whose: int | None, request: Request, due: Due) -> float:
    """How much less likely than it seems an attempt is a request's, by whose key it shows."""
    if whose is None:
        return 0.0
    if whose != request.id:
        return UNSURE_S
    return -UNSURE_S if isinstance(due.of, Attempt) and due.of.results != FAILURE else 0.0
