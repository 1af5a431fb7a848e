"""Invariants of breakers: quiet while open, one probe, nobody rejected while closed (B1-B6)."""

from __future__ import annotations

from collections.abc import Iterator

from harness.explore.acceptor import Refutation
from harness.explore.evidence import Evidence
from harness.explore.phrasing import stream_request, window
from harness.explore.violation import RawExpectation, Violation
from harness.history.view import Request

_CLAIMS = {
    "while open": ("B3", "B6"),
    "two probes": ("B4",),
    "turned away": ("B2",),
    "no probe": ("B4",),
}
_NAMES = {
    "while open": "no traffic while open",
    "two probes": "one probe",
    "turned away": "nobody turned away while closed",
    "no probe": "a probe when it is due",
}
_CLEAR_S = 0.3
"""How far from a breaker's change of state a written window keeps, in seconds."""


def breaker(evidence: Evidence) -> Iterator[Violation]:
    """What crosses the wire is what a sound breaker would let through (B1 to B6)."""
    for upstream in evidence.surface.upstreams:
        refutation = evidence.reading(upstream).refutation
        if refutation is not None:
            yield _violation(evidence, upstream, refutation)


def _violation(evidence: Evidence, upstream: str, found: Refutation) -> Violation:
    request = _request(evidence, upstream, found)
    claims = _CLAIMS[found.wrong]
    return Violation(
        invariant=_NAMES[found.wrong],
        about=upstream,
        claims=claims,
        at_s=found.at_s,
        says=_says(upstream, found, request),
        request=None if request is None else request.sent.id,
        expectations=tuple(
            {"claims": list(claims), **raw} for raw in _expectations(evidence, upstream, found)
        ),
    )


def _request(evidence: Evidence, upstream: str, found: Refutation) -> Request | None:
    """The request that the event belongs to, as far as that can be told."""
    if found.turned_away is not None:
        wanted = found.turned_away.request
        return next(r for r in evidence.requests if r.sent.id == wanted)
    under_way = [
        r
        for r in evidence.requests
        if r.sent.at_s <= found.at_s + 0.02
        and r.end_s >= found.at_s - 0.02
        and (offered := evidence.offered(r)) is not None
        and upstream in offered.upstreams
    ]
    return under_way[-1] if under_way else None


def _says(upstream: str, found: Refutation, request: Request | None) -> str:
    who = "" if request is None else f" by {stream_request(request)}"
    match found.wrong:
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
                f"{upstream} was not called{who}, although its breaker is closed: so many failures "
                "in a row there were not"
            )
        case _:
            return (
                f"{upstream} was not called{who}, although a probe has been due since "
                f"{found.until_s:.2f} s"
            )


def _expectations(evidence: Evidence, upstream: str, found: Refutation) -> Iterator[RawExpectation]:
    at_s = found.at_s
    if found.wrong == "while open":
        low_s = found.state_s + _CLEAR_S
        high_s = min(found.until_s - _CLEAR_S, max(at_s, low_s) + 1.0)
        if low_s <= at_s < high_s:
            yield {
                "during": window(low_s, high_s),
                "upstream": upstream,
                "calls": 0,
                "because": f"{upstream}'s breaker is open then",
            }
        yield {"breaker": upstream, "opens": "contract ± 1s"}
        yield {"breaker": upstream, "attempts": "contract"}
        yield {"breaker": upstream, "probes": "contract ± 1s"}
        yield {
            "during": window(max(0.0, at_s - 0.3), at_s + 0.4),
            "upstream": upstream,
            "calls": 0,
            "because": f"{upstream}'s breaker is open then",
        }
        return
    if found.wrong == "two probes":
        yield {
            "during": window(found.state_s - 0.4, max(at_s, found.state_s) + 0.3),
            "upstream": upstream,
            "calls": "<= 1",
            "because": "one request may test whether it is back, and no other until it has ended",
        }
        yield {"breaker": upstream, "probes": "contract ± 1s"}
        return
    request = next(r for r in evidence.requests if r.sent.id == found.turned_away.request) if (
        found.turned_away is not None
    ) else None  # fmt: skip
    stream = None if request is None else request.sent.stream
    yield {
        "during": window(at_s - 0.15, at_s + 0.4),
        "upstream": upstream,
        "calls": ">= 1",
        "because": f"{upstream}'s breaker is closed then"
        if found.wrong == "turned away"
        else "a probe is due",
    }
    yield {"breaker": upstream, "opens": "contract ± 1s"}
    yield {"breaker": upstream, "opens": "never"}
    yield {"breaker": upstream, "closes": "contract ± 1s"}
    yield {"breaker": upstream, "probes": "contract ± 1s"}
    if request is not None and stream is not None:
        offered = evidence.offered(request)
        assert offered is not None
        number = str(request.sent.number)
        yield {"traffic": stream, "requests": number, "status": offered.route.healthy}
        if upstream == "billing" and offered.says_charged:
            yield {"traffic": stream, "requests": number, "json": {"charged": True}}
        if upstream == "chroma" and offered.says_degraded:
            yield {"traffic": stream, "requests": number, "json": {"degraded": False}}
