"""Faults that begin after an event: when that was known, and by what; or that it never came."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.case import Case
from harness.checks.wording import seconds
from harness.history.events import Triggered
from harness.scenario.faults import FaultBase
from harness.triggers import source
from harness.verdict import Finding, Verdict, of_run


def begun(case: Case) -> tuple[Finding, ...]:
    """One finding for each that began: what it went by."""
    windows = {window.fault: window for window in case.history.faults}
    return tuple(
        Finding(
            name=_name(case, event.fault),
            verdict=Verdict.PASSED,
            expected=f"that {event.after}",
            observed=f"known at {seconds(event.at_s)}; in force at "
            f"{seconds(windows[event.fault].start_s)}",
            evidence=event.known_by,
        )
        for event in case.history.all(Triggered)
        if event.fault in windows and event.fault < len(case.scenario.faults)
    )


def in_vain(case: Case) -> Iterator[Finding]:
    """One finding for each that waited to the end: the play shows nothing of it."""
    known = {event.fault: event for event in case.history.all(Triggered)}
    for index in case.scenario.waiting:
        fault = case.scenario.faults[index]
        if not case.has_any(fault.upstreams):
            continue  # out of scope
        name, expected = _name(case, index), f"that {fault.trigger}"
        yield of_run(name, expected, _observed(known.get(index)), _evidence(fault, case))


def _name(case: Case, index: int) -> str:
    fault = case.scenario.faults[index]
    return f"fault {case.scenario.number_of(index)}, {fault.fault} on {fault.subject}, begins"


def _observed(event: Triggered | None) -> str:
    if event is None:
        return "never seen, so it never began"
    return f"known at {seconds(event.at_s)}, too late for it to begin"


def _evidence(fault: FaultBase, case: Case) -> str:
    after = fault.trigger
    assert after is not None
    if after.upstream not in case.history.run.upstreams:
        return f"the target has no upstream {after.upstream}"
    by = source(after, case.history.run)
    of_wire = after.is_ is not None and not by.startswith("the target's")
    if of_wire and case.settings(after.upstream).counting.by_call:
        return f"{by}, which doesn't tell calls apart; a status endpoint or a log pattern would"
    return by
