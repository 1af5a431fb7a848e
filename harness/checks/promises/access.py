"""Promises of security: who is let in, gets a cookie, sees whose sources (G1-G3, G5, G8)."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.answers import cookies
from harness.checks.promises.facts import Facts, Offered
from harness.checks.promises.violation import Violation
from harness.checks.wording import stream_request
from harness.history.view import Request
from harness.scenario.faults import Revoke

_VERIFY = "POST /verify_token"
_FALSE = ("json", "malformed", "truncate")


def let_in(facts: Facts) -> Iterator[Violation]:
    """Nobody gets 200 whom auth didn't vouch for, in that very request (G2, G3, G8)."""
    for request in facts.requests:
        if request.status is None or not 200 <= request.status < 300:
            continue
        offered = facts.offered(request)
        reason = _not_vouched_for(facts, request, offered)
        if reason is None:
            continue
        claims: tuple[str, ...] = ("G2", "G8")
        if offered.kind == "project":
            claims = ("G3", "G8")
        if offered.kind == "login":
            claims = ("G1",)
        yield Violation(
            promise=f"never let in: {reason[0]}",
            about="auth",
            claims=claims,
            at_s=request.sent.at_s,
            says=f"{stream_request(request)} was answered {request.status} {reason[1]}",
            request=request.sent.id,
        )


def _not_vouched_for(facts: Facts, request: Request, offered: Offered) -> tuple[str, str] | None:
    """Why a request should not have been let in: a short name, and words; None if it may."""
    start_s, end_s = request.sent.at_s, request.end_s
    if not offered.own:
        return _stranger(offered)
    if "auth" not in offered.upstreams:
        return None
    asked = "POST /login" if offered.kind == "login" else _VERIFY
    if not any(call == ("auth", asked) for call in offered.calls):
        return None
    attempts = facts.made_for(request, "auth")
    if not facts.broken_throughout("auth", asked, start_s, end_s, request.sent.user):
        return _owner_unknown(facts, request, offered)
    if request.sent.user is not None and _revoked(facts, request.sent.user, start_s, end_s):
        return "a revoked token", "although the user's token is revoked"
    if facts.succeeded(attempts, asked) and not _false_answers(facts, start_s, end_s):
        return None
    return "auth can't say", "although auth could vouch for nobody then"


def _stranger(offered: Offered) -> tuple[str, str] | None:
    """Somebody who is refused when all is well; None for a refusal that says nothing of that."""
    if offered.healthy == 401 and offered.kind == "login":
        return "wrong password", "with a wrong password"
    if offered.healthy == 401:
        return "a bad token", "although it is refused when all is well"
    if offered.healthy == 403:
        return "a stranger", "although it is forbidden when all is well"
    return None


def _owner_unknown(facts: Facts, request: Request, offered: Offered) -> tuple[str, str] | None:
    owner = "GET /internal/projects"
    lookups = [route for name, route in offered.calls if name == "auth" and owner in route]
    if not lookups:
        return None
    start_s, end_s = request.sent.at_s, request.end_s
    if not facts.broken_throughout("auth", lookups[0], start_s, end_s):
        return None
    answered = facts.succeeded(facts.made_for(request, "auth"), owner)
    if answered and not _false_answers(facts, start_s, end_s):
        return None
    return "owner unknown", "although the owner could not be looked up"


def _revoked(facts: Facts, user: str, start_s: float, end_s: float) -> bool:
    return any(
        isinstance(fault, Revoke)
        and fault.user == user
        and fault.from_ <= start_s
        and end_s <= facts.scenario.fault_end_s(index)
        for index, fault in enumerate(facts.scenario.faults)
    )


def _false_answers(facts: Facts, start_s: float, end_s: float) -> bool:
    """Whether auth's answers were all made useless by a fault, though they were answered."""
    return any(
        fault.KIND.name in _FALSE
        and fault.from_ <= start_s + 1e-6
        and end_s <= facts.scenario.fault_end_s(index)
        and not (fault.counted or fault.one_in or fault.share < 1)
        for index, fault in enumerate(facts.scenario.faults)
        if "auth" in fault.upstreams
    )


def login_cookie(facts: Facts) -> Iterator[Violation]:
    """A login that isn't answered 200 sets no cookie (G1)."""
    for request in facts.requests:
        if facts.offered(request).kind != "login" or request.status in (None, 200):
            continue
        if cookies(request):
            yield Violation(
                promise="no cookie for a failed login",
                about="auth",
                claims=("G1",),
                at_s=request.sent.at_s,
                says=f"{stream_request(request)} was answered {request.status} with a cookie",
                request=request.sent.id,
            )
            return


def others_sources(facts: Facts) -> Iterator[Violation]:
    """The sources of an answer belong to the project that was asked about (G5, G8)."""
    projects = _projects(facts)
    for request in facts.requests:
        own, sources = projects.get(request.sent.stream), request.field("sources")
        if own is None or request.status != 200 or not isinstance(sources, list):
            continue
        others = [
            source
            for source in sources
            if isinstance(source, str)
            and source.partition("/")[0] in set(projects.values()) - {own}
        ]
        if others:
            yield Violation(
                promise="never another's sources",
                about=request.sent.stream,
                claims=("G5",),
                at_s=request.sent.at_s,
                says=f"{stream_request(request)} in {own} was shown {others[0]}",
                request=request.sent.id,
            )
            return


def _projects(facts: Facts) -> dict[str, str]:
    """The project of each stream's chats, as the sources of its warm-up show."""
    found = {}
    for request in facts.history.warm_up:
        sources = request.field("sources")
        names = {s.partition("/")[0] for s in sources or () if isinstance(s, str) and "/" in s}
        if request.sent.stream in facts.streams and len(names) == 1:
            found[request.sent.stream] = names.pop()
    return found
