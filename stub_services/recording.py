"""What a stub saw, as records that only grow: calls, answers, charges.

Each record is handed to its listeners before the call is worked on, so a stub that is killed has
lost none. Records hold no token, password or body: what is attempted is named by a salted digest.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable
from typing import Any

from stub_services.messages import Request


class Recorder:
    """The records of one service; `salt` makes digests useless outside this process."""

    def __init__(self, service: str, *, salt: bytes | None = None) -> None:
        self._service = service
        self._salt = os.urandom(16) if salt is None else salt
        self._attempts: Counter[str] = Counter()
        self._calls = 0
        self.records: list[dict[str, Any]] = []
        self.listeners: list[Callable[[], None]] = []

    def call(
        self, at_s: float, request: Request, route: str, of: str | None, met: tuple[str, ...]
    ) -> int:
        """A request has come in whole; returns its id. `of` names what is attempted, if it says.

        `met`: ids of the behaviours that change what becomes of it.
        """
        if of is None:
            of = self._digest(request)
        self._attempts[of] += 1
        self._calls += 1
        self._add(
            "call",
            at_s,
            id=self._calls,
            route=route,
            method=request.method,
            path=request.target,
            of=of,
            attempt=self._attempts[of],
            met=met,
            traceparent=request.headers.get("traceparent"),
        )
        return self._calls

    def answered(self, at_s: float, call_id: int, status: int | None, outcome: str) -> None:
        """A call is done with: sent, truncated, undecodable, lost, or left (the client went)."""
        self._add("answered", at_s, id=call_id, status=status, outcome=outcome)

    def charge(
        self, at_s: float, *, job_id: str, user_id: str, cost: float, duplicate: bool
    ) -> None:
        """The ledger took a charge, or refused to take one twice."""
        self._add("charge", at_s, job_id=job_id, user_id=user_id, cost=cost, duplicate=duplicate)

    def _add(self, kind: str, at_s: float, **fields: Any) -> None:
        self.records.append({"kind": kind, "at": at_s, "service": self._service, **fields})
        for listener in tuple(self.listeners):
            listener()

    def _digest(self, request: Request) -> str:
        said = f"{request.method} {request.target}\n".encode() + request.body
        return hashlib.blake2b(said, key=self._salt, digest_size=8).hexdigest()
