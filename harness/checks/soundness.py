"""Whether a run may be judged at all: what went wrong with it is no fault of the target.

What is found here is inconclusive, so that such a run is never green. How failures then stand:

* the steady state did not hold, or the outage could not touch the traffic: nothing is held against
  the target;
* a fault met nobody by the scenario's own mistake, waited in vain for its event, or counted calls
  that no request caused: no expectation is held against the target, but promises, which need no
  outage, are;
* something else went wrong (a fault came late, a part of the world died): only what a sound target
  shows at no time, whatever befalls it, stays failed (`Finding.timeless`);
* a busy machine made a fault or requests late: nothing passes, and what fails with patience for all
  that was measured (`patience.py`) stays failed.

Engines record when things happened, and judge no lateness; this does. Where a busy machine was
measured to be why (`noise.py`), the finding says so, so that the scenario can be played again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from msgspec.structs import replace

from harness.checks.begun import in_vain
from harness.checks.case import Case
from harness.checks.hits import Miss, in_force, misses
from harness.checks.miscounted import miscounted
from harness.checks.noise import Noise
from harness.checks.steady import broken_streams, is_healthy
from harness.checks.traffic import shown_status
from harness.checks.wording import seconds
from harness.frozen import Frozen
from harness.history.events import Ended, Phase, Trouble
from harness.history.view import FaultWindow, History
from harness.units import plural
from harness.verdict import Finding, Verdict, of_run

LATE_FAULT_S = 0.25
"""A fault that comes or goes later than this, and than the clocks' error, spoils the run."""
LATE_PROCESS_FAULT_S = 2.0
"""The same for faults of a process, which takes a moment to start."""
_TURNS = 3
"""So often at least the harness asks a proxy for a fault and hears of it: connect, ask, confirm."""
HELD_UP_S = 0.5
"""Waits of so much within a second may be why something wasn't ready or answered in its time."""
LATE_P99_S = 0.25
"""Above this share of lateness the traffic was not what the scenario says."""


class Soundness(Frozen, kw_only=True):
    """What is wrong with a run itself."""

    findings: tuple[Finding, ...] = ()
    unhealthy: bool = False
    """The steady state did not hold, or the outage could not touch the traffic."""
    troubled: bool = False
    """Something else went wrong that may explain what was seen."""
    pointless: bool = False
    """A fault met nobody, never began or met others than it was meant for, by no part of the
    target's.
    """

    @property
    def noise(self) -> bool:
        """Whether all that went wrong did so for noise alone."""
        return all(finding.noise for finding in self.findings)

    def tempered(self, finding: Finding, *, promised: bool = False) -> Finding:
        """A failure that may be the run's own doing is inconclusive.

        `promised`: it breaks what holds in every run, whatever the scenario is about.
        """
        if finding.verdict is not Verdict.FAILED:
            return finding
        spoilt = self.troubled or (self.pointless and not promised)
        if self.unhealthy or (spoilt and not finding.timeless):
            why = "not held against the target, as the run itself went wrong"
            return replace(
                finding,
                verdict=Verdict.INCONCLUSIVE,
                evidence=f"{finding.evidence}; {why}",
                noise=self.noise,
            )
        return finding


def soundness(case: Case) -> Soundness:
    """Look at the run itself: its end, its troubles, its steady state, its faults, its lateness."""
    unhealthy = (*_unsteady(case), *_untouched(case))
    broken, untimely = (*_troubles(case), *_cut_short(case)), tuple(_untimely(case))
    sound = not (unhealthy or broken or untimely)
    missed, waited = (misses(case), tuple(in_vain(case))) if sound else ((), ())
    astray = tuple(miscounted(case, in_force(case))) if sound else ()
    never = (*map(_missed, missed), *waited, *astray)
    return Soundness(
        findings=(*broken, *untimely, *unhealthy, *never, *_late_requests(case)),
        unhealthy=bool(unhealthy),
        # What a busy machine delayed is waited for with patience; what broke is missing.
        troubled=bool(broken) or any(not finding.noise for finding in untimely),
        pointless=bool(waited or astray) or any(miss.by_mistake for miss in missed),
    )


def _troubles(case: Case) -> Iterator[Finding]:
    troubles = case.history.troubles
    if troubles:
        yield of_run(
            "nothing goes wrong",
            "no trouble of the run's own",
            "; ".join(dict.fromkeys(troubles)),
            f"{plural(len(troubles), 'trouble')} recorded by the engine",
            noise=held_up(case.history, case.noise),
        )


def held_up(history: History, noise: Noise) -> bool:
    """Whether all troubles are that something wasn't ready, or didn't answer, in its time, and the
    machine was measured to be busy enough to be why.
    """
    return bool(history.troubles) and all(
        event.late and noise.burst_s(-math.inf, event.at_s) >= HELD_UP_S
        for event in history.all(Trouble)
    )


def _cut_short(case: Case) -> Iterator[Finding]:
    phases = {event.phase for event in case.history.all(Phase)}
    if case.history.troubles and "end" not in phases:
        return  # the trouble says why
    end_s, duration_s = case.history.end_s, case.scenario.duration
    if "play" not in phases:
        observed = "it never began"
    elif "end" not in phases or end_s < duration_s - LATE_FAULT_S:
        observed = f"it ended at {seconds(end_s)}"
    else:
        return
    yield of_run(
        "plays to the end", f"a play of {seconds(duration_s)}", observed, "phases of the run"
    )


def _unsteady(case: Case) -> Iterator[Finding]:
    if not case.history.all(Phase):
        return
    last, broken = case.witness.warm_up.last, broken_streams(case)
    for name, stream in case.scenario.traffic.items():
        request = last.get(name)
        if is_healthy(request, stream) or name in broken:
            continue
        observed = "no warm-up request" if request is None else shown_status(request, case)
        yield of_run(
            f"steady state of {name}",
            f"{stream.healthy} before the outage",
            observed,
            f"last warm-up request of {name}, {stream.request}",
            noise=_held_up_at_first(case),
        )


def _untouched(case: Case) -> Iterator[Finding]:
    if not case.history.warm_up:
        return
    own = case.history.run.upstreams
    named = [fault for fault in case.scenario.faults if not fault.of_all]
    singled = dict.fromkeys(name for fault in named for name in fault.upstreams)
    reached = [name for name in own if case.witness.warm_up.through_proxy(name)]
    for upstream in case.scenario.faulted_upstreams if not reached else singled:
        if upstream in own and upstream not in reached:
            yield of_run(
                f"traffic reaches {upstream}",
                f"warm-up requests at {upstream}",
                f"none: an outage of {upstream} could not touch this traffic",
                ", ".join(case.history.run.evidence) or "no evidence at all",
                noise=_held_up_at_first(case),
            )


def _missed(miss: Miss) -> Finding:
    """A fault that met nobody: the play shows nothing of what it was written for."""
    return of_run(
        f"{miss.hits.name}, meets a call",
        "at least one",
        f"it {miss.hits.words}; {miss.instead}",
        miss.hits.note or "each call that was seen while it lasted",
    )


def _held_up_at_first(case: Case) -> bool:
    """Whether the machine may be why the warm-up did not get healthy in its time."""
    return case.noise.burst_s(-math.inf, 0.0) >= HELD_UP_S


def _untimely(case: Case) -> Iterator[Finding]:
    """Faults that came or went late, or not at all; the engine's own account comes first."""
    history, scenario = case.history, case.scenario
    if history.all(Ended):
        return  # the simulation plays nothing without a target
    if history.troubles or not any(event.phase == "end" for event in history.all(Phase)):
        return
    error_s = history.run.clock_error_s
    real = {window.fault: window for window in history.faults}
    told: set[int] = set()
    for index, fault in enumerate(scenario.faults):
        if scenario.number_of(index) in told:
            continue  # one that comes and goes is late once
        if fault.from_ >= scenario.duration or not case.has_any(fault.upstreams):
            continue
        process = fault.where == "process"
        tolerance_s = error_s + (LATE_PROCESS_FAULT_S if process else LATE_FAULT_S)
        found, planned = real.get(index), (fault.from_, scenario.fault_end_s(index))
        problem = _lateness(found, *planned, tolerance_s)
        if problem is not None:
            name: str = fault.fault
            told.add(scenario.number_of(index))
            yield of_run(
                f"fault {scenario.number_of(index)}, {name} on {fault.subject}, is on time",
                f"within {seconds(tolerance_s)}",
                problem,
                "instants confirmed by the engine",
                noise=_explained(case, found, *planned, tolerance_s),
            )


def _lateness(
    real: FaultWindow | None, start_s: float, end_s: float, tolerance_s: float
) -> str | None:
    if real is None:
        return "it was never applied"
    if abs(real.start_s - start_s) > tolerance_s:
        return f"applied at {seconds(real.start_s)} instead of {seconds(start_s)}"
    if real.end_s == float("inf"):
        return "it was never lifted"
    if abs(real.end_s - end_s) > tolerance_s:
        return f"lifted at {seconds(real.end_s)} instead of {seconds(end_s)}"
    return None


def _explained(
    case: Case, real: FaultWindow | None, start_s: float, end_s: float, tolerance_s: float
) -> bool:
    """Whether what was measured makes up for all that a fault came and went too late.

    It takes a few turns of the loop, each of them as late as all that was waited. Those planned for
    one instant come one after another: each has begun when the one before it was confirmed.
    """
    if real is None:
        return False
    confirmed_s = [at_s for one in case.history.faults for at_s in (one.start_s, one.end_s)]
    for planned_s, at_s in ((start_s, real.start_s), (end_s, real.end_s)):
        begun_s = max((one for one in confirmed_s if planned_s < one < at_s), default=planned_s)
        late_s = (at_s - begun_s - tolerance_s) / _TURNS
        if not case.noise.explains(late_s, begun_s, at_s):
            return False
    return True


def lateness_s(case: Case) -> dict[str, float]:
    """How late the requests of the play left, in seconds: p50, p99 and max (nearest rank)."""
    late = sorted(max(0.0, r.at_s - r.planned_s) for r in case.history.requests)
    if not late:
        return {"p50": 0.0, "p99": 0.0, "max": 0.0}
    last = len(late) - 1
    return {"p50": late[round(0.5 * last)], "p99": late[round(0.99 * last)], "max": late[-1]}


def _late_requests(case: Case) -> Iterator[Finding]:
    found = lateness_s(case)
    if found["p99"] > LATE_P99_S:
        yield of_run(
            "requests leave on time",
            f"99 of 100 within {seconds(LATE_P99_S)}",
            f"p99 {seconds(found['p99'])}, at most {seconds(found['max'])} late",
            f"{plural(len(case.history.requests), 'request')}; {case.noise.worst()}",
            noise=True,
        )
