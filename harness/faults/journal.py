"""What an observer at the proxy writes down of one connection: requests, responses, its end.

Pure: it is shown the bytes that came in from the client and those that went out to it, with their
times, and answers with facts. It follows HTTP/1.1 by turns, not by framing: a request begins when
the client speaks first, or speaks again after an answer has begun. Pipelined requests count as one.
A connection that doesn't begin with HTTP (a cache's or a database's) is followed in the same way,
without method, path and status; its handshake and first question, which follow each other without a
pause, are one request.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_REQUEST_LINE = re.compile(rb"([A-Z]+) (\S+) HTTP/1\.[01]\r?\n")
_MAY_BECOME_A_REQUEST = re.compile(rb"[A-Z]+(?: [^\n]*)?")
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})")
_STATUS_BYTES = len(b"HTTP/1.1 200")
_LONGEST_REQUEST_LINE_BYTES = 8192
_PAUSE_S = 0.02
"""A client that is silent for so long after an answer had its question answered."""
_OPENING_TURNS = 8
"""So many a handshake and a first question may take, in protocols that people use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalFact:
    """One line of the proxy journal (see ARCHITECTURE.md) without its proxy and connection."""

    at_s: float
    """When it happened: for a request or answer, when its first byte passed."""
    message: str
    """`Request`, `Response` or `Closed`."""
    method: str = ""
    path: str = ""
    """Both empty for what isn't HTTP."""
    status: int = 0
    """0 for an answer that isn't HTTP."""
    by: str = ""
    """Who ended the connection: `client`, `upstream` or `proxy`."""

    def fields(self) -> dict[str, str | int]:
        """What the journal line says beside `at` and `message`."""
        if self.message == "Request":
            return {"method": self.method, "path": self.path}
        return {"status": self.status} if self.message == "Response" else {"by": self.by}


class ConnectionJournal:
    """Follows one connection; each method returns the fact that became known, if any."""

    __slots__ = (
        "_answer",
        "_answer_at_s",
        "_closed",
        "_heard_s",
        "_http",
        "_opening",
        "_request",
        "_request_at_s",
        "_turn",
    )

    def __init__(self) -> None:
        self._http: bool | None = None  # not known before the first request line
        self._opening = _OPENING_TURNS  # turns that may still belong to the first request
        self._heard_s = 0.0
        self._turn = "request"  # whose first bytes are awaited: request or answer, or neither
        self._request = b""
        self._request_at_s = 0.0
        self._answer = b""
        self._answer_at_s = 0.0
        self._closed = False

    @property
    def heeds_client(self) -> bool:
        """Whether what the client says now may be anything but the rest of a request."""
        return self._turn == "request"

    @property
    def heeds_upstream(self) -> bool:
        """Whether what goes out to the client now may be anything but the rest of an answer."""
        return self._turn == "answer" or self._http is False

    def from_client(self, at_s: float, data: bytes) -> JournalFact | None:
        """Bytes came in from the client."""
        if self._turn != "request":
            return None
        if self._http is False:
            return self._another_turn(at_s)
        if not self._request:
            self._request_at_s = at_s
        self._request += data[:_LONGEST_REQUEST_LINE_BYTES]
        match = _REQUEST_LINE.match(self._request)
        if match is None:
            return self._no_request_line()
        self._http = True
        self._request, self._answer, self._turn = b"", b"", "answer"
        return JournalFact(
            at_s=self._request_at_s,
            message="Request",
            method=match[1].decode("ascii"),
            path=match[2].decode("latin-1"),
        )

    def _another_turn(self, at_s: float) -> JournalFact | None:
        """The client speaks again where no HTTP is spoken."""
        self._turn = "answer"
        self._opening -= 1
        if self._opening > 0 and at_s < self._heard_s + _PAUSE_S:
            return None
        self._opening = 0
        return JournalFact(at_s=at_s, message="Request")

    def _no_request_line(self) -> JournalFact | None:
        """What came is no request line, or not yet one."""
        short = len(self._request) < _LONGEST_REQUEST_LINE_BYTES
        if short and _MAY_BECOME_A_REQUEST.fullmatch(self._request):
            return None
        self._request = b""
        if self._http:
            return None  # not the beginning of a request: the rest of a body, say
        self._http, self._turn = False, "answer"
        return JournalFact(at_s=self._request_at_s, message="Request")

    def to_client(self, at_s: float, data: bytes) -> JournalFact | None:
        """Bytes went out to the client."""
        if self._http is False:
            return self._other_answer(at_s)
        if self._turn != "answer":
            return None
        if not self._answer:
            self._answer_at_s = at_s
        self._answer += data
        match = _STATUS_LINE.match(self._answer)
        if match is None:
            if len(self._answer) >= _STATUS_BYTES:
                self._turn = "request"  # not HTTP: nothing to say about it
            return None
        status = int(match[1])
        if 100 <= status < 200:
            return self._skip_interim(at_s)
        self._turn = "request"
        return JournalFact(at_s=self._answer_at_s, message="Response", status=status)

    def _other_answer(self, at_s: float) -> JournalFact | None:
        """Bytes go out to the client where no HTTP is spoken."""
        self._heard_s = at_s
        if self._turn != "answer":
            return None
        self._turn = "request"
        if 0 < self._opening < _OPENING_TURNS:
            return None  # one of the opening's further answers
        return JournalFact(at_s=at_s, message="Response")

    def _skip_interim(self, at_s: float) -> JournalFact | None:
        """`100 Continue` is no answer; whatever follows it may be."""
        _, blank, rest = self._answer.partition(b"\r\n\r\n")
        if not blank:
            return None
        self._answer = b""
        return self.to_client(at_s, rest) if rest else None

    def closed(self, at_s: float, by: str) -> JournalFact | None:
        """The connection ended; only the first telling counts."""
        if self._closed:
            return None
        self._closed = True
        return JournalFact(at_s=at_s, message="Closed", by=by)
