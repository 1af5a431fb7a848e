"""The simulated Toxiproxy in front of one upstream: the embedded proxy's links on virtual time.

Each connection of the target drives two links (`harness.faults.link`), the same code that the
embedded proxy drives with asyncio, and the same journal.
"""

from __future__ import annotations

import random
from typing import Any

from harness.faults.chain import End as LinkEnd
from harness.faults.chain import Placed
from harness.faults.journal import ConnectionJournal, JournalFact
from harness.faults.link import Link, join
from harness.faults.registry import TOXICS

from .fabric import WINDOW_BYTES, Address, End, Remote
from .facts import Facts
from .scheduler import KERNEL, Timer
from .stubs import Session, StubPort

_WHAT = {"Request": "request", "Response": "response", "Closed": "closed"}


class Proxy:
    """A listener on the fabric with toxics for both directions."""

    def __init__(self, name: str, address: Address, stub: StubPort, facts: Facts, seed: int):
        self.name = name
        self.address = address
        self.stub = stub
        self.facts = facts
        self.rng = random.Random(f"{seed}:{name}")
        self.chains: dict[str, list[Placed]] = {"upstream": [], "downstream": []}
        self.open: dict[int, Connection] = {}
        self.disabled_by: set[str] = set()
        self.cut_off_by: set[str] = set()
        self.unanswered_by: set[str] = set()
        self._count = 0

    # -- what clients meet -------------------------------------------------------------------

    @property
    def refuses(self) -> bool:
        """Whether it is disabled; each refusal is written down."""
        if not self.disabled_by:
            return False
        self.facts.cross(KERNEL.now_s, self.name, 0, "refused")
        return True

    def knock(self, end: End, *, again: bool) -> Remote | None:
        """Take a connection, unless nobody answers."""
        if self.unanswered_by:
            if not again:
                self.facts.cross(KERNEL.now_s, self.name, 0, "unanswered")
            return None
        self._count += 1
        connection = Connection(self, self._count, end)
        self.facts.cross(KERNEL.now_s, self.name, self._count, "accepted")
        if self.cut_off_by or not self.stub.alive:
            # Accepted first, closed then: the upstream's refusal shows only after the handshake.
            KERNEL.call_later(end.latency_s, connection.give_up)
        else:
            self.open[self._count] = connection
            connection.dial()
        return connection

    # -- what faults do ----------------------------------------------------------------------

    def disable(self, reason: str) -> None:
        """Refuse, and close what is open."""
        self.disabled_by.add(reason)
        self.drop_all()

    def drop_all(self) -> None:
        """Close every connection at once, both ways."""
        for connection in list(self.open.values()):
            connection.kill()

    def add_toxic(
        self, name: str, kind: str, stream: str, attributes: dict[str, Any], toxicity: float
    ) -> None:
        """Put a toxic on all connections of a direction, present and future."""
        cls = TOXICS[kind]
        fields = {item.field: attributes.get(item.name, item.default) for item in cls.ATTRIBUTES}
        placed = Placed(name=name, toxic=cls(**fields), toxicity=toxicity)
        self.chains[stream].append(placed)
        for connection in list(self.open.values()):
            connection.link(stream).add(KERNEL.now_s, placed)
            connection.step()

    def remove_toxic(self, name: str) -> None:
        """Take a toxic out of all connections."""
        for stream, chain in self.chains.items():
            if any(placed.name == name for placed in chain):
                self.chains[stream] = [placed for placed in chain if placed.name != name]
                for connection in list(self.open.values()):
                    connection.link(stream).remove(KERNEL.now_s, name)
                    connection.step()


class Connection:
    """One connection through the proxy: the far end of the target's socket."""

    def __init__(self, proxy: Proxy, number: int, client: End) -> None:
        self.proxy = proxy
        self.number = number
        self.client = client
        self.journal = ConnectionJournal()
        now_s = KERNEL.now_s
        self.up = Link(proxy.chains["upstream"], rng=proxy.rng, at_s=now_s)
        self.down = Link(proxy.chains["downstream"], rng=proxy.rng, at_s=now_s)
        join(self.up, self.down)
        self.session: Session | None = None
        self._from_client: list[bytes] = []
        self._from_upstream: list[bytes] = []
        self._client_ended = False
        self._upstream_ended = False
        self._client_closed = False
        self._upstream_closed = False
        self._timer: Timer | None = None
        self._wake_s = 0.0
        self._to_client = 0

    def link(self, stream: str) -> Link:
        """The link of a direction."""
        return self.up if stream == "upstream" else self.down

    def dial(self) -> None:
        """Connect to the stub."""
        self.session = self.proxy.stub.connect(self)
        self.step()

    # -- from the client ---------------------------------------------------------------------

    def received(self, data: bytes) -> None:
        """The client's bytes are at the proxy."""
        self._note(self.journal.from_client(KERNEL.now_s, data))
        self._from_client.append(data)
        self.step()

    def ended(self) -> None:
        """The client sends no more; the proxy knows no half-close."""
        self._client_ended = True
        self._note(self.journal.closed(KERNEL.now_s, "client"))
        self.step()

    def gone(self, *, reset: bool) -> None:
        """The client is closed."""
        self._client_closed = True
        self.ended()

    def unread_bytes(self) -> int:
        """What the upstream link doesn't take yet."""
        return sum(map(len, self._from_client)) if self._from_client else 0

    # -- from the stub -----------------------------------------------------------------------

    def upstream_sent(self, data: bytes) -> None:
        """The stub's bytes are at the proxy."""
        self._from_upstream.append(data)
        self.step()

    def upstream_ended(self) -> None:
        """The stub closed, or reset: both look alike behind a proxy."""
        self._upstream_ended = self._upstream_closed = True
        self._note(self.journal.closed(KERNEL.now_s, "upstream"))
        self.step()

    # -- the links ---------------------------------------------------------------------------

    def step(self) -> None:
        """Let both links do what is due, and carry it out, until nothing moves."""
        if self.session is None:
            return
        now_s = KERNEL.now_s
        moved = True
        while moved:
            moved = self._pour(self.up, self._from_client, self._client_ended, now_s)
            if moved and self.client.waiters:
                KERNEL.call_later(self.client.latency_s, self.client.changed)
            moved |= self._pour(self.down, self._from_upstream, self._upstream_ended, now_s)
            for action in self.up.advance(now_s):
                moved = True
                self._upstream_action(action)
            for action in self.down.advance(now_s):
                moved = True
                self._client_action(action)
        self._plan()

    def _pour(self, link: Link, waiting: list[bytes], ended: bool, now_s: float) -> bool:
        moved = False
        while waiting and (link.wants_data or link.ended):
            link.feed(now_s, waiting.pop(0))
            moved = True
        if ended and not waiting:
            link.eof(now_s)
        return moved

    def _upstream_action(self, action: bytes | LinkEnd) -> None:
        if self._upstream_closed or self.session is None:
            return
        if isinstance(action, bytes):
            self.session.received(action)
            return
        self._upstream_closed = self._upstream_ended = True
        self._note(self.journal.closed(KERNEL.now_s, "proxy"))
        self.session.closed()

    def _client_action(self, action: bytes | LinkEnd) -> None:
        if self._client_closed:
            return
        if isinstance(action, bytes):
            self._note(self.journal.to_client(KERNEL.now_s, action))
            self._to_client += len(action)
            KERNEL.call_later(self.client.latency_s, self._arrive, action)
            if self._to_client + len(self.client.buffer) > WINDOW_BYTES:
                self.down.block()
                self.client.patience = self._drained
            return
        self._close_client(reset=action is LinkEnd.RESET or bool(self._from_client))
        self._client_ended = True

    def _arrive(self, data: bytes) -> None:
        self._to_client -= len(data)
        self.client.arrive(data)

    def _drained(self) -> None:
        self.client.patience = None
        self.down.unblock(KERNEL.now_s)
        self.step()

    def _close_client(self, *, reset: bool) -> None:
        self._client_closed = True
        self._note(self.journal.closed(KERNEL.now_s, "proxy"))
        KERNEL.call_later(self.client.latency_s, self._client_hears_close, reset)

    def _client_hears_close(self, reset: bool) -> None:
        self.client.arrive_close(reset=reset)

    def _plan(self) -> None:
        if self._client_closed and self._upstream_closed:
            self._forget()
            return
        wake_s = min(self.up.next_wake_s, self.down.next_wake_s)
        if self._timer is not None:
            if wake_s == self._wake_s:
                return
            self._timer.cancel()
            self._timer = None
        if wake_s != float("inf"):
            self._wake_s = wake_s
            self._timer = KERNEL.call_at(wake_s, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        self.step()

    def _forget(self) -> None:
        self.proxy.open.pop(self.number, None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- ends from outside -------------------------------------------------------------------

    def kill(self) -> None:
        """Close both sides at once; what the toxics hold is lost."""
        self._forget()
        if not self._client_closed:
            self._close_client(reset=bool(self._from_client))
        if not self._upstream_closed and self.session is not None:
            self._upstream_closed = True
            self.session.closed()
        self.session = None

    def give_up(self) -> None:
        """The upstream refused: the client, just accepted, is closed."""
        self._close_client(reset=bool(self._from_client))

    def _note(self, fact: JournalFact | None) -> None:
        if fact is None:
            return
        fields: dict[str, Any] = {}
        if fact.message == "Request":
            fields = {"method": fact.method, "path": fact.path}
        elif fact.message == "Response":
            fields = {"status": fact.status}
        else:
            fields = {"closed_by": fact.by}
        self.proxy.facts.cross(
            fact.at_s, self.proxy.name, self.number, _WHAT[fact.message], **fields
        )
