"""Outages that every exploration begins with: where breakers are wrong most often, nothing drawn.

Each is aimed at one upstream by its n, T, N and W and takes well under a second, so that the
commonest mistakes are found at once, whatever chance would have drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from harness.explore.instants import step_up, trip_s
from harness.explore.kinds import Raw
from harness.explore.outage import Flow, Outage
from harness.explore.surface import Offered, Surface
from harness.settings import ServiceSettings

_DOWN: Raw = {"fault": "status", "status": 503}
_CROWD = 4
_WELL_S = 6.0
"""How long it goes on after the last that is expected to happen."""

Bursts = tuple[tuple[int, float], ...]
Plot = tuple[list[Raw], Bursts, float]
"""Faults, bursts, and when it all ends. A request a second is sent throughout where there are no
bursts, else until the breaker has opened."""


def openings(surface: Surface, upstreams: Sequence[str]) -> Iterator[Outage]:
    """All of them for each upstream: first one kind for all upstreams, in the order given."""
    for plot in _PLOTS:
        for upstream in upstreams:
            own = surface.settings[upstream]
            offered = next((o for o in surface.calling(upstream) if o.route.own), None)
            faults, bursts, end_s = plot(own)
            if offered is not None and faults:
                yield _outage(offered, upstream, own, (faults, bursts, end_s))


def _outage(offered: Offered, upstream: str, own: ServiceSettings, plot: Plot) -> Outage:
    faults, bursts, end_s = plot
    route = offered.route
    flow = Flow(
        name=route.name,
        route=route.name,
        raw=route.raw,
        to_s=_opened_s(own) + 1 if bursts else end_s,
        rate_per_s=1.0,
        bursts=bursts,
    )
    return Outage(
        flows=(flow,),
        faults=tuple({"upstream": upstream, **fault} for fault in faults),
        duration_s=end_s,
    )


def _opened_s(own: ServiceSettings, attempt_s: float = 0.0) -> float:
    return step_up(trip_s(own, rate_per_s=1.0, start_s=0.0, attempt_s=attempt_s)) + 0.5


def _fault(kind: Raw, from_s: float, to_s: float, **more: object) -> Raw:
    return {**kind, **more, "from": from_s, "to": to_s}


def _down_for_long(own: ServiceSettings) -> Plot:
    """Down until two probes have failed (B2, B4, B6)."""
    to_s = _opened_s(own) + 2 * (own.wait_s + 2)
    return [_fault(_DOWN, 0.0, to_s)], (), to_s + own.wait_s + _WELL_S


def _crowd_meets_the_probe(own: ServiceSettings) -> Plot:
    """Well again but slow when the probe is due, and several come at once (B4)."""
    opened_s = _opened_s(own)
    due_s = opened_s + own.wait_s
    slow: Raw = {"fault": "delay", "delay": f"{round(600 * own.timeout_s)}ms"}
    faults = [_fault(_DOWN, 0.0, opened_s), _fault(slow, opened_s + 1, due_s + 4)]
    return faults, ((_CROWD, due_s - 0.4), (_CROWD, due_s + 1.1)), due_s + own.timeout_s + _WELL_S


def _fails_after_recovery(own: ServiceSettings) -> Plot:
    """The probe succeeds, and the next attempt fails (B4: the count began anew)."""
    opened_s = _opened_s(own)
    end_s = opened_s + own.wait_s + _WELL_S + 2
    again = _fault(_DOWN, opened_s + 0.5, end_s, calls="2..2")
    return [_fault(_DOWN, 0.0, opened_s), again], (), end_s


def _probe_told_to_wait(own: ServiceSettings) -> Plot:
    """The probe is answered 429, which is neither success nor failure (B1)."""
    opened_s = _opened_s(own)
    end_s = opened_s + own.wait_s + _WELL_S + 2
    told = _fault({"fault": "status", "status": 429}, opened_s + 0.5, end_s, first=1)
    return [_fault(_DOWN, 0.0, opened_s), told], (), end_s


def _two_runs(own: ServiceSettings) -> Plot:
    """One failure too few, a success, and again one too few (B1); nothing where one opens."""
    few = own.failures - 1
    end_s = 2 * own.failures + _WELL_S
    runs = (f"1..{few}", f"{few + 2}..{2 * few + 1}") if few else ()
    return [_fault(_DOWN, 0.0, end_s, calls=calls) for calls in runs], (), end_s


def _silent(own: ServiceSettings) -> Plot:
    """No answers: late results, and a timer that must not run from the call's start (B4 to B6)."""
    to_s = _opened_s(own, own.timeout_s) + own.wait_s + own.timeout_s
    return [_fault({"fault": "blackhole"}, 0.0, to_s)], (), to_s + own.wait_s + _WELL_S


def _late_success(own: ServiceSettings) -> Plot:
    """The first call succeeds when others have long opened the breaker (B5)."""
    late: Raw = {"fault": "delay", "delay": f"{round(900 * own.timeout_s)}ms"}
    opened_s = _opened_s(own) + 1
    faults = [
        _fault(late, 0.0, 0.05, first=1),
        _fault(_DOWN, 0.05, opened_s + own.wait_s / 2),
    ]
    bursts = ((own.failures, 0.3), (1, 0.9 * own.timeout_s + 0.5), (1, 0.9 * own.timeout_s + 1.5))
    return faults, bursts, opened_s + own.wait_s + _WELL_S


def _not_json(own: ServiceSettings) -> Plot:
    """Answers that no parser takes: successes to the breaker, and no 500 to a user (B1)."""
    del own
    return [_fault({"fault": "malformed"}, 0.0, 3.5)], (), _WELL_S


_PLOTS: tuple[Callable[[ServiceSettings], Plot], ...] = (
    _down_for_long,
    _crowd_meets_the_probe,
    _fails_after_recovery,
    _two_runs,
    _probe_told_to_wait,
    _silent,
    _late_success,
    _not_json,
)
