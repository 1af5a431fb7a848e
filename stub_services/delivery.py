"""How an answer leaves: which bytes at which instant, and what becomes of the connection then."""

from __future__ import annotations

import enum
import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus

import h11

from stub_services.actions import Action
from stub_services.messages import Reply


class End(enum.Enum):
    """How a connection ends."""

    CLOSE = "close"
    """Close it the ordinary way."""
    RESET = "reset"
    """Close it with RST."""


@dataclass(slots=True, kw_only=True)
class Delivery:
    """The answer to one call on its way.

    `end` (None: the connection is kept) comes at `end_at_s`, after all steps; infinity there means
    silence until the client leaves or `held_by`, a behaviour's id, is lifted.
    """

    call_id: int
    status: int | None
    outcome: str
    steps: deque[tuple[float, bytes]] = field(default_factory=deque)
    end: End | None = None
    end_at_s: float = 0.0
    held_by: str | None = None

    @property
    def next_s(self) -> float:
        """When something is due next."""
        return self.steps[0][0] if self.steps else self.end_at_s


def silence(call_id: int) -> Delivery:
    """No answer, on a connection that stays open until the client leaves or the silence ends."""
    return Delivery(call_id=call_id, status=None, outcome="lost", end=End.CLOSE, end_at_s=math.inf)


def ending(call_id: int, *, end: End, at_s: float) -> Delivery:
    """No answer: the connection ends."""
    return Delivery(call_id=call_id, status=None, outcome="lost", end=end, end_at_s=at_s)


def answer(
    http: h11.Connection,
    call_id: int,
    reply: Reply,
    action: Action | None,
    at_s: float,
    *,
    to_head: bool = False,
) -> Delivery:
    """An answer that begins to leave at `at_s`, suffering what the delivery action says.

    `to_head`: to a HEAD, so that its body is announced and never sent.
    """
    name = None if action is None else action.name
    dripping = action if action is not None and name == "drip" else None
    chunked = dripping is not None and dripping.part == "chunked"
    body = b"" if to_head else reply.body
    head, pieces = _bytes(
        http, reply, body, length=len(reply.body), chunked=chunked, coded=name == "encoding"
    )
    end = End.CLOSE if http.our_state is not h11.DONE else None
    delivery = Delivery(
        call_id=call_id, status=reply.status, outcome="sent", end=end, end_at_s=at_s
    )
    if name == "encoding":
        delivery.outcome = "undecodable"
    kept = len(body)
    if action is not None and name == "truncate":
        kept = len(body) // 2 if action.after_bytes is None else action.after_bytes
    if kept < len(body):
        delivery.steps.append((at_s, head + body[:kept]))
        delivery.end, delivery.outcome = End.CLOSE, "truncated"
    elif dripping is not None:
        in_head = dripping.part == "headers"
        first, rest = (b"", [*_each(head), *pieces]) if in_head else (head, _dripped(pieces))
        delivery.steps.extend(_spread(first, rest, at_s, dripping.interval_s))
        delivery.end_at_s = delivery.steps[-1][0]
    else:
        delivery.steps.append((at_s, head + b"".join(pieces)))
    return delivery


def _bytes(
    http: h11.Connection, reply: Reply, body: bytes, *, length: int, chunked: bool, coded: bool
) -> tuple[bytes, list[bytes]]:
    """Head and body on the wire; a chunked body has a chunk for each byte."""
    headers = [(name.encode("latin-1"), text.encode("latin-1")) for name, text in reply.headers]
    if length and not any(name.lower() == b"content-type" for name, _ in headers):
        headers.append((b"Content-Type", b"application/json"))
    if not chunked and reply.status not in (204, 304):
        headers.append((b"Content-Length", str(length).encode()))
    if coded:
        headers.append((b"Content-Encoding", b"gzip"))
    head = http.send(
        h11.Response(status_code=reply.status, reason=_reason(reply.status), headers=headers)
    )
    pieces = []
    if reply.status not in (204, 304):
        parts = _each(body) if chunked else [body]
        pieces = [http.send(h11.Data(data=part)) or b"" for part in parts if part]
    pieces.append(http.send(h11.EndOfMessage()) or b"")
    # Nothing left to send is no piece: whoever has all of it may leave before that would be due.
    return head or b"", [piece for piece in pieces if piece]


def _each(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


def _dripped(pieces: list[bytes]) -> list[bytes]:
    """One whole body a byte at a time; chunks stay whole."""
    return pieces if len(pieces) > 2 else _each(b"".join(pieces))


def _spread(
    first: bytes, rest: Iterable[bytes], at_s: float, interval_s: float
) -> Iterable[tuple[float, bytes]]:
    if first:
        yield at_s, first
    for index, data in enumerate(rest, start=1):
        yield at_s + index * interval_s, data


def _reason(status: int) -> bytes:
    try:
        return HTTPStatus(status).phrase.encode()
    except ValueError:
        return b"Unknown"
