"""What answers tell of upstreams that nobody was seen to call: all as ever, or one was not had."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from harness.history.requests import Request
from harness.history.view import History
from harness.policy.counting import Result, plainly
from harness.wire.attempts import FAILURE, Attempt
from harness.wire.learned import CLOCK_S, Learned, alike, called_by
from harness.wire.made import Made

_BEFORE_ASKING = frozenset({400, 404, 405, 413, 415, 422, 429})
"""Answers that a target may give before it asks any upstream (a limit, a malformed request)."""
_IDENTITY = frozenset({401, 403})
_BROKE = frozenset({500, 502})
"""A target that broke may never have come to what it would have asked."""

Own = Mapping[str, Sequence[Attempt]]
"""A request's attempts, by upstream."""


class Answers:
    """What each stream answered in health, and when all its attempts at an upstream had failed."""

    def __init__(
        self,
        history: History,
        calls: Mapping[str, Sequence[Learned]],
        late_s: Mapping[str, Callable[[float, float], float]],
    ) -> None:
        """`calls`: what a stream's requests call, in order. `late_s`: by upstream, how late the
        machine may have made what is seen there in a time.
        """
        self._history = history
        self._late_s = late_s
        self._calls = calls
        self._healthy: dict[str, set[object]] = defaultdict(set)
        for request in history.warm_up:
            self._healthy[request.stream].add(_answer(request))
        self._went_on: set[tuple[str, str]] = set()
        """Streams that went on to a later upstream although one had failed them."""
        self._told_down: dict[tuple[str, str], set[object]] = {}

    def learn(self, of: Mapping[int, Made]) -> None:
        """Take in the attempts of each request, by its id, and forget those of before."""
        self._went_on, self._told_down = set(), defaultdict(set)
        for request in self._history.requests:
            mine, stream = of.get(request.id), request.stream
            if mine is None or all(attempt.results != FAILURE for attempt in mine.all):
                continue  # none of them failed
            for name, own in mine.items():
                if not own or any(attempt.results != FAILURE for attempt in own):
                    continue
                order = called_by(self._calls.get(stream, ()))
                # A limit of the target's own is none, whatever attempt seemed to be made for it.
                limited = plainly(request.status) is Result.NEUTRAL
                told = request.status is not None and not limited
                if told and not (self.well(request) and self._blurred(request, name)):
                    self._told_down[stream, name].add(_answer(request))
                if name in order and any(mine.get(n) for n in order[order.index(name) + 1 :]):
                    self._went_on.add((stream, name))

    def _blurred(self, request: Request, upstream: str) -> bool:
        """Whether the machine was too late to say that failed attempts were a request's own."""
        return self._late_s[upstream](request.at_s, request.known_s) > CLOCK_S

    def well(self, request: Request) -> bool:
        """Whether it was answered as its stream was before the outage."""
        return _answer(request) in self._healthy[request.stream]

    def passed(
        self, request: Request, before: Iterable[str], mine: Own, *, surely: bool = True
    ) -> bool:
        """Whether nothing before an upstream ended a request: each answered well, as in health;
        `surely` False: or may have.
        """
        for name in before:
            own = mine.get(name, ())
            told = self._told_down.get((request.stream, name), ())
            if (request.stream, name) in self._went_on and _answer(request) not in told:
                continue
            if not own or Result.SUCCESS not in own[-1].results:
                return False
            if surely and (own[-1].ok is None or any(attempt.altered for attempt in own)):
                return False
        return True

    def lacks(self, request: Request, upstream: str, *, first: bool) -> bool:
        """Whether an answer shows that an upstream was needed and not had; `first`: of all."""
        if request.status is None:
            return False
        if _answer(request) in self._told_down.get((request.stream, upstream), ()):
            return True
        if self.well(request) or request.status in _BEFORE_ASKING | _BROKE:
            return False
        return request.status >= 500 or (first and request.status in _IDENTITY)

    def knew(self, request: Request, upstream: str) -> bool:
        """Whether it was answered as in health and nobody who had to do without an upstream was, so
        that the target may have known without asking.
        """
        told = self._told_down.get((request.stream, upstream), ())
        return self.well(request) and _answer(request) not in told

    def lacks_only(self, request: Request, upstream: str, mine: Own) -> bool:
        """Whether a good answer that isn't the one of health can be for want of this upstream only:
        each call at another was made, and answered well.
        """
        if not request.well or self.well(request):
            return False
        calls = self._calls.get(request.stream, ())
        others = [call for call in calls if call.upstream != upstream]
        made = [a for name, own in mine.items() if name != upstream for a in own]
        if not others or any(not a.ok or a.altered for a in made):
            return False
        return all(
            any(alike(call.route, a) for a in mine.get(call.upstream, ())) for call in others
        )


def _answer(request: Request) -> object:
    """What tells a request's answers apart: the status, and what it says yes or no to."""
    body = request.body
    fields = body.items() if isinstance(body, dict) else ()
    return request.status, frozenset((k, v) for k, v in fields if isinstance(v, bool))
