"""How many calls each fault met, from whatever saw them; a fault that met none proves nothing.

A stub says of each call which faults changed what becomes of it. What happens on the network, or to
a process, is counted by what crossed the upstream's proxy while it lasted, and by what was under
way when it began. A port that refuses shows nobody's calls, unless connects in vain are recorded:
then the number is unknown, and that requests were sent meanwhile has to do.

A fault that met nobody makes the run inconclusive, with one exception: where an open breaker turned
away everybody who would have come, that is what breakers are for, and no more than a note.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from harness.checks.case import Case
from harness.checks.proof import reaching
from harness.checks.wording import plural, window
from harness.history.events import Crossed
from harness.history.view import Call, FaultWindow, Request
from harness.routes import route_matches
from harness.scenario.faults import KINDS, Fault, Revoke, Truncate
from harness.scenario.spelling import did_you_mean
from harness.units import Window
from harness.verdict import Hits

_MOST_ROUTES = 3
_IN_VAIN = ("refused", "unanswered")
_NO_HTTP = "what isn't HTTP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """A fault that met nobody though its upstream's breaker let requests through."""

    hits: Hits
    instead: str
    """What was called meanwhile, or why nothing was."""
    by_mistake: bool
    """Whether the scenario may be to blame, rather than a target that didn't call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Struck:
    """A fault that came into force, on those of its upstreams that the target has."""

    number: int
    fault: Fault
    upstreams: tuple[str, ...]
    window: Window
    begun_s: float
    """When it began to come into force; the window begins when that was confirmed."""

    @property
    def low(self) -> float:
        """The number of the first call that it picks."""
        return 1 if self.fault.counted is None else self.fault.counted.low


@dataclass(frozen=True, slots=True, kw_only=True)
class _Count:
    """Calls that were met (None: nothing can tell), and whether these are all."""

    met: int | None
    at_least: bool = False
    note: str = ""


def hits(case: Case) -> tuple[Hits, ...]:
    """Each fault that came into force on an upstream that the target has, in file order."""
    return tuple(_Account(case, struck).hits for struck in _in_force(case))


def misses(case: Case) -> tuple[Miss, ...]:
    """The faults that met nobody, without those that an open breaker kept from it."""
    accounts = (_Account(case, struck) for struck in _in_force(case))
    return tuple(account.miss() for account in accounts if account.missed)


def _in_force(case: Case) -> Iterable[_Struck]:
    history, faults = case.history, case.scenario.faults
    for real in sorted(history.faults, key=lambda each: each.fault):
        if not 0 <= real.fault < len(faults):
            continue
        fault = faults[real.fault]
        upstreams = tuple(name for name in fault.upstreams if name in history.run.upstreams)
        if upstreams or not fault.upstreams:
            yield _Struck(
                number=real.fault,
                fault=fault,
                upstreams=upstreams,
                window=_window(real, history.end_s),
                begun_s=min(real.planned.start_s, real.start_s),
            )


def _window(real: FaultWindow, end_s: float) -> Window:
    """When it was in force; a restart is confirmed only when the service is back."""
    start_s = real.planned.start_s if real.name == "restart" else real.start_s
    return Window(start_s, min(real.end_s, end_s))


class _Account:
    """What is known of one fault's calls."""

    def __init__(self, case: Case, struck: _Struck) -> None:
        self._case = case
        self._history = case.history
        self._struck = struck
        self._fault: Fault = struck.fault

    @property
    def hits(self) -> Hits:
        """The account in numbers and a note."""
        fault, note = self._fault, self._count.note
        if self._count.met == 0 and self._shielded:
            sent = plural(len(self._away), "request")
            note = f"{sent} turned away by the open breaker of {fault.subject}"
        return Hits(
            fault=self._struck.number + 1,
            kind=fault.fault,
            subject=fault.subject if fault.on is None else f"{fault.subject} {fault.on}",
            start_s=self._struck.window.start_s,
            end_s=self._struck.window.end_s,
            met=self._count.met,
            at_least=self._count.at_least,
            note=note,
        )

    @property
    def missed(self) -> bool:
        """Whether it met nobody, and no breaker is the reason."""
        if self._count.met is None:
            return not self._needing
        return self._count.met == 0 and not self._shielded

    def miss(self) -> Miss:
        """Why it met nobody, in words."""
        return Miss(hits=self.hits, instead=self._instead(), by_mistake=self._by_mistake)

    @property
    def _by_mistake(self) -> bool:
        """Nobody was there to be met, or those who called were none of its own, or were kept away.

        Else the target had the occasion, and did without a call: what it then answered stands.
        """
        if not self._needing:
            return True
        called = self._made and not isinstance(self._fault, Revoke)
        on_the_way = self._called_before()
        kept_away = any(
            on_the_way & set(other.upstreams) and other.start_s < self._struck.window.end_s
            for other in self._history.faults
        )
        return bool(called) or (kept_away and not self._away)

    def _called_before(self) -> set[str]:
        """The upstreams that the warm-up's requests called on their way to this fault's."""
        streams = {request.sent.stream for request in self._needing}
        found: set[str] = set()
        for request in self._history.warm_up:
            if request.sent.stream not in streams:
                continue
            for call in self._history.calls:
                if request.sent.at_s <= call.at_s <= request.end_s:
                    if call.called.upstream in self._struck.upstreams:
                        break
                    found.add(call.called.upstream)
        return found

    # Counting

    @cached_property
    def _count(self) -> _Count:
        if self._fault.where == "target":
            return _Count(met=len(self._needing))
        counts = [
            self._by_stub(name) if self._fault.where == "stub" else self._by_wire(name)
            for name in self._struck.upstreams
        ]
        known = sum(count.met for count in counts if count.met is not None)
        unknown = [count for count in counts if count.met is None]
        if unknown and not known:
            return unknown[0]
        more = bool(unknown) or any(count.at_least for count in counts)
        return _Count(met=known, at_least=more)

    def _by_stub(self, upstream: str) -> _Count:
        """What the stub says that it did."""
        own = f"f{self._struck.number}"
        calls = self._history.calls_to(upstream)
        met = sum(own in (call.called.met or ()) and self._took_effect(call) for call in calls)
        silent = [c for c in calls if c.called.met is None and c.at_s in self._struck.window]
        if not met and silent:
            return _Count(met=None, note="the stub doesn't say what it did with a call")
        return _Count(met=met)

    def _took_effect(self, call: Call) -> bool:
        """A body that ends before the point where it was to be cut off arrives whole."""
        whole = call.replied is not None and call.replied.outcome == "sent"
        return not (isinstance(self._fault, Truncate) and whole)

    def _by_wire(self, upstream: str) -> _Count:
        crossed = [c for c in self._history.crossings if c.upstream == upstream]
        kind, evidence = KINDS[self._fault.fault], self._history.run.evidence
        if "proxy requests" in evidence:
            met = self._in_vain(crossed) + self._crossed(crossed)
            sees_all = not kind.invisible or "refused connects" in evidence
        else:
            accepted = sum(c.what == "accepted" and c.at_s in self._struck.window for c in crossed)
            met = max(accepted, self._at_stub(upstream))
            sees_all = not kind.silent
        toxicity = getattr(self._fault, "toxicity", 1.0)
        if met and toxicity < 1:
            note = f"drawn for {toxicity:.0%} of the connections, nobody records for which"
            return _Count(met=None, note=note)
        if met or sees_all:
            return _Count(met=met, at_least=not sees_all)
        shows = "a refused port" if kind.invisible else "a connection that was kept open"
        return _Count(met=None, note=f"{shows} shows nobody")

    def _in_vain(self, crossed: Sequence[Crossed]) -> int:
        return sum(c.what in _IN_VAIN and c.at_s in self._struck.window for c in crossed)

    def _crossed(self, crossed: Sequence[Crossed]) -> int:
        """Requests that entered the proxy, or were under way; connections that it turned away."""
        found = 0
        for events in _by_connection(crossed):
            found += sum(self._meets(*each) for each in _requests(events))
            first, last = events[0], events[-1]
            turned_away = first.what == "accepted" and [e.what for e in events[1:]] == ["closed"]
            if turned_away and last.closed_by != "client" and first.at_s in self._struck.window:
                found += 1
        return found

    def _at_stub(self, upstream: str) -> int:
        spans = (
            (call.at_s, None if call.replied is None else call.replied.at_s)
            for call in self._history.calls_to(upstream)
        )
        return sum(self._meets(*each, cut=False) for each in spans)

    def _meets(self, start_s: float, end_s: float | None, cut: bool) -> bool:
        """Whether a call begins while it lasts, or is under way when it comes and ended by it."""
        span = self._struck.window
        if start_s >= span.start_s:
            return start_s in span
        under_way_s = self._struck.begun_s if cut else span.start_s
        return end_s is None or end_s > under_way_s or (cut and end_s == under_way_s)

    # Who was there to be met

    @cached_property
    def _needing(self) -> tuple[Request, ...]:
        """The requests sent while it lasted whose like was seen to reach it in the warm-up."""
        within = (r for r in self._history.requests if r.sent.at_s in self._struck.window)
        if self._fault.where == "target":
            return tuple(within)
        streams = {
            stream
            for name in self._struck.upstreams
            for stream in reaching(self._history, name, self._fault.on)
        }
        user = self._fault.user if isinstance(self._fault, Revoke) else None
        return tuple(
            request
            for request in within
            if request.sent.stream in streams and user in (None, request.sent.user)
        )

    @cached_property
    def _away(self) -> tuple[Request, ...]:
        """Those of them whom its upstream's open breaker turned away."""
        try:
            rejected = {
                request.sent.id
                for name in self._struck.upstreams
                for request in self._case.wire(name).turned_away
            }
        except Exception:  # the expectations that need it say what broke
            return ()
        return tuple(request for request in self._needing if request.sent.id in rejected)

    @cached_property
    def _shielded(self) -> bool:
        """Whether those whom an open breaker turned away would have been met."""
        if self._made:
            return bool(self._away) and self._made + len(self._away) >= self._struck.low
        return bool(self._away) and len(self._away) == len(self._needing)

    # What was called instead

    @cached_property
    def _made(self) -> int:
        """The calls of its route, whatever became of them."""
        return sum(len(paths) for paths in self._calls(self._fault.on).values())

    def _calls(self, on: str | None = None) -> dict[str, list[str]]:
        """The calls made while it lasted, by route: their paths."""
        found: dict[str, list[str]] = defaultdict(list)
        for name in self._struck.upstreams:
            for route, path, at_s in self._seen(name):
                if at_s in self._struck.window and (on is None or route_matches(on, route, path)):
                    found[route].append(path.partition("?")[0])
        return found

    def _seen(self, upstream: str) -> Iterable[tuple[str, str, float]]:
        calls = self._history.calls_to(upstream)
        for call in calls:
            yield call.called.route, call.called.path, call.at_s
        if any(call.at_s in self._struck.window for call in calls):
            return
        for event in self._history.crossings:
            if event.upstream == upstream and event.what == "request":
                path = event.path or ""
                route = f"{event.method} {path.partition('?')[0]}" if event.method else _NO_HTTP
                yield route, path, event.at_s

    def _instead(self) -> str:
        during = window(self._struck.window)
        subject = self._fault.subject
        if self._made and self._fault.selective:
            came = plural(self._made, "call")
            return f"{came} came in {during}, and none was one of those that it picks"
        if self._made and isinstance(self._fault, Truncate):
            return f"no body was longer than {self._fault.after} B, so each arrived whole"
        called = self._calls()
        if isinstance(self._fault, Revoke) and not self._needing:
            return f"no request that calls {subject} as {self._fault.user} was sent in {during}"
        if called:
            hint = did_you_mean(self._fault.on, called) if self._fault.on is not None else ""
            return f"called meanwhile: {_listed(called)}{hint}"
        if self._needing:
            sent = plural(len(self._needing), "request")
            return f"{sent} of the kind that calls {subject} were sent in {during}, and none did"
        return f"no request that calls {subject} was sent in {during}"


def _by_connection(crossed: Sequence[Crossed]) -> list[list[Crossed]]:
    found: dict[int, list[Crossed]] = defaultdict(list)
    for event in crossed:
        if event.what not in _IN_VAIN:
            found[event.connection].append(event)
    return list(found.values())


def _requests(events: Sequence[Crossed]) -> list[tuple[float, float | None, bool]]:
    """When each request of a connection came in; when its answer began or it was cut off (True)."""
    found: list[tuple[float, float | None, bool]] = []
    for event in events:
        if event.what == "request":
            found.append((event.at_s, None, False))
        elif found and found[-1][1] is None and event.what in ("response", "closed"):
            cut = event.what == "closed" and event.closed_by != "client"
            found[-1] = (found[-1][0], event.at_s, cut)
    return found


def _listed(called: dict[str, list[str]]) -> str:
    """`GET /balance/ada 12x, POST /deduct 12x`, the most frequent first."""
    often = sorted(called.items(), key=lambda item: (-len(item[1]), item[0]))
    words = []
    for route, paths in often[:_MOST_ROUTES]:
        alike = route != _NO_HTTP and len(set(paths)) == 1
        shown = f"{route.partition(' ')[0]} {paths[0]}" if alike else route
        words.append(f"{shown} {len(paths)}x")
    more = len(often) - _MOST_ROUTES
    return ", ".join(words) + (f" and {plural(more, 'other route')}" if more > 0 else "")
