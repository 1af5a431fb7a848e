"""Outages that every exploration begins with: where breakers are wrong most often, nothing drawn.

Each is aimed at one upstream by its n, T, N and W and takes well under a second, so that the
commonest mistakes are found at once, whatever chance would have drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from harness.explore.courses import Course, courses, failing, near_s, trying
from harness.explore.kinds import Raw, delay
from harness.explore.outage import LONGEST_S, Flow, Outage, step_up
from harness.explore.surface import Route, Surface
from harness.policy.outage import call_s, needed_rate_per_s, trip_s
from harness.policy.settings import ServiceSettings
from harness.policy.telling import at_once, borders, closing, diluting

_DOWN: Raw = {"fault": "status", "status": 503}
_BUSY: Raw = {"fault": "status", "status": 429}
_CROWD = 4
_SOON_S = 0.3
_SETTLED_S = 2.0
"""How long it goes on after a course's last request."""
_WELL_S = 6.0
"""How long it goes on after the last that is expected to happen."""

Bursts = tuple[tuple[int, float], ...]


class Plot(NamedTuple):
    """Faults, bursts, and when it all ends."""

    faults: list[Raw]
    bursts: Bursts
    end_s: float
    steady: bool = True
    """Whether a request a second is sent, too, or as many as it takes: throughout where there are
    no bursts, else until the breaker has opened.
    """


def openings(surface: Surface, upstreams: Sequence[str]) -> Iterator[Outage]:
    """All of them for each upstream: first one kind for all upstreams, in the order given."""
    for words in PLOTS:
        for upstream in upstreams:
            route = next((one for one in surface.calling(upstream) if one.own), None)
            if route is not None:
                yield from plotted(words, route, upstream, surface.settings[upstream])


def plotted(words: str, route: Route, upstream: str, own: ServiceSettings) -> Iterator[Outage]:
    """The outages of one kind, named in `PLOTS`, on an upstream that a route calls."""
    plots = (plot for plot in PLOTS[words](own) if plot.end_s <= LONGEST_S)
    yield from (_outage(route, upstream, own, plot) for plot in plots)


def _outage(route: Route, upstream: str, own: ServiceSettings, plot: Plot) -> Outage:
    end_s = plot.end_s
    flow = Flow(
        name=route.name,
        route=route.name,
        raw=route.raw,
        to_s=_opened_s(own) + 1 if plot.bursts else end_s,
        rate_per_s=needed_rate_per_s(own) if plot.steady else None,
        bursts=plot.bursts,
    )
    return Outage(
        flows=(flow,),
        faults=tuple({"upstream": upstream, **fault} for fault in plot.faults),
        duration_s=end_s,
    )


def _opened_s(own: ServiceSettings, attempt_s: float = 0.0) -> float:
    rate_per_s = needed_rate_per_s(own)
    return step_up(trip_s(own, rate_per_s=rate_per_s, start_s=0.0, attempt_s=attempt_s)) + 0.5


def _fault(kind: Raw, from_s: float, to_s: float, **more: object) -> Raw:
    return {**kind, **more, "from": from_s, "to": to_s}


def _down_for_long(own: ServiceSettings) -> Iterator[Plot]:
    """Down until two probes have failed (B2, B4, B6)."""
    wait = own.breaker.wait
    to_s = _opened_s(own) + sum(wait.wait_s(times) + wait.later_s + 2 for times in (1, 2))
    yield Plot([_fault(_DOWN, 0.0, to_s)], (), to_s + own.open_after_s(to_s) + _WELL_S)


def _crowd_meets_the_probe(own: ServiceSettings) -> Iterator[Plot]:
    """Well again but slow when the probe is due, and several come at once (B4)."""
    opened_s = _opened_s(own)
    due_s = opened_s + own.wait_s
    slow = delay(0.6 * own.timeout_s)
    faults = [_fault(_DOWN, 0.0, opened_s), _fault(slow, opened_s + 1, due_s + 4)]
    crowd = max(_CROWD, at_once(own.breaker.trials) + 2)
    end_s = due_s + own.timeout_s + _WELL_S
    yield Plot(faults, ((crowd, due_s - 0.4), (crowd, due_s + 1.1)), end_s)


def _trials_at_the_border(own: ServiceSettings) -> Iterator[Plot]:
    """As many trials fail as just close it, or open it again (B4)."""
    opened_s = _opened_s(own)
    wait = own.breaker.wait
    for results in borders(own.breaker.trials):
        course = trying(results, own, opened_s + wait.wait_s(1) + wait.later_s + 1)
        faults = [_fault(_DOWN, 0.0, opened_s), *_failing(course, own)]
        yield Plot(faults, _asks(course), course[-1].at_s + _SETTLED_S)


def _fails_after_recovery(own: ServiceSettings) -> Iterator[Plot]:
    """The trials succeed, and the next attempt fails, soon after all of it (B4: the count began
    anew).
    """
    opened_s = _SOON_S + call_s(own, own.attempts) + 0.5
    trials = closing(own.breaker.trials) or 1
    wait = own.breaker.wait
    again_s = opened_s + wait.wait_s(1) + wait.later_s
    results = (*[False] * trials, True, *[False] * (own.failures > 1))
    course = trying(results, own, again_s)
    faults = [_fault(_DOWN, 0.0, opened_s), *_failing(course, own)]
    bursts = ((own.enough, _SOON_S), *_asks(course))
    yield Plot(faults, bursts, course[-1].at_s + _SETTLED_S, steady=False)


def _probe_told_to_wait(own: ServiceSettings) -> Iterator[Plot]:
    """The probe is answered 429, which is neither success nor failure (B1)."""
    opened_s = _opened_s(own)
    end_s = opened_s + own.wait_s + _WELL_S + 2
    told = _fault(_BUSY, opened_s + 0.5, end_s, first=1)
    yield Plot([_fault(_DOWN, 0.0, opened_s), told], (), end_s)


def _courses(own: ServiceSettings) -> Iterator[Plot]:
    """What tells its rule from those that it is taken for (B1, B2)."""
    for course in courses(own):
        yield Plot(_failing(course, own), _asks(course), course[-1].at_s + _SETTLED_S, steady=False)


def _failing(course: Course, own: ServiceSettings) -> list[Raw]:
    """The faults of a course."""
    return [
        _fault(_DOWN, from_s, to_s, **({} if first is None else {"first": first}))
        for from_s, to_s, first in failing(course, own)
    ]


def _asks(course: Course) -> Bursts:
    return tuple((1, ask.at_s) for ask in course)


def _busy_between(own: ServiceSettings) -> Iterator[Plot]:
    """Failures that are too few, many calls that are told to wait, and failures again (B1)."""
    numbers = diluting(own.breaker.opens, 1 if own.counting.by_call else own.attempts)
    if numbers is None:
        return
    before = trying((True,) * numbers.before, own, _SOON_S)[:-2]
    margin_s = near_s(own) / 2
    busy_s = round(before[-1].at_s + call_s(own, own.attempts) + 2 * margin_s, 2)
    after = trying((True,) * numbers.after, own, busy_s + 2 * margin_s)
    faults = [
        _fault(_DOWN, 0.0, round(busy_s - margin_s, 2)),
        _fault(_BUSY, round(busy_s - margin_s, 2), round(busy_s + margin_s, 2)),
        *_failing(after, own),
    ]
    bursts = (*_asks(before), (numbers.between, busy_s), *_asks(after))
    yield Plot(faults, bursts, after[-1].at_s + _SETTLED_S, steady=False)


def _silent(own: ServiceSettings) -> Iterator[Plot]:
    """No answers: late results, and a timer that must not run from the call's start (B4 to B6)."""
    to_s = _opened_s(own, own.timeout_s) + own.wait_s + own.timeout_s
    end_s = to_s + own.open_after_s(to_s) + _WELL_S
    yield Plot([_fault({"fault": "blackhole"}, 0.0, to_s)], (), end_s)


def _late_success(own: ServiceSettings) -> Iterator[Plot]:
    """The first call succeeds when others have long opened the breaker (B5)."""
    late = delay(0.9 * own.timeout_s)
    opened_s = _opened_s(own) + 1
    faults = [
        _fault(late, 0.0, 0.05, first=1),
        _fault(_DOWN, 0.05, opened_s + own.wait_s / 2),
    ]
    bursts = ((own.failures, 0.3), (1, 0.9 * own.timeout_s + 0.5), (1, 0.9 * own.timeout_s + 1.5))
    yield Plot(faults, bursts, opened_s + own.wait_s + _WELL_S)


def _odd(own: ServiceSettings) -> Iterator[Plot]:
    """As many answers as open it of each kind that isn't a failure to everybody (B1): without
    sense, refusals, late ones.
    """
    # Surely slow, where that counts: a good deal longer than is still well, and not too long.
    slow_s = own.counting.slow_s
    between_s = (slow_s + own.timeout_s) / 2 if slow_s < own.timeout_s else 0.0
    slow = delay(max(0.8 * own.timeout_s, between_s))
    apart_s = near_s(own)
    for kind in ({"fault": "malformed"}, {"fault": "status", "status": 404}, _BUSY, slow):
        sent = [round(_SOON_S + n * apart_s, 2) for n in range(own.failures + 1)]
        to_s = round(sent[-1] + apart_s / 2, 2)
        seen_s = [step_up(to_s + own.timeout_s), step_up(to_s + own.timeout_s) + 0.5]
        bursts = tuple((1, at_s) for at_s in (*sent, *seen_s))
        yield Plot([_fault(kind, 0.0, to_s)], bursts, seen_s[-1] + 1, steady=False)


PLOTS: dict[str, Callable[[ServiceSettings], Iterator[Plot]]] = {
    "down for long": _down_for_long,
    "a crowd when it tries again": _crowd_meets_the_probe,
    "failing again once it is back": _fails_after_recovery,
    "failures around what opens its breaker": _courses,
    "failures around what opens it again": _trials_at_the_border,
    "too busy between failures": _busy_between,
    "too busy when it is tried again": _probe_told_to_wait,
    "silent": _silent,
    "a success that comes late": _late_success,
    "odd answers": _odd,
}
"""Every kind by what befalls the upstream, in words."""
