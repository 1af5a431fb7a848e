"""Whether a breaker keeps its contract: a sound one explains everything that crossed the wire.

Said by `{breaker: mail, keeps: contract}`, and a promise of every run.
"""

from __future__ import annotations

from harness.checks.case import Case
from harness.checks.scope import promised
from harness.checks.wording import plural, stream_request
from harness.contracts.promises import (
    OPENS,
    PROBES,
    RECHECKS,
    SERVES_WHILE_CLOSED,
    SILENT_WHILE_OPEN,
)
from harness.history.view import Request
from harness.policy.scopes import EachWorker
from harness.verdict import Finding, Verdict
from harness.wire.attempts import FAILURE
from harness.wire.states import Refutation
from harness.wire.wire import Wire

_EXPECTED = "what a sound breaker would do"


def keeps(case: Case, upstream: str, claims: tuple[str, ...]) -> Finding:
    """Whether the declared breaker explains all events; `claims` where it does."""
    wire = case.wire(upstream)
    name = f"{wire.upstream} breaker: keeps its contract"
    refutation = wire.refutation
    failed = sum(attempt.results == FAILURE for attempt in wire.attempts)
    evidence = f"{plural(wire.reading.events, 'event')} at {wire.upstream}'s wire"
    if wire.unfollowed:
        return Finding(
            name=name,
            claims=claims,
            verdict=Verdict.INCONCLUSIVE,
            expected=_EXPECTED,
            observed=wire.unfollowed,
            evidence=evidence,
        )
    if refutation is None:
        shown = failed or wire.turned_away or wire.transitions
        return Finding(
            name=name,
            claims=claims,
            verdict=Verdict.PASSED if shown else Verdict.INCONCLUSIVE,
            expected=_EXPECTED,
            observed=f"{plural(failed, 'failed attempt')}, "
            f"{plural(len(wire.turned_away), 'request')} turned away, all as it would"
            if shown
            else "no attempt failed and nobody was turned away",
            evidence=evidence,
        )
    told = wire.told
    request = request_of(told, refutation)
    seen = wire.sight.requests and not wire.sight.hidden
    return Finding(
        name=name,
        claims=case.contract.claims_of(*broken_by(case, told, refutation)),
        verdict=Verdict.FAILED if seen else Verdict.INCONCLUSIVE,
        expected=_EXPECTED,
        observed=says(told, refutation, request),
        evidence="; ".join([evidence, *wire.hints]),
        examples=() if request is None else (request.sent.id,),
        at_s=refutation.at_s,
    )


def broken_by(case: Case, wire: Wire, refutation: Refutation) -> tuple[str, ...]:
    """The promises that a refuted breaker breaks: by its cause, where that is known and the target
    promises a breaker at all; what is behind one that nobody promised is no finding about it.
    """
    if wire.causes and promised(case, (OPENS,)):
        return tuple(dict.fromkeys(name for cause in wire.causes for name in cause.breaks))
    match refutation.wrong:
        case "while open":
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
    return any(found.state_s < r.sent.at_s < found.at_s for r in wire.turned_away)


def request_of(wire: Wire, found: Refutation) -> Request | None:
    """The request that the offending event belongs to, as far as that can be told."""
    if found.asked is not None:
        wanted = found.asked.request
        return next((d.request for d in wire.demands if d.request.sent.id == wanted), None)
    attempt = found.attempt
    return next(
        (
            d.request
            for d in wire.demands
            if attempt is not None and any(a.id == attempt.id for a in d.attempts)
        ),
        None,
    )


def says(wire: Wire, found: Refutation, request: Request | None) -> str:
    """What was seen, in one sentence."""
    who = "" if request is None else f" by {stream_request(request)}"
    upstream, scope = wire.of, wire.settings.scope
    if isinstance(scope, EachWorker) and scope.several:
        called = found.attempt is not None
        return (
            f"{upstream} was {'called' if called else 'not called'} at {found.at_s:.2f} s{who}: "
            f"however {scope.number} workers shared the requests, with a breaker each that opens "
            f"at {wire.settings.breaker.opens.says}, it would {'not ' if called else ''}have been"
        )
    match found.wrong:
        case "while open" if not _shown_open(wire, found):
            return (
                f"{upstream} was called at {found.at_s:.2f} s{who}, although its breaker opens at "
                f"{wire.settings.breaker.opens.says}, which was at {found.state_s:.2f} s"
            )
        case "while open":
            return (
                f"{upstream} was called at {found.at_s:.2f} s{who}, although its breaker has been "
                f"open since {found.state_s:.2f} s"
            )
        case "two probes":
            return (
                f"{upstream} was called at {found.at_s:.2f} s{who}, while the probe of "
                f"{found.state_s:.2f} s was still in flight"
            )
        case "turned away":
            return (
                f"{upstream} was not called{who}, although its breaker is closed: "
                f"{wire.settings.breaker.opens.says} there were not"
            )
        case _:
            return (
                f"{upstream} was not called{who}, although a probe has been due since "
                f"{found.until_s:.2f} s"
            )
