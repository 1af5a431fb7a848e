"""Outages that every exploration begins with: where breakers are wrong most often, nothing drawn.

Each is aimed at one upstream by its n, T, N and W and takes well under a second, so that the
commonest mistakes are found at once, whatever chance would have drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from harness.explore.instants import forgets_by_itself, forgets_s, seldom, step_up, trip_s
from harness.explore.kinds import Raw, delay
from harness.explore.outage import Flow, Outage
from harness.explore.surface import Offered, Surface
from harness.policy.settings import ServiceSettings

_DOWN: Raw = {"fault": "status", "status": 503}
_CROWD = 4
_LONG_S = 30.0
"""For so long failures come now and then."""
_WELL_S = 6.0
"""How long it goes on after the last that is expected to happen."""

Bursts = tuple[tuple[int, float], ...]


class Plot(NamedTuple):
    """Faults, bursts, and when it all ends."""

    faults: list[Raw]
    bursts: Bursts
    end_s: float
    steady: bool = True
    """Whether a request a second is sent, too: throughout where there are no bursts, else until the
    breaker has opened.
    """


def openings(surface: Surface, upstreams: Sequence[str]) -> Iterator[Outage]:
    """All of them for each upstream: first one kind for all upstreams, in the order given."""
    for plot in _PLOTS:
        for upstream in upstreams:
            own = surface.settings[upstream]
            offered = next((o for o in surface.calling(upstream) if o.route.own), None)
            planned = plot(own)
            if offered is not None and planned.faults:
                yield _outage(offered, upstream, own, planned)


def _outage(offered: Offered, upstream: str, own: ServiceSettings, plot: Plot) -> Outage:
    route, end_s = offered.route, plot.end_s
    flow = Flow(
        name=route.name,
        route=route.name,
        raw=route.raw,
        to_s=_opened_s(own) + 1 if plot.bursts else end_s,
        rate_per_s=1.0 if plot.steady else None,
        bursts=plot.bursts,
    )
    return Outage(
        flows=(flow,),
        faults=tuple({"upstream": upstream, **fault} for fault in plot.faults),
        duration_s=end_s,
    )


def _opened_s(own: ServiceSettings, attempt_s: float = 0.0) -> float:
    return step_up(trip_s(own, rate_per_s=1.0, start_s=0.0, attempt_s=attempt_s)) + 0.5


def _fault(kind: Raw, from_s: float, to_s: float, **more: object) -> Raw:
    return {**kind, **more, "from": from_s, "to": to_s}


def _down_for_long(own: ServiceSettings) -> Plot:
    """Down until two probes have failed (B2, B4, B6)."""
    wait = own.breaker.wait
    to_s = _opened_s(own) + sum(wait.wait_s(times) + wait.later_s + 2 for times in (1, 2))
    return Plot([_fault(_DOWN, 0.0, to_s)], (), to_s + own.open_after_s(to_s) + _WELL_S)


def _crowd_meets_the_probe(own: ServiceSettings) -> Plot:
    """Well again but slow when the probe is due, and several come at once (B4)."""
    opened_s = _opened_s(own)
    due_s = opened_s + own.wait_s
    slow = delay(0.6 * own.timeout_s)
    faults = [_fault(_DOWN, 0.0, opened_s), _fault(slow, opened_s + 1, due_s + 4)]
    return Plot(
        faults, ((_CROWD, due_s - 0.4), (_CROWD, due_s + 1.1)), due_s + own.timeout_s + _WELL_S
    )


def _fails_after_recovery(own: ServiceSettings) -> Plot:
    """The probe succeeds, and the next attempt fails (B4: the count began anew)."""
    opened_s = _opened_s(own)
    end_s = opened_s + own.wait_s + _WELL_S + 2
    again = _fault(_DOWN, opened_s + 0.5, end_s, calls="2..2")
    return Plot([_fault(_DOWN, 0.0, opened_s), again], (), end_s)


def _probe_told_to_wait(own: ServiceSettings) -> Plot:
    """The probe is answered 429, which is neither success nor failure (B1)."""
    opened_s = _opened_s(own)
    end_s = opened_s + own.wait_s + _WELL_S + 2
    told = _fault({"fault": "status", "status": 429}, opened_s + 0.5, end_s, first=1)
    return Plot([_fault(_DOWN, 0.0, opened_s), told], (), end_s)


def _two_runs(own: ServiceSettings) -> Plot:
    """One failure too few, a success, and again one too few (B1); nothing where one opens."""
    few = own.failures - 1
    end_s = 2 * own.failures + _WELL_S
    runs = (f"1..{few}", f"{few + 2}..{2 * few + 1}") if few else ()
    return Plot([_fault(_DOWN, 0.0, end_s, calls=calls) for calls in runs], (), end_s)


def _now_and_then(own: ServiceSettings) -> Plot:
    """As many failures as never open it, for long: it must not open, nor turn anybody away."""
    one_in, to_s = seldom(own.breaker.opens), _LONG_S
    faults = [] if one_in is None else [_fault(_DOWN, 0.0, to_s, one_in=one_in)]
    return Plot(faults, (), to_s + _WELL_S)


def _long_ago(own: ServiceSettings) -> Plot:
    """Failures that are too few, a success, and the same when its rule has forgotten all of it."""
    pause_s, each = forgets_s(own.breaker.opens), 1 if own.counting.by_call else own.attempts
    requests = (own.failures - 1) // each
    if pause_s is None or not requests:
        return Plot([], (), 0.0)
    backoffs_s = sum(own.backoff.between_s(number)[1] for number in range(1, own.attempts))
    call_s = step_up(backoffs_s + 0.5)
    again_s = step_up(call_s + 1 + pause_s)
    faults = [_fault(_DOWN, 0.0, call_s), _fault(_DOWN, again_s - 0.2, again_s + call_s)]
    between = () if forgets_by_itself(own.breaker.opens) else ((1, call_s + 0.5),)
    well = (*between, (1, again_s + call_s + 1))
    end_s = again_s + call_s + _WELL_S
    return Plot(faults, ((requests, 0.1), (requests, again_s), *well), end_s, steady=False)


def _silent(own: ServiceSettings) -> Plot:
    """No answers: late results, and a timer that must not run from the call's start (B4 to B6)."""
    to_s = _opened_s(own, own.timeout_s) + own.wait_s + own.timeout_s
    end_s = to_s + own.open_after_s(to_s) + _WELL_S
    return Plot([_fault({"fault": "blackhole"}, 0.0, to_s)], (), end_s)


def _late_success(own: ServiceSettings) -> Plot:
    """The first call succeeds when others have long opened the breaker (B5)."""
    late = delay(0.9 * own.timeout_s)
    opened_s = _opened_s(own) + 1
    faults = [
        _fault(late, 0.0, 0.05, first=1),
        _fault(_DOWN, 0.05, opened_s + own.wait_s / 2),
    ]
    bursts = ((own.failures, 0.3), (1, 0.9 * own.timeout_s + 0.5), (1, 0.9 * own.timeout_s + 1.5))
    return Plot(faults, bursts, opened_s + own.wait_s + _WELL_S)


def _not_json(own: ServiceSettings) -> Plot:
    """Answers that no parser takes: successes to the breaker, and no 500 to a user (B1)."""
    del own
    return Plot([_fault({"fault": "malformed"}, 0.0, 3.5)], (), _WELL_S)


_PLOTS: tuple[Callable[[ServiceSettings], Plot], ...] = (
    _down_for_long,
    _crowd_meets_the_probe,
    _fails_after_recovery,
    _two_runs,
    _now_and_then,
    _long_ago,
    _probe_told_to_wait,
    _silent,
    _late_success,
    _not_json,
)
