"""Remarks that are no verdict: what a reader of the report should know beside what held."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.case import Case, unless_broken
from harness.checks.wording import seconds
from harness.history.events import Lifted
from harness.history.requests import Request
from harness.history.view import FaultWindow
from harness.units import plural


def remarks(case: Case) -> tuple[str, ...]:
    """False rejections after a recovery, tokens discarded by a 401, queues, escalated lifts."""
    kinds = _false_rejections, _discarded_tokens, _queues, _escalations
    return unless_broken(lambda: tuple(told for kind in kinds for told in kind(case)), ())


def false_rejections(case: Case) -> dict[str, int]:
    """How many requests were turned away although an upstream was back, by upstream."""
    return unless_broken(
        lambda: {upstream: len(found) for upstream, _, found in _turned_away(case)}, {}
    )


def _false_rejections(case: Case) -> Iterator[str]:
    for upstream, back_s, found in _turned_away(case):
        until_s = max(request.at_s for request in found)
        yield (
            f"{plural(len(found), 'request')} turned away although {upstream} was back "
            f"({seconds(back_s)}..{seconds(until_s)}): the price of the recovery wait"
        )


def _turned_away(case: Case) -> Iterator[tuple[str, float, list[Request]]]:
    """An upstream is back, and its breaker can't know it yet (contract, section 6)."""
    for upstream in case.scenario.faulted_upstreams:
        if upstream not in case.history.run.upstreams:
            continue
        lifts = [fault.end_s for fault in case.history.faults_on(upstream)]
        if not lifts:
            continue
        back_s = max(lifts)
        false = [r for r in case.wire(upstream).turned_away if r.at_s >= back_s]
        if false:
            yield upstream, back_s, false


def _discarded_tokens(case: Case) -> Iterator[str]:
    """401 while nobody can vouch for tokens makes browsers discard a valid one."""
    step = case.contract.vouching("token")
    if step is None:
        return
    windows = [
        window for window in case.history.faults_on(step.upstream) if _takes_down(case, window)
    ]
    count = sum(
        request.status == 401 and any(w.holds(request.at_s) for w in windows)
        for request in case.history.requests
    )
    if count:
        yield (
            f"{plural(count, 'request')} answered 401 while {step.upstream} was down: browsers "
            "discard a valid token then; 503 with Retry-After would be kinder"
        )


def _queues(case: Case) -> Iterator[str]:
    for upstream in case.history.run.upstreams:
        queue = case.wire(upstream).queue
        if queue is not None:
            yield queue.says


def _takes_down(case: Case, window: FaultWindow) -> bool:
    """Whether a fault is an outage of the whole service, not an answer that refuses somebody."""
    if window.fault >= len(case.scenario.faults):
        return False
    fault = case.scenario.faults[window.fault]
    return not fault.selective and fault.fails


def _escalations(case: Case) -> Iterator[str]:
    for event in case.history.all(Lifted):
        if event.escalated:
            upstreams = ", ".join(event.upstreams)
            yield f"lifting {event.name} on {upstreams} took more than usual: {event.escalated}"
