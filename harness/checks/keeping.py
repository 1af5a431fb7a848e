"""Whether a breaker keeps its contract: a sound one explains everything that crossed the wire.

Said by `{breaker: mail, keeps: contract}`, and a promise of every run.
"""

from __future__ import annotations

from itertools import pairwise

from msgspec.structs import replace

from harness.checks.case import Case
from harness.checks.scope import promised
from harness.checks.wording import stream_request
from harness.contracts.promises import (
    OPENS,
    PROBES,
    RECHECKS,
    SERVES_WHILE_CLOSED,
    SILENT_WHILE_OPEN,
)
from harness.history.requests import Request
from harness.policy.scopes import EachWorker
from harness.units import plural
from harness.verdict import Finding, Verdict
from harness.wire.attempts import FAILURE
from harness.wire.stale import cut_last_s
from harness.wire.states import Refutation
from harness.wire.wire import Wire


def keeps(case: Case, upstream: str) -> Finding:
    """Whether the declared breaker explains all events; with the claims of what it breaks."""
    wire = case.wire(upstream)
    finding = Finding(
        name=f"{wire.upstream} breaker: keeps its contract",
        verdict=Verdict.INCONCLUSIVE,
        expected="what a sound breaker would do",
        observed=wire.unfollowed,
        evidence=f"{plural(wire.reading.events, 'event')} at {wire.upstream}'s wire",
    )
    refutation = wire.refutation
    if wire.unfollowed:
        return finding
    if refutation is None:
        failed = sum(attempt.results == FAILURE for attempt in wire.attempts)
        away = f"{plural(len(wire.turned_away), 'request')} turned away"
        if failed or wire.turned_away or wire.transitions:
            observed = f"{plural(failed, 'failed attempt')}, {away}, all as it would"
            return replace(finding, verdict=Verdict.PASSED, observed=observed)
        return replace(finding, observed="no attempt failed and nobody was turned away")
    told = wire.told
    request = request_of(told, refutation)
    return replace(
        finding,
        claims=case.contract.claims_of(*broken_by(case, told, refutation)),
        verdict=Verdict.FAILED if wire.sight.sees_ends else Verdict.INCONCLUSIVE,
        observed=says(told, refutation, request),
        evidence="; ".join([finding.evidence, *wire.hints]),
        examples=() if request is None else (request.id,),
        at_s=refutation.at_s,
    )


def broken_by(case: Case, wire: Wire, refutation: Refutation) -> tuple[str, ...]:
    """The promises that a refuted breaker breaks: by its cause, where that is known and the target
    promises a breaker at all; what is behind one that nobody promised is no finding about it.
    """
    if wire.causes and promised(case, (OPENS,), wire.upstream):
        return tuple(dict.fromkeys(name for cause in wire.causes for name in cause.breaks))
    match refutation.wrong:
        case "while open":
            if _after_probe(wire, refutation):
                return (PROBES,)
            if not _shown_open(wire, refutation):
                return (OPENS,)
            attempt = refutation.attempt
            retry = attempt is not None and any(
                attempt.id == later.id for call in wire.calls for later in call[1:]
            )
            return (RECHECKS,) if retry else (SILENT_WHILE_OPEN,)
        case "turned away":
            return (SERVES_WHILE_CLOSED,)
        case _:
            return (PROBES,)


def _shown_open(wire: Wire, found: Refutation) -> bool:
    """Whether somebody was turned away between the trip and an attempt that should not be."""
    return any(found.state_s < r.at_s < found.at_s for r in wire.turned_away)


def _after_probe(wire: Wire, found: Refutation) -> bool:
    """Whether it was a failed probe that had opened it."""
    return any(
        probing.kind == "half_open" and opened.kind == "open"
        and opened.low_s <= found.state_s <= opened.high_s
        for story in wire.reading.changes
        for probing, opened in pairwise(story)
    )  # fmt: skip


def _unless_cut(wire: Wire, found: Refutation) -> str:
    """What else it may have been, which crosses no wire."""
    cut_s = cut_last_s(wire.history, wire.upstream, found.at_s)
    return (
        f" (or it asked on a connection that had been cut at {cut_s:.2f} s)"
        if cut_s is not None
        else ""
    )


def request_of(wire: Wire, found: Refutation) -> Request | None:
    """The request that the offending event belongs to, as far as that can be told."""
    if found.asked is not None:
        wanted = found.asked.request
        return next((d.request for d in wire.demands if d.request.id == wanted), None)
    if found.attempt is None:
        return None
    number = found.attempt.id
    made = (d.request for d in wire.demands if any(a.id == number for a in d.attempts))
    return next(made, None)


def says(wire: Wire, found: Refutation, request: Request | None) -> str:
    """What was seen, in one sentence."""
    who = "" if request is None else f" by {stream_request(request)}"
    scope, opens = wire.settings.scope, wire.settings.breaker.opens.says
    called = f"{wire.of} was called at {found.at_s:.2f} s{who}"
    missed = f"{wire.of} was not called{who}, although"
    if isinstance(scope, EachWorker) and scope.several:
        if found.attempt is None:
            called = f"{wire.of} was not called at {found.at_s:.2f} s{who}"
        would = "it would have been" if found.attempt is None else "it would not have been"
        return (
            f"{called}: however {scope.number} workers shared the requests, with a breaker each "
            f"that opens at {opens}, {would}"
        )
    match found.wrong:
        case "while open" if _after_probe(wire, found):
            return f"{called}, although its breaker's probe failed at {found.state_s:.2f} s"
        case "while open" if not _shown_open(wire, found):
            when = f"which was at {found.state_s:.2f} s"
            return f"{called}, although its breaker opens at {opens}, {when}"
        case "while open":
            return f"{called}, although its breaker has been open since {found.state_s:.2f} s"
        case "two probes":
            return f"{called}, while the probe of {found.state_s:.2f} s was still in flight"
        case "turned away":
            unless = _unless_cut(wire, found)
            return f"{missed} its breaker is closed: {opens} there were not{unless}"
        case _:
            return f"{missed} a probe has been due since {found.until_s:.2f} s"
