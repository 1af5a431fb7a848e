"""Invariants of security: who is let in, gets a cookie, sees whose sources (G1-G3, G5, G8)."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.answers import cookies
from harness.explore.evidence import Evidence
from harness.explore.phrasing import around, stream_request
from harness.explore.violation import Violation
from harness.history.view import Request
from harness.scenario.faults import Revoke

_VERIFY = "POST /verify_token"


def let_in(evidence: Evidence) -> Iterator[Violation]:
    """Nobody gets 200 whom auth didn't vouch for, in that very request (G2, G3, G8)."""
    for request in evidence.requests:
        if request.status is None or not 200 <= request.status < 300:
            continue
        reason = _not_vouched_for(evidence, request)
        if reason is None:
            continue
        stream = request.sent.stream
        route = evidence.route_name(request)
        claims: tuple[str, ...] = ("G2", "G8")
        if route in ("project", "stranger"):
            claims = ("G3", "G8")
        if route in ("login", "wrong_password"):
            claims = ("G1",)
        refusal = [401, 403] if claims[0] == "G3" else [401]
        if claims == ("G1",):
            refusal = [401, 429, 503]
        when = around(request.planned_s, request.planned_s, 0.05)
        yield Violation(
            invariant=f"never let in: {reason[0]}",
            about="auth",
            claims=claims,
            at_s=request.sent.at_s,
            says=f"{stream_request(request)} was answered {request.status} {reason[1]}",
            request=request.sent.id,
            expectations=(
                {"traffic": stream, "status": refusal, "claims": list(claims)},
                {"traffic": stream, "during": when, "status": refusal, "claims": list(claims)},
            ),
        )


def _not_vouched_for(evidence: Evidence, request: Request) -> tuple[str, str] | None:
    """Why a request should not have been let in: a short name, and words; None if it may."""
    offered = evidence.offered(request)
    assert offered is not None
    route, start_s, end_s = offered.route, request.sent.at_s, request.end_s
    if not route.own:
        if route.name == "wrong_password":
            return "wrong password", "with a wrong password"
        if route.name == "stranger":
            return "a stranger", "although the project is somebody else's"
        return "a bad token", "with a token that nobody has"
    if "auth" not in offered.upstreams:
        return None
    asked = "POST /login" if route.name == "login" else _VERIFY
    attempts = evidence.made_for(request, "auth")
    if not evidence.broken_throughout("auth", asked, start_s, end_s, route.user):
        return _owner_unknown(evidence, request)
    if route.user is not None and _revoked(evidence, route.user, start_s, end_s):
        return "a revoked token", "although the user's token is revoked"
    if evidence.succeeded(attempts, asked) and not _false_answers(evidence, start_s, end_s):
        return None
    return "auth can't say", "although auth could vouch for nobody then"


def _owner_unknown(evidence: Evidence, request: Request) -> tuple[str, str] | None:
    route = evidence.route_name(request)
    if route != "project":
        return None
    lookup = "GET /internal/projects/p1/owner"
    start_s, end_s = request.sent.at_s, request.end_s
    if not evidence.broken_throughout("auth", lookup, start_s, end_s):
        return None
    answered = evidence.succeeded(evidence.made_for(request, "auth"), "GET /internal/projects")
    if answered and not _false_answers(evidence, start_s, end_s):
        return None
    return "owner unknown", "although the owner could not be looked up"


def _revoked(evidence: Evidence, user: str, start_s: float, end_s: float) -> bool:
    return any(
        isinstance(fault, Revoke)
        and fault.user == user
        and fault.from_ <= start_s
        and end_s <= evidence.scenario.fault_end_s(index)
        for index, fault in enumerate(evidence.scenario.faults)
    )


def _false_answers(evidence: Evidence, start_s: float, end_s: float) -> bool:
    """Whether auth's answers were all made useless by a fault, though they were answered."""
    return any(
        fault.KIND.where == "stub"
        and fault.spoils
        and fault.from_ <= start_s + 1e-6
        and end_s <= evidence.scenario.fault_end_s(index)
        and not (fault.counted or fault.one_in or fault.share < 1)
        for index, fault in enumerate(evidence.scenario.faults)
        if "auth" in fault.upstreams
    )


def login_cookie(evidence: Evidence) -> Iterator[Violation]:
    """A login that isn't answered 200 sets no cookie (G1)."""
    for request in evidence.requests:
        name = evidence.route_name(request)
        if name not in ("login", "wrong_password") or request.status in (None, 200):
            continue
        if cookies(request):
            stream = request.sent.stream
            when = around(request.planned_s, request.planned_s, 0.05)
            yield Violation(
                invariant="no cookie for a failed login",
                about="auth",
                claims=("G1",),
                at_s=request.sent.at_s,
                says=f"{stream_request(request)} was answered {request.status} with a cookie",
                request=request.sent.id,
                expectations=(
                    {"traffic": stream, "cookie": "none", "claims": ["G1"]},
                    {"traffic": stream, "during": when, "cookie": "none", "claims": ["G1"]},
                ),
            )
            return


def others_sources(evidence: Evidence) -> Iterator[Violation]:
    """The sources of an answer belong to the project that was asked about (G5, G8)."""
    projects = {evidence.project_of(r) for r in evidence.requests} - {None}
    for request in evidence.requests:
        own, sources = evidence.project_of(request), request.field("sources")
        if own is None or request.status != 200 or not isinstance(sources, list):
            continue
        others = [
            source
            for source in sources
            if isinstance(source, str) and source.partition("/")[0] in projects - {own}
        ]
        if others:
            stream = request.sent.stream
            when = around(request.planned_s, request.planned_s, 0.05)
            yield Violation(
                invariant="never another's sources",
                about=evidence.route_name(request),
                claims=("G5",),
                at_s=request.sent.at_s,
                says=f"{stream_request(request)} in {own} was shown {others[0]}",
                request=request.sent.id,
                expectations=(
                    {"never": {"body": f'"{others[0]}'}, "traffic": stream, "claims": ["G5"]},
                    {
                        "never": {"body": others[0].partition("/")[0] + "/"},
                        "traffic": stream,
                        "during": when,
                        "claims": ["G5"],
                    },
                ),
            )
            return
