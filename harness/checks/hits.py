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
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import takewhile

from msgspec.structs import replace

from harness.checks.case import Case, unless_broken
from harness.checks.met import Count, Counter, Struck, total
from harness.checks.wording import window
from harness.frozen import Frozen
from harness.history.requests import Request
from harness.history.view import FaultWindow, within
from harness.routes import route_matches
from harness.scenario import faults
from harness.scenario.faults import Fault
from harness.scenario.spelling import did_you_mean
from harness.units import Window, plural
from harness.verdict import Hits
from harness.wire.learned import called_by

_MOST_ROUTES = 3
_AT_ONCE_S = 0.1
"""A fault that comes again so soon never went: a step of a ramp."""
_NO_HTTP = "what isn't HTTP"


class Miss(Frozen, kw_only=True):
    """A fault that met nobody though its upstream's breaker let requests through."""

    hits: Hits
    instead: str
    """What was called meanwhile, or why nothing was."""
    by_mistake: bool
    """Whether the scenario may be to blame, rather than a target that didn't call."""


def hits(case: Case) -> tuple[Hits, ...]:
    """Each fault of the file that came into force on an upstream that the target has, in order."""
    return tuple(_together(number, each) for number, each in _met(case).items())


def misses(case: Case) -> tuple[Miss, ...]:
    """The faults that met nobody, without those that an open breaker kept from it.

    Of one that comes and goes it is enough that it met somebody once, or could have.
    """
    return tuple(
        replace(each[0].miss(), hits=_together(number, each))
        for number, each in _met(case).items()
        if all(one.missed for one in each)
    )


def _met(case: Case) -> dict[int, list[_Met]]:
    """By number in the file, what each time that a fault came met."""
    found: dict[int, list[_Met]] = defaultdict(list)
    for struck in in_force(case):
        met = _Met(case, struck, Counter(case.history, struck))
        found[case.scenario.number_of(struck.real.fault)].append(met)
    return dict(sorted(found.items()))


def _together(number: int, times: Sequence[_Met]) -> Hits:
    """What a fault met in all."""
    each = [one.hits for one in times]
    count = total(each)
    spells: list[tuple[float, float]] = []
    for one in each:
        begun_s = spells.pop()[0] if spells and one.start_s - spells[-1][1] < _AT_ONCE_S else None
        spells.append((one.start_s if begun_s is None else begun_s, one.end_s))
    return replace(
        each[0],
        fault=number,
        end_s=each[-1].end_s,
        met=count.met,
        at_least=count.at_least,
        note=count.note,
        spells=tuple(spells) if len(spells) > 1 else (),
    )


def in_force(case: Case) -> Iterator[Struck]:
    """Each fault of the file that came into force on an upstream that the target has, each time."""
    history, scenario = case.history, case.scenario
    for real in sorted(history.faults, key=lambda each: each.fault):
        if not 0 <= real.fault < len(scenario.faults):
            continue
        fault = scenario.faults[real.fault]
        upstreams = tuple(name for name in fault.upstreams if name in history.run.upstreams)
        if upstreams or not fault.upstreams:
            window = _window(real, history.end_s)
            yield Struck(real=real, fault=fault, upstreams=upstreams, window=window)


def _window(real: FaultWindow, end_s: float) -> Window:
    """When it was in force; a restart is confirmed only when the service is back."""
    start_s = real.planned.start_s if real.name == "restart" else real.start_s
    return Window(start_s, min(real.end_s, end_s))


class _Met:
    """What is known of one fault's calls."""

    def __init__(self, case: Case, struck: Struck, counter: Counter) -> None:
        self._case = case
        self._counter = counter
        self._history = case.history
        self._struck = struck
        self._fault: Fault = struck.fault

    @property
    def hits(self) -> Hits:
        """It in numbers and a note."""
        fault, note = self._fault, self._count.note
        if self._count.met == 0 and self._shielded:
            sent = plural(len(self._away), "request")
            note = f"{sent} turned away by the open breaker of {fault.subject}"
        return Hits(
            fault=self._struck.real.fault + 1,
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
        called = self._made and self._fault.revoked is None
        on_the_way = self._called_before()
        kept_away = any(
            on_the_way & set(other.upstreams) and other.start_s < self._struck.window.end_s
            for other in self._history.faults
        )
        return bool(called) or (kept_away and not self._away)

    def _called_before(self) -> set[str]:
        """The upstreams that the warm-up's requests called on their way to this fault's."""
        found: set[str] = set()
        for stream in {request.stream for request in self._needing}:
            called = called_by(self._case.witness.warm_up.calls[stream])
            found.update(takewhile(lambda name: name not in self._struck.upstreams, called))
        return found

    @cached_property
    def _count(self) -> Count:
        if self._fault.where == "target":
            return Count(met=len(self._needing))
        return self._counter.count

    # Who was there to be met

    @cached_property
    def _needing(self) -> tuple[Request, ...]:
        """The requests sent while it lasted whose like was seen to reach it in the warm-up."""
        within = (r for r in self._history.requests if r.at_s in self._struck.window)
        if self._fault.where == "target":
            return tuple(within)
        streams = {
            stream
            for name in self._struck.upstreams
            for stream in self._case.witness.warm_up.reaching(name, self._fault.on)
        }
        user = self._fault.revoked
        return tuple(
            request
            for request in within
            if request.stream in streams and user in (None, request.user)
        )

    @cached_property
    def _away(self) -> tuple[Request, ...]:
        """Those of them whom its upstream's open breaker turned away."""

        def rejected() -> set[int]:
            wires = map(self._case.wire, self._struck.upstreams)
            return {request.id for wire in wires for request in wire.turned_away}

        ids = unless_broken(rejected, set())
        return tuple(request for request in self._needing if request.id in ids)

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
            for route, path in self._seen(name):
                if on is None or route_matches(on, route, path):
                    found[route].append(path.partition("?")[0])
        return found

    def _seen(self, upstream: str) -> Iterable[tuple[str, str]]:
        """Route and path of each call while it lasted: by its stub, or else by its proxy."""
        calls = within(self._history.calls_to(upstream), self._struck.window)
        for call in calls:
            yield call.called.route, call.called.path
        crossed = () if calls else self._history.crossings_at(upstream)
        for event in within(crossed, self._struck.window):
            if event.what == "request":
                path = event.path or ""
                route = f"{event.method} {path.partition('?')[0]}" if event.method else _NO_HTTP
                yield route, path

    def _instead(self) -> str:
        during = window(self._struck.window)
        subject = self._fault.subject
        if self._made and self._fault.selective:
            came = plural(self._made, "call")
            return f"{came} came in {during}, and none was one of those that it picks"
        if self._made and isinstance(self._fault, faults.Truncate):
            return f"no body was longer than {self._fault.after} B, so each arrived whole"
        called = self._calls()
        if self._fault.revoked is not None and not self._needing:
            return f"no request that calls {subject} as {self._fault.revoked} was sent in {during}"
        if called:
            hint = did_you_mean(self._fault.on, called) if self._fault.on is not None else ""
            return f"called meanwhile: {_listed(called)}{hint}"
        if self._needing:
            sent = plural(len(self._needing), "request")
            return f"{sent} of the kind that calls {subject} were sent in {during}, and none did"
        return f"no request that calls {subject} was sent in {during}"


def _listed(called: dict[str, list[str]]) -> str:
    """`GET /stock/7 12x, POST /pay 12x`, the most frequent first."""
    often = sorted(called.items(), key=lambda item: (-len(item[1]), item[0]))
    words = []
    for route, paths in often[:_MOST_ROUTES]:
        alike = route != _NO_HTTP and len(set(paths)) == 1
        shown = f"{route.partition(' ')[0]} {paths[0]}" if alike else route
        words.append(f"{shown} {len(paths)}x")
    more = len(often) - _MOST_ROUTES
    return ", ".join(words) + (f" and {plural(more, 'other route')}" if more > 0 else "")
