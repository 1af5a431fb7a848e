"""Which calls each route of a gateway makes, in order and under which conditions.

Source: contract, sections 3 (claims G1 to G6) and 5. A route is a generator: it yields the calls
that it makes, is sent what each came to (None for `ServiceUnavailable`), and returns its answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from harness.contract.breaker import Outcome
from harness.scenario.traffic import Stream
from harness.target import DEFAULT_USERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call at an upstream."""

    upstream: str
    route: str
    says: Any = None
    """The JSON that a healthy service answers (contract, section 5): its size may matter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted:
    """What one attempt came to: for the breaker, and for the route."""

    outcome: Outcome
    status: int | None = 200
    agreed: bool = True
    """Whether the answer's JSON is what was agreed."""
    json: Any = None
    """The answer's JSON where a fault replaces it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the gateway answers."""

    status: int
    charged: bool = False
    degraded: bool = False


Flow = Generator[Call, Attempted | None, Answer]
Route = Callable[[Stream, str | None], Flow]
"""Begins a flow for a stream's request in a user's name."""


def _good(reply: Attempted | None) -> bool:
    """Answered 200 with what was agreed."""
    return reply is not None and reply.status == 200 and reply.agreed


def _token(stream: Stream) -> bool | None:
    """Whether the stream's token is a good one; None if there is none."""
    own = {name.lower(): value for name, value in stream.headers.items()}
    if "authorization" in own or "cookie" in own:
        return False  # an author who writes one by hand means a wrong one
    return None if stream.as_ is None or stream.with_ == "nothing" else True


def _identity(stream: Stream, user: str | None) -> Generator[Call, Attempted | None, bool]:
    """G2: whether the user is known."""
    token = _token(stream)
    if token is None:
        return False
    known = {"valid": True, "user_id": user, "role": "user"}
    reply = yield Call(upstream="auth", route="POST /verify_token", says=known)
    if not _good(reply):
        return False
    assert reply is not None
    told = reply.json.get("valid") is True if isinstance(reply.json, dict) else reply.json is None
    return token and told


def login(stream: Stream, user: str | None) -> Flow:
    """G1: 503 while auth is down, 401 for a wrong password, 400 for a malformed body."""
    sent = stream.json_
    if not isinstance(sent, dict):
        return Answer(status=400)
    known = {"user_id": user, "email": f"{user}@example.com", "role": "user"}
    said = {"token": f"token-{user}", "user": known}
    reply = yield Call(upstream="auth", route="POST /login", says=said)
    if reply is None or reply.status == 429 or not reply.agreed:
        return Answer(status=503)
    right = sent.get("password") == "{password}" and sent.get("email") == "{email}"
    return Answer(status=200 if reply.status == 200 and right and reply.json is None else 401)


def check(stream: Stream, user: str | None) -> Flow:
    """G2: any route that needs a user and nothing else."""
    return Answer(status=200 if (yield from _identity(stream, user)) else 401)


def chat(stream: Stream, user: str | None) -> Flow:
    """G4, G5, G7: billing fails open, chroma is done without, a charge needs a known balance."""
    if not (yield from _identity(stream, user)):
        return Answer(status=401)
    left = {"user_id": user, "balance": 999.99}
    balance = yield Call(upstream="billing", route=f"GET /balance/{user}", says=left)
    known = _good(balance)
    if known and balance is not None and isinstance(balance.json, dict):
        amount = balance.json.get("balance")
        if not isinstance(amount, int | float):
            known = False
        elif amount <= 0:
            return Answer(status=402)
    context = yield Call(upstream="chroma", route="POST /query", says=_found(stream))
    charged = False
    if known:
        done = {"status": "success"}
        charged = _good((yield Call(upstream="billing", route="POST /deduct", says=done)))
    return Answer(status=200, charged=charged, degraded=not _good(context))


def _found(stream: Stream) -> Any:
    """What chroma finds: three documents on what was asked."""
    asked = stream.json_ if isinstance(stream.json_, dict) else {}
    message, of = asked.get("message", ""), asked.get("project_id", "p1")
    files = ("notes.md", "design.md", "tasks.md")
    documents = [[f"{name} of {of} on {message}" for name in files]]
    return {"documents": documents, "metadatas": [[{"source_file": f"{of}/{n}"} for n in files]]}


def project(stream: Stream, user: str | None) -> Flow:
    """G3: 403 when the owner can't be looked up, 404 where there is none."""
    if not (yield from _identity(stream, user)):
        return Answer(status=401)
    owns = DEFAULT_USERS[user].owns if user in DEFAULT_USERS else None
    asked = stream.request.split("/")[4]
    if asked == "{project}":
        asked = owns[0] if owns else "own"
    route = f"GET /internal/projects/{asked}/owner"
    owner = yield Call(upstream="auth", route=route, says={"owner_id": user})
    if owner is not None and owner.status == 404:
        return Answer(status=404)
    own = owns is None or asked in owns
    return Answer(status=200 if _good(owner) and owner and owner.json is None and own else 403)


def _service(upstream: str, route: str, says: Any) -> Route:
    """G6: a user, then one service, without which the answer is 503."""

    def flow(stream: Stream, user: str | None) -> Flow:
        if not (yield from _identity(stream, user)):
            return Answer(status=401)
        reply = yield Call(upstream=upstream, route=route, says=says)
        return Answer(status=200 if _good(reply) else 503)

    return flow


def learned(upstreams: tuple[str, ...]) -> Route:
    """A route that the contract doesn't know, by the upstreams that its requests were seen to call.

    Each must answer, or the request fails.
    """

    def flow(stream: Stream, user: str | None) -> Flow:
        for upstream in upstreams:
            reply = yield Call(upstream=upstream, route="GET /")
            if reply is None:
                return Answer(status=503)
        return Answer(status=200)

    return flow


_FILE = {"project_id": "p1", "name": "a.txt", "content": "a.txt of p1"}
_SAVED = {"status": "saved", "project_id": "p1", "name": "a.txt"}
_SNAPSHOT = {"project_id": "p1", "snapshot_id": "p1-1"}
_HISTORY: dict[str, Any] = {"project_id": "p1", "snapshots": []}
_LOOKUP = {"query": "x", "results": [{"title": "about x"}]}

_ROUTES: tuple[tuple[str, Route], ...] = (
    (r"POST /v1/api/auth/login", login),
    (r"GET /v1/api/auth/check", check),
    (r"POST /v1/api/chat", chat),
    (r"GET /v1/api/project/[^/]+", project),
    (r"GET /v1/api/project/[^/]+/file/.+", _service("filesystem", "GET /file/project/name", _FILE)),
    (r"PUT /v1/api/project/[^/]+/file/.+", _service("filesystem", "POST /save_file", _SAVED)),
    (r"POST /v1/api/project/[^/]+/snapshot", _service("git", "POST /snapshot/project", _SNAPSHOT)),
    (r"GET /v1/api/project/[^/]+/history", _service("git", "GET /history/project", _HISTORY)),
    (r"GET /v1/api/lookup", _service("external_data", "GET /lookup", _LOOKUP)),
)
_PATTERNS = tuple((re.compile(pattern), route) for pattern, route in _ROUTES)


def route_of(request: str) -> Route | None:
    """The route of a stream's request, such as `POST /v1/api/chat`; None if it calls nobody."""
    request = request.partition("?")[0]
    return next((route for pattern, route in _PATTERNS if pattern.fullmatch(request)), None)
