"""What a planned request is on the wire: method, path, headers and body, for one user."""

from __future__ import annotations

import json
import math
from typing import Any

from msgspec import field

from harness.engines.again import AgainPlan
from harness.engines.base import Job, request_text
from harness.engines.redact import Redactor
from harness.frozen import Frozen
from harness.history.headers import Pairs
from harness.scenario.traffic import Stream
from harness.target import Target
from harness.trace import HEADER, trace_id, traceparent

_KEPT_BODY = 500
_LONGEST_JSON = 10_000
"""Characters; longer JSON is kept as its first characters."""
_DEEPEST = 50
_MOST_DIGITS = 300
"""Of a whole number: those that a float can still hold."""


class WireRequest(Frozen, kw_only=True):
    """A request ready to be sent; `body` may be empty."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class WireAnswer(Frozen, kw_only=True):
    """An answer as it came, or the reason why none did (`status` None)."""

    status: int | None
    headers: Pairs = ()
    body: bytes = b""
    error: str | None = None


def wire_request(
    stream: Stream, target: Target, user_id: str | None, number: int, trace: str = ""
) -> WireRequest:
    """One request of a stream in a user's name, placeholders replaced.

    It belongs to `trace`, if any is given, unless the stream's own headers say otherwise.
    """
    method, _, path = stream.request.partition(" ")
    values = {"number": str(number)}
    headers: dict[str, str] = {}
    if trace and not traced_by_author(stream):
        headers[HEADER] = traceparent(trace)
    if user_id is not None:
        user = target.user(user_id)
        values |= {
            "user_id": user_id,
            "email": user.email or "",
            "password": user.password or "",
            "project": user.owns[0] if user.owns else "",
        }
        if stream.with_ == "bearer" and user.bearer:
            headers["Authorization"] = f"Bearer {user.bearer}"
        elif stream.with_ == "cookie" and user.bearer:
            headers["Cookie"] = f"auth_token={user.bearer}"
    body = b""
    if stream.json_ is not None:
        body = json.dumps(request_text(stream.json_, values)).encode()
        headers["Content-Type"] = "application/json"
    elif stream.body is not None:
        body = str(request_text(stream.body, values)).encode("utf-8", "surrogatepass")
        headers["Content-Type"] = "application/json"
    for name, value in stream.headers.items():
        headers[name] = str(request_text(value, values))
    return WireRequest(
        method=method, path=str(request_text(path, values)), headers=headers, body=body
    )


def traced_by_author(stream: Stream) -> bool:
    """Whether a stream's own headers say to which trace its requests belong."""
    return any(name.lower() == HEADER for name in stream.headers)


def trace_of(job: Job, name: str, number: int, client: str, tried: int = 1) -> str:
    """The trace of a request as `wire_request` sends it, each try's own; empty where its author
    chose another.
    """
    if traced_by_author(job.scenario.traffic[name]):
        return ""
    stream = name if tried == 1 else f"{name} try {tried}"
    return trace_id(job.seed, job.scenario.name, stream, number, client)


def again_plan(stream: Stream) -> AgainPlan | None:
    """When a stream's clients try again; None where they don't."""
    retry = stream.retry
    if retry is None:
        return None
    return {
        "waits_s": list(retry.waits_s),
        "statuses": list(retry.on.ranges),
        "error": retry.on.error,
        "retry_after": retry.retry_after,
    }


def kept_body(body: bytes, redactor: Redactor) -> Any:
    """What the history keeps of an answer's body: its JSON, or the first characters of the rest.

    JSON that is long, nested without need, or full of numbers that nobody counts with, is the rest.
    """
    text = body[: 4 * _LONGEST_JSON].decode("utf-8", "replace")
    if not text:
        return None
    if len(text) <= _LONGEST_JSON:
        try:
            return redactor.value(_legal_json(text))
        except (ValueError, RecursionError):
            pass
    # What is cut may be half a secret: it goes before the cut.
    return redactor.text(text)[:_KEPT_BODY]


def _legal_json(text: str) -> Any:
    """Raises: ValueError, RecursionError."""
    if text.count("[") + text.count("{") > _DEEPEST and _depth(text) > _DEEPEST:
        raise ValueError("nested too deeply")
    return json.loads(text, parse_constant=_refused, parse_int=_whole, parse_float=_fraction)


def _depth(text: str) -> int:
    """How deep brackets are nested, those inside strings included."""
    deepest = depth = 0
    for character in text:
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _refused(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _whole(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError("a number beyond all use")
    return int(digits)


def _fraction(digits: str) -> float:
    if not math.isfinite(value := float(digits)):
        raise ValueError("a number beyond all use")
    return value
