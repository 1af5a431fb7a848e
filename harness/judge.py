"""From a scenario and the history of one run of it to a judgement: pure, whoever played it."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from msgspec.structs import replace

from harness.checks.begun import begun
from harness.checks.case import Case, unless_broken
from harness.checks.charges import totals
from harness.checks.hits import hits
from harness.checks.noise import Noise
from harness.checks.patience import judged
from harness.checks.promises import promises_of
from harness.checks.remarks import false_rejections, remarks
from harness.checks.scope import owed
from harness.checks.silence import silent_evidence
from harness.checks.soundness import Soundness, held_up, lateness_s, soundness
from harness.checks.steady import breaks, missing_route
from harness.checks.streams import streams
from harness.history.events import Event, Phase, Run
from harness.history.view import History
from harness.scenario.model import Scenario
from harness.verdict import Finding, Judgement, Transition, Verdict, of_run, worst

T = TypeVar("T")
_PLAYED = {"warm-up", "play"}
_NOTHING_JUDGED = of_run(
    "something is judged",
    "an expectation, or a promise that this run can show",
    "neither: the scenario has no `expect:`",
    "the scenario's file",
)


def judge(scenario: Scenario, events: Sequence[Event] | History) -> Judgement:
    """Judge one run. Never raises for whatever a history holds or lacks."""
    return judge_case(Case(scenario, events if isinstance(events, History) else History(events)))


def judge_case(case: Case) -> Judgement:
    """Likewise, for who goes on to ask the case what it has worked out."""
    with uncollected():
        return _judgement(case)


@contextmanager
def uncollected() -> Iterator[None]:
    """Without looking for garbage: what is worked out of a run is kept until it is judged, so that
    all of it would be looked at again and again in vain.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _judgement(case: Case) -> Judgement:
    scenario, history = case.scenario, case.history
    if not history.all(Run) or not {event.phase for event in history.all(Phase)} & _PLAYED:
        return _unplayed(scenario, history)
    findings, promises = _findings(case, soundness(case))
    verdict = _verdict(findings, promises)
    starts = {event.phase: event.at_s for event in reversed(history.all(Phase))}
    warm_up_s = starts.get("warm-up", 0.0)
    late = lateness_s(case)
    balance = totals(case)
    return Judgement(
        name=scenario.name,
        file=scenario.file,
        title=scenario.title,
        verdict=verdict,
        findings=findings,
        promises=promises,
        breakers=_breakers(case),
        perhaps_open=_perhaps_open(case),
        duration_s=scenario.duration,
        start_s=max(0.0, warm_up_s - history.run.at_s),
        wall_s=max(0.0, history.end_s - warm_up_s),
        requests=len(history.requests),
        lateness_ms={name: value_s * 1000 for name, value_s in late.items()},
        charges=balance.charges,
        duplicates=balance.duplicates,
        false_rejections=false_rejections(case),
        unacknowledged=balance.unacknowledged,
        streams=streams(case),
        faults=hits(case),
        silent=silent_evidence(case),
        notes=remarks(case),
        **(_busy(case.noise) if _too_busy(verdict, (*findings, *promises)) else {}),
    )


def _busy(noise: Noise) -> dict[str, Any]:
    """What a judgement says of a machine that was too busy."""
    longest = noise.longest
    return {"busy": noise.worst(), "busy_s": 0.0 if longest is None else longest.wait_s}


def _too_busy(verdict: Verdict, findings: Sequence[Finding]) -> bool:
    """Whether nothing but noise keeps the scenario from a verdict."""
    unclear = [finding for finding in findings if finding.verdict is Verdict.INCONCLUSIVE]
    return verdict is Verdict.INCONCLUSIVE and all(finding.noise for finding in unclear)


def _findings(case: Case, run: Soundness) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Of the run itself first, then of each expectation, in the file's order; and the promises'."""
    expected = tuple(run.tempered(finding) for finding in _expected(case))
    promises = _unique([run.tempered(finding, promised=True) for finding in promises_of(case)])
    if _verdict(expected, promises) is Verdict.OUT_OF_SCOPE:
        return _unique(expected), promises  # what isn't owed can't be spoilt by the run either
    of_run = run.findings if expected or promises else (*run.findings, _NOTHING_JUDGED)
    return _unique([*of_run, *begun(case), *expected]), promises


def _expected(case: Case) -> Iterator[Finding]:
    reason = missing_route(case)
    if reason is not None:
        yield _not_in_scope(case.scenario, reason)
        return
    for finding in breaks(case):
        yield owed(finding, case)
    lines = case.scenario.expect_lines
    for index, expectation in enumerate(case.scenario.expect):
        for finding in judged(expectation, case):
            yield replace(finding, line=lines[index]) if index < len(lines) else finding


def _verdict(expected: Sequence[Finding], promises: Sequence[Finding]) -> Verdict:
    """The worst of all; promises that hold make nothing green whose own part is not owed."""
    verdict = worst(finding.verdict for finding in (*expected, *promises))
    asked = {finding.verdict for finding in expected}
    if asked == {Verdict.OUT_OF_SCOPE} and verdict is not Verdict.FAILED:
        return Verdict.OUT_OF_SCOPE
    return verdict


def _unique(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Names told apart by a number where an author says the same thing twice."""
    seen: Counter[str] = Counter()
    named = []
    for finding in findings:
        seen[finding.name] += 1
        count = seen[finding.name]
        named.append(finding if count == 1 else replace(finding, name=f"{finding.name} ({count})"))
    return tuple(named)


def _breakers(case: Case) -> dict[str, tuple[Transition, ...]]:
    """The changes after 0s of every breaker that the scenario is about, or that changed at all."""
    named = set(case.scenario.faulted_upstreams)
    for expectation in case.scenario.expect:
        named.update(expectation.breakers)
    found = _each(_transitions, case)
    return {name: changes for name, changes in found.items() if changes or name in named}


def _perhaps_open(case: Case) -> dict[str, tuple[tuple[float, float], ...]]:
    """When breakers may have been open after 0s, though the plainest reading has them closed."""
    return {name: spans for name, spans in _each(_spans, case).items() if spans}


def _each(ask: Callable[[Case, str], tuple[T, ...]], case: Case) -> dict[str, tuple[T, ...]]:
    """What is asked of each upstream's wire; nothing where it can't be read."""
    names = case.history.run.upstreams
    return {name: unless_broken(partial(ask, case, name), ()) for name in names}


def _transitions(case: Case, upstream: str) -> tuple[Transition, ...]:
    return tuple(each for each in case.wire(upstream).transitions if each.at_s >= 0)


def _spans(case: Case, upstream: str) -> tuple[tuple[float, float], ...]:
    spans, end_s = case.wire(upstream).changes.perhaps_open, case.history.end_s
    return tuple((max(0.0, s.low), min(s.high, end_s)) for s in spans if s.high > 0)


def _unplayed(scenario: Scenario, history: History) -> Judgement:
    """A run that never got as far as a first request."""
    troubles, noise = history.troubles, Noise(history)
    observed = "; ".join(troubles) or "nothing was recorded"
    late = held_up(history, noise)
    finding = of_run("the world starts", "a world to play in", observed, "the engine", noise=late)
    bare = _bare(scenario, Verdict.INCONCLUSIVE, (finding,))
    return replace(bare, **_busy(noise)) if late else bare


def unjudged(scenario: Scenario, reason: str) -> Judgement:
    """A scenario whose judging broke: that says nothing about the target."""
    finding = of_run("it is judged", "a judgement", reason, "the harness")
    return _bare(scenario, Verdict.INCONCLUSIVE, (finding,))


def not_in_scope(scenario: Scenario, reason: str) -> Judgement:
    """A scenario that was not played, because this engine, machine or target can't show it."""
    return _bare(scenario, Verdict.OUT_OF_SCOPE, (_not_in_scope(scenario, reason),))


def not_played(scenario: Scenario, why: str) -> Judgement:
    """A scenario that was to be played, and wasn't: nothing is known of it."""
    finding = of_run("it is played", "a play", "not played", why)
    return _bare(scenario, Verdict.INCONCLUSIVE, (finding,))


def _not_in_scope(scenario: Scenario, reason: str) -> Finding:
    return Finding(
        name="scenario",
        claims=scenario.claims,
        verdict=Verdict.OUT_OF_SCOPE,
        expected="to be shown",
        observed="not judged",
        evidence=reason,
    )


def _bare(scenario: Scenario, verdict: Verdict, findings: tuple[Finding, ...]) -> Judgement:
    return Judgement(
        name=scenario.name,
        file=scenario.file,
        title=scenario.title,
        verdict=verdict,
        findings=findings,
        breakers={},
        duration_s=scenario.duration,
        lateness_ms={"p50": 0.0, "p99": 0.0, "max": 0.0},
    )
