"""From a judged case to its scene: nothing is inferred here, all was worked out for judging."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

from harness.checks.brackets import Brackets, brackets_of
from harness.checks.case import Case, unless_broken
from harness.checks.scope import promised
from harness.contracts.promises import OPENS
from harness.history.events import Charged, Event, Run, Trouble
from harness.history.requests import Request
from harness.history.view import FaultWindow, History
from harness.judge import judge_case, uncollected
from harness.policy.settings import ServiceSettings
from harness.report.scene.model import (
    Band,
    BreakerView,
    Scene,
    Try,
    UpstreamView,
    Veil,
)
from harness.scenario.model import Scenario
from harness.units import Range, format_duration
from harness.verdict import Judgement, Verdict
from harness.wire.attempts import Attempt
from harness.wire.wire import Wire

_WORTH_A_VEIL_S = 0.02
_MOST_VEILS = 500
_WRONG = (Verdict.FAILED, Verdict.INCONCLUSIVE)


def judge_and_observe(
    scenario: Scenario, events: Sequence[Event]
) -> tuple[Judgement, Scene | None]:
    """Judge one run, and keep what it looked like while all of it is at hand."""
    case = Case(scenario, History(events))
    with uncollected():
        judgement = judge_case(case)
        return judgement, observe(case, judgement)


def observe(case: Case, judgement: Judgement) -> Scene | None:
    """What one play looked like; None where nothing was played.

    What a damaged history keeps from being worked out is left out: its findings say so.
    """
    history = case.history
    if not history.all(Run):
        return None
    upstreams: list[UpstreamView] = []
    away: dict[int, tuple[str, ...]] = defaultdict(tuple)
    brackets = unless_broken(lambda: brackets_of(case), {})
    for name in history.run.upstreams:
        try:
            wire = case.wire(name)
            upstreams.append(_upstream(case, wire, brackets.get(name, Brackets())))
            for request in wire.turned_away:
                away[request.id] += (name,)
        except Exception:  # the expectations that need it say what broke
            continue
    # Else the arithmetic says what nobody promised.
    opens = all(promised(case, (OPENS,), name) for name in history.run.upstreams)
    return Scene(
        scenario=case.scenario,
        end_s=max(case.scenario.duration, history.end_s),
        bands=tuple(_bands(case, judgement)),
        upstreams=tuple(upstreams),
        streams=dict.fromkeys(case.scenario.traffic, ()) | history.streams,
        turned_away=dict(away),
        charges=tuple(charge for charge in history.all(Charged) if charge.at_s >= 0),
        logs=tuple(line for line in history.logs if line.at_s >= 0),
        veils=tuple(_veils(case)),
        forecast=unless_broken(lambda: case.forecast, None)
        if judgement.verdict in _WRONG and opens
        else None,
        troubles=tuple((event.at_s, event.what) for event in history.all(Trouble)),
    )


def _bands(case: Case, judgement: Judgement) -> Iterator[Band]:
    real: dict[int, list[FaultWindow]] = defaultdict(list)
    for window in case.history.faults:
        real[case.scenario.number_of(window.fault)].append(window)
    present = case.history.run.upstreams
    for hits in judgement.faults:
        first, last = real[hits.fault][0], real[hits.fault][-1]
        yield Band(
            hits=hits,
            upstreams=tuple(name for name in first.upstreams if name in present),
            planned_s=(first.planned.start_s, last.planned.end_s),
        )


def _upstream(case: Case, wire: Wire, wanted: Brackets) -> UpstreamView:
    name, scenario = wire.upstream, case.scenario
    spoken_of = {each for expectation in scenario.expect for each in expectation.upstreams}
    owed = bool(promised(case, (OPENS,), name))
    return UpstreamView(
        name=name,
        concerned=name in scenario.faulted_upstreams or name in spoken_of,
        settings=_settings(wire.settings) if owed else "nothing promised of it is judged",
        promised=owed and not wire.settings.breaker.absent,
        breaker=BreakerView(
            changes=tuple(change for change in wire.transitions if change.at_s >= 0),
            perhaps_open=tuple(
                Range(max(0.0, span.low), min(span.high, case.history.end_s))
                for span in wire.changes.perhaps_open
                if span.high > 0
            ),
            reported=case.history.reported(name),
            wanted=wanted,
            causes=tuple(c.says for c in wire.causes if promised(case, c.breaks, name)),
            conflicts=wire.changes.conflicts,
        ),
        tries=tuple(_tries(case, wire)),
        queue=None if wire.queue is None else wire.queue.says,
    )


def _settings(own: ServiceSettings) -> str:
    rules = own.breaker
    call = f"{own.attempts} × {format_duration(own.timeout_s)} a call"
    if rules.absent:
        return f"{call}, no breaker"
    return f"{call}, opens at {rules.opens.says} ({own.counts}), for {rules.wait.says}"


def _tries(case: Case, wire: Wire) -> Iterator[Try]:
    if not wire.attempts and not wire.background:
        return
    again = {a.id: k for call in wire.calls for k, a in enumerate(call[1:], start=2)}
    owners: list[Request | None] = [None] * (1 + max((a.id for a in wire.attempts), default=-1))
    for asking in case.history.requests:
        for attempt in wire.made_for(asking):
            if attempt.id < len(owners):
                owners[attempt.id] = asking
    implied = {a.request for a in wire.attempts if a.request is not None}
    waited = {r.id: r for r in case.history.requests if r.id in implied}
    faults = case.history.faults_on(wire.upstream)
    before = {b.id: a for call in wire.calls for a, b in pairwise(call)}
    without = sorted((d.request.at_s, d.request.end_s) for d in wire.demands if d.outcome != "made")
    came_s = [at_s for at_s, _ in without]
    longest_s = [-math.inf, *accumulate((end_s for _, end_s in without), max)]
    for attempt in wire.attempts:
        met = (
            case.scenario.number_of(window.fault)
            for window in faults
            if wire.sight.met(window, attempt.start_s, attempt.end_s, attempt.met)
        )
        owner, request = attempt.request, owners[attempt.id]
        number = None if request is None else again.get(attempt.id, 1)
        if owner is not None:
            request = waited.get(owner)
        elif request is not None:
            owner = request.id
        if request is not None and attempt.start_s > request.end_s:
            number = None  # a trace that came in late: of which attempt, nobody knows
        elif owner is not None and number != 1 and not wire.told_apart(owner, attempt):
            number = None
        elif number is not None and number > 1:
            # Where the one before goes on it may be the first of somebody who is without any.
            goes_on = before[attempt.id].over_s > attempt.start_s
            waiting = longest_s[bisect_right(came_s, attempt.start_s)] > attempt.start_s
            if goes_on and waiting:
                number = None
        yield Try(
            attempt=attempt,
            number=number,
            request=owner,
            until_s=_until_s(attempt, request, case.history.end_s),
            met=tuple(dict.fromkeys(met)),
        )
    for attempt in wire.background:
        until_s = _until_s(attempt, None, case.history.end_s)
        yield Try(attempt=attempt, number=0, request=None, until_s=until_s)


def _until_s(attempt: Attempt, request: Request | None, played_s: float) -> float:
    """When an attempt was over: a client without a deadline goes on waiting as long as its
    connection is open and its request unanswered. Beyond the end of the play nobody saw anything.
    """
    until_s = attempt.end_s
    if request is not None:
        until_s = max(until_s, min(attempt.over_s, request.end_s))
    return max(attempt.start_s, min(until_s, played_s))


def _veils(case: Case) -> Iterator[Veil]:
    """The longest waits, by instant."""
    waits = [w for w in case.noise.waits if w.wait_s >= _WORTH_A_VEIL_S and w.end_s >= 0]
    kept = sorted(waits, key=lambda wait: -wait.wait_s)[:_MOST_VEILS]
    for wait in sorted(kept, key=lambda each: each.start_s):
        if math.isfinite(wait.wait_s):
            yield Veil(
                start_s=max(0.0, wait.start_s),
                end_s=wait.end_s,
                wait_s=wait.wait_s,
                words=str(wait),
            )
