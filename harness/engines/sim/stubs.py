"""The stub services on virtual time: their own protocol code, driven by events without threads.

The service package is found by name, as it plugs in from outside (`stub_services`): `build` makes
services, `Connection` speaks for one, bytes in and bytes out when due.
"""

from __future__ import annotations

import importlib
import json
import math
from collections.abc import Callable
from typing import Any, Protocol

from .facts import Facts
from .scheduler import KERNEL, Timer

_PACKAGE = "stub_services"
_SALT = b"simulation"


class Peer(Protocol):
    """The proxy's side of a connection to a stub."""

    def upstream_sent(self, data: bytes) -> None:
        """The stub's bytes."""

    def upstream_ended(self) -> None:
        """The stub closed the connection."""


class StubPort:
    """One stub as a process would be: it can be killed, started again, stopped and continued."""

    def __init__(self, name: str, build: Callable[[], Any], package: Any, facts: Facts) -> None:
        self.name = name
        self.alive = True
        self._package = package
        self._build = build
        self._facts = facts
        self._told: dict[str, tuple[str, str]] = {}
        self._charges: list[dict[str, Any]] = []
        self._sessions: list[Session] = []
        self._calls_before = 0
        self.paused = False
        self._service = build()
        self._seen = 0
        self._service.recorder.listeners.append(self._note_records)

    def connect(self, peer: Peer) -> Session:
        """A new connection."""
        session = Session(self, self._package, self._service, peer)
        self._sessions.append(session)
        return session

    def forget(self, session: Session) -> None:
        """A connection is over."""
        if session in self._sessions:
            self._sessions.remove(session)

    def control(self, method: str, path: str, body: str) -> None:
        """Tell the stub what a harness tells it over HTTP, with the same bytes.

        Raises: ValueError when it doesn't take it.
        """
        data = body.encode()
        head = (
            f"{method} /_stub/{path} HTTP/1.1\r\nHost: stub\r\nContent-Length: {len(data)}\r\n\r\n"
        )
        connection = self._package.Connection(self._service, lambda: None)
        connection.feed(KERNEL.now_s, head.encode() + data)
        said = b"".join(
            part for part in connection.advance(KERNEL.now_s) if isinstance(part, bytes)
        )
        connection.eof(KERNEL.now_s)
        if not said.startswith(b"HTTP/1.1 2"):
            raise ValueError(f"the {self.name} stub did not take {method} {path}: {said[-200:]!r}")
        if method == "DELETE":
            self._told.pop(path, None)
        else:
            self._told[path] = (method, body)

    def kill(self) -> None:
        """End the process: its connections are gone, and so is what it remembered."""
        self.alive = False
        self.paused = False
        for session in tuple(self._sessions):
            session.die()

    def revive(self) -> None:
        """Start it again, told all that it was told, with the charges in its database."""
        recorder = self._service.recorder
        self._calls_before += sum(1 for r in recorder.records if r["kind"] == "call")
        self._service = self._build()
        self._seen = 0
        self._service.recorder.listeners.append(self._note_records)
        for path, (method, body) in tuple(self._told.items()):
            self.control(method, path, body)
        if self._charges:
            self.control("PUT", "ledger", json.dumps(self._charges))
            del self._told["ledger"]
        self.alive = True

    def pause(self) -> None:
        """Stop it: connections stay, nothing is read or answered."""
        self.paused = True

    def resume(self) -> None:
        """Let it go on with all that came in meanwhile."""
        self.paused = False
        for session in tuple(self._sessions):
            session.step()

    def _note_records(self) -> None:
        records = self._service.recorder.records
        for record in records[self._seen :]:
            known = dict(record)
            if "id" in known:
                known["id"] += self._calls_before
            known["record"] = known.pop("kind")
            if known["record"] == "charge" and not known["duplicate"]:
                kept = ("job_id", "user_id", "cost")
                self._charges.append({name: known[name] for name in kept})
            self._facts.add("stub", known.pop("at"), **known)
        self._seen = len(records)


class Session:
    """One connection to a stub."""

    def __init__(self, port: StubPort, package: Any, service: Any, peer: Peer) -> None:
        self._port = port
        self._peer: Peer | None = peer
        self._connection = package.Connection(service, self._wake, package.nobody)
        self._incoming: list[bytes] = []
        self._closed_by_client = False
        self._timer: Timer | None = None

    def received(self, data: bytes) -> None:
        """Bytes came from the proxy."""
        self._incoming.append(data)
        self.step()

    def closed(self) -> None:
        """The proxy closed the connection."""
        self._closed_by_client = True
        self._peer = None
        self.step()

    def die(self) -> None:
        """The stub's process is gone."""
        self._port.forget(self)
        self._cancel()
        peer, self._peer = self._peer, None
        if peer is not None:
            peer.upstream_ended()

    def _wake(self) -> None:
        # Asked from within the service's own work: answer once that is done.
        KERNEL.call_later(0.0, self.step)

    def step(self) -> None:
        """Take what came in, and carry out what is due."""
        if self._port.paused or not self._port.alive:
            return
        now_s = KERNEL.now_s
        while self._incoming:
            self._connection.feed(now_s, self._incoming.pop(0))
        if self._closed_by_client:
            self._connection.eof(now_s)
        for output in self._connection.advance(now_s):
            self._carry_out(output)
        self._plan()

    def _carry_out(self, output: Any) -> None:
        peer = self._peer
        if isinstance(output, bytes):
            if peer is not None:
                peer.upstream_sent(output)
            return
        self._port.forget(self)
        self._peer = None
        if peer is not None:
            peer.upstream_ended()

    def _plan(self) -> None:
        self._cancel()
        wake_s = self._connection.next_wake_s
        if wake_s != math.inf and not self._connection.ended:
            self._timer = KERNEL.call_at(max(wake_s, KERNEL.now_s), self.step)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def load() -> None:
    """Load what every play needs of the services, once for all plays that a nursery forks: the
    package itself loads a name's module only when it is asked for the name.
    """
    services = package()
    _ = services.Connection
    for name in (*services.SERVICES, "one that is made of data"):
        services.class_of(name)


def package() -> Any:
    """The package of the stub services."""
    return importlib.import_module(_PACKAGE)


def build_ports(names: list[str], facts: Facts, internal_token: str) -> dict[str, StubPort]:
    """The stubs of one world. All share their users, as the real ones are told the same.

    A service has a directory of users of its own here, since each can be killed by itself.
    """
    services = package()

    def builder(name: str) -> Callable[[], Any]:
        return lambda: services.build([name], internal_token=internal_token, salt=_SALT)[name]

    return {name: StubPort(name, builder(name), services, facts) for name in names}
