"""What the warm-up shows of the target itself, with nothing wrong yet.

A stream whose `healthy` is a refusal (a forged token, a malformed body) is answered wrongly by a
target that lets it in or falls over it: that breaks the contract, and no outage is needed to see
it. A stream whose route nobody knows is out of the target's scope. Anything else that isn't healthy
may as well be a world that isn't up: `soundness` says so.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.case import Case
from harness.history.requests import Request
from harness.scenario.traffic import Stream
from harness.verdict import Finding, Verdict

_NO_ROUTE = (404, 405, 501)
_NOT_UP = (429, 502, 503, 504)
"""Statuses by which a target says that it can't just now."""


def is_healthy(request: Request | None, stream: Stream) -> bool:
    """Whether the steady state holds for a stream, by its last warm-up request."""
    return request is not None and request.status is not None and request.status in stream.healthy


def breaks(case: Case) -> Iterator[Finding]:
    """Requests that must be refused, and weren't, although nothing was wrong."""
    last = case.witness.warm_up.last
    for name in broken_streams(case):
        stream = case.scenario.traffic[name]
        yield Finding(
            name=f"{name} is refused in the steady state",
            claims=case.scenario.claims,
            verdict=Verdict.FAILED,
            expected=f"{stream.healthy} before the outage",
            observed=str(last[name].status),
            evidence=f"last warm-up request of {name}, {stream.request}; nothing was wrong then",
            examples=(last[name].id,),
            timeless=True,
        )


def broken_streams(case: Case) -> tuple[str, ...]:
    """The streams for which `breaks` has a finding."""
    last, traffic = case.witness.warm_up.last, case.scenario.traffic
    refused = [name for name, stream in traffic.items() if stream.healthy.low >= 400]
    up = all(name in refused or is_healthy(last.get(name), traffic[name]) for name in traffic)
    return tuple(
        name
        for name in refused
        if name in last
        and not is_healthy(last[name], traffic[name])
        and not _lacks(last[name], case)
        and _is_break(last[name].status, up=up and _calls_were_answered(case))
    )


def missing_route(case: Case) -> str | None:
    """Why none of a scenario can be shown on this target: it lacks a route; None where it doesn't.

    A target that calls somebody before it answers 404 knows the route: that is no excuse.
    """
    for name, request in case.witness.warm_up.last.items():
        stream = case.scenario.traffic.get(name)
        if stream is not None and not is_healthy(request, stream) and _lacks(request, case):
            return (
                f"the target has no {stream.request}: {request.status} in the warm-up, and no "
                "upstream was called"
            )
    return None


def _is_break(status: int | None, *, up: bool) -> bool:
    if status is None or status in _NOT_UP:
        return False
    return status < 400 or up


def _lacks(request: Request, case: Case) -> bool:
    stream = request.stream
    return request.status in _NO_ROUTE and not any(
        stream in case.witness.warm_up.reaching(upstream) for upstream in case.history.run.upstreams
    )


def _calls_were_answered(case: Case) -> bool:
    """Whether every call of the warm-up that a stub saw was answered well."""
    return all(
        call.replied is not None
        and call.replied.outcome == "sent"
        and (call.replied.status or 0) < 500
        for call in case.history.warm_up_calls
    )
