"""One proxy: a listener, its toxics, and the connections that run through it."""

from __future__ import annotations

import asyncio
import errno
import random
import socket
import time
import zlib
from collections.abc import Callable

from harness.faults import JournalFact, Link, Toxic
from harness.toxiproxy import addresses
from harness.toxiproxy.addresses import AddressError
from harness.toxiproxy.dial import Dial
from harness.toxiproxy.log import JournalSink, Log
from harness.toxiproxy.relay import Connection
from harness.toxiproxy.toxics import DIRECTIONS, NamedToxic, ToxicChains
from neighbours import stranger

_ACCEPTS_PER_TURN = 64
_ACCEPT_PAUSE_S = 0.1
_OUT_OF_RESOURCES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_KEEPALIVE_S = 15


class Proxy:
    """Accepts clients on `listen`, connects each to `upstream`, and relays between them.

    `seed` makes toxicity, jitter and slices repeatable: each connection draws from a stream of its
    own, which depends on the seed, the proxy's name and the connection's number only.
    """

    def __init__(
        self, name: str, listen: str, upstream: str, *, log: Log, seed: int | None = None
    ) -> None:
        self.name = name
        self.listen = listen
        """As asked for until started, then where it really listens; kept while it is disabled."""
        self.upstream = upstream
        self.enabled = False
        self.toxics = ToxicChains()
        self._asked: dict[str, object] = {"name": name, "listen": listen, "upstream": upstream}
        self._log = log
        self._seed = seed
        self._listener: socket.socket | None = None
        self._held: socket.socket | None = None
        """While it is disabled: what keeps its port, and refuses all clients."""
        self._numbers = 0
        self._connections: dict[int, Connection] = {}
        self._dials: set[Dial] = set()
        self._loop = asyncio.get_running_loop()

    def to_json(self) -> dict[str, object]:
        """The wire's object; the stray `Logger` is Toxiproxy's own."""
        return {
            "name": self.name,
            "listen": self.listen,
            "upstream": self.upstream,
            "enabled": self.enabled,
            "Logger": {},
            "toxics": [toxic.to_json() for toxic in self.toxics],
        }

    async def start(self) -> None:
        """Listens; nothing happens when it already does.

        Raises: AddressError, in Go's words.
        """
        if self.enabled:
            return
        try:
            address = await addresses.resolve_listen(self.listen)
        except AddressError as error:
            raise AddressError(f"listen tcp: {error}") from None
        if self.enabled:
            return
        self._release()
        try:
            self._listener = addresses.bind(address)
        except AddressError as error:
            raise AddressError(f"listen tcp {error}") from None
        self.listen = str(addresses.bound(self._listener))
        self.enabled = True
        self._loop.add_reader(self._listener, self._accept)
        self._log.line("info", "Started proxy", "proxy.go:123", self._asked)

    def disable(self) -> None:
        """The same as `stop`, but that its port stays its own, if the system chose it: whatever
        else on the machine needs a port may be given that one meanwhile (difference `kept-port`).
        """
        if not self.enabled or self._listener is None:
            return
        chosen = str(self._asked["listen"]).endswith(":0")
        where = addresses.bound(self._listener)
        self.stop()
        self._held = addresses.hold(where) if chosen else None

    def stop(self) -> None:
        """Stops listening and closes every connection; when it returns, this has happened."""
        self._release()
        if not self.enabled:
            return
        self.enabled = False
        if self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        for dial in tuple(self._dials):
            dial.cancel()
        for connection in tuple(self._connections.values()):
            connection.close()
        self._log.line("info", "Terminated proxy", "proxy.go:264", self._asked)

    def _release(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None

    # Toxics, on the chains and on every live connection

    def add_toxic(self, toxic: NamedToxic) -> None:
        """Appends a toxic; live connections meet it from their next chunk on."""
        self.toxics.add(toxic)
        for connection in tuple(self._connections.values()):
            connection.add(toxic.direction, toxic.placed)

    def update_toxic(
        self,
        toxic: NamedToxic,
        settings: Toxic,
        *,
        toxicity: float | None = None,
        restart: bool = True,
    ) -> NamedToxic:
        """Changes a toxic's settings; returns it as it is now."""
        new = self.toxics.update(toxic, settings, toxicity=toxicity)
        for connection in tuple(self._connections.values()):
            connection.update(new.direction, new.placed, restart=restart)
        return new

    def remove_toxic(self, toxic: NamedToxic) -> None:
        """Takes a toxic out."""
        self.toxics.remove(toxic)
        for connection in tuple(self._connections.values()):
            connection.remove(toxic.direction, toxic.name)

    # Connections

    def connection_ended(self, connection: Connection) -> None:
        """Forgets a connection whose sockets are both closed."""
        self._connections.pop(connection.number, None)

    def source_ended(self, direction: str, error: OSError) -> None:
        """Logs a read that failed."""
        text = addresses.describe(error)
        self._log.line("warn", "Source terminated", "link.go:134", self._asked, error=text)

    def write_failed(self, connection: Connection, error: OSError) -> None:
        """Logs a write that failed."""
        text = addresses.describe(error)
        about = {**self._asked, "component": "ToxicLink", "method": "write", "error": text}
        self._log.line("warn", "Could not write to destination", "link.go:166", about)

    def _accept(self) -> None:
        for _ in range(_ACCEPTS_PER_TURN):
            if self._listener is None:
                return
            try:
                client, address = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._pause_accepting(error)
                return
            self._welcome(client, address)

    def _pause_accepting(self, error: OSError) -> None:
        """Out of descriptors, say: goes on later (difference `accept-error`)."""
        self._log.line(
            "warn", "Error while accepting client", "proxy.go:197", self._asked,
            error=addresses.describe(error),
        )  # fmt: skip
        if error.errno in _OUT_OF_RESOURCES and self._listener is not None:
            listener = self._listener
            self._loop.remove_reader(listener)

            def resume() -> None:
                if self._listener is listener:
                    self._loop.add_reader(listener, self._accept)

            self._loop.call_later(_ACCEPT_PAUSE_S, resume)

    def _welcome(self, client: socket.socket, address: tuple[object, ...]) -> None:
        self._numbers += 1
        number = self._numbers
        client_text = (
            f"[{address[0]}]:{address[1]}" if len(address) > 2 else f"{address[0]}:{address[1]}"
        )
        uid = stranger(client.getsockname(), address) if self._log.journaling else None
        self._log.accepted(self._asked, client_text, number, "proxy.go:203", uid=uid)
        _tune(client)
        journal = self._journal(number)

        def connected(upstream: socket.socket) -> None:
            self._dials.discard(dial)
            _tune(upstream)
            self._begin(number, client, upstream, journal)

        def failed(error: str) -> None:
            self._dials.discard(dial)
            if error:
                self._log.line(
                    "error", "Unable to open connection to upstream", "proxy.go:212",
                    self._asked, error=error, client=client_text,
                )  # fmt: skip
            if journal is not None:
                journal.closed("upstream" if error else "proxy")
            client.close()

        dial = Dial(self._loop, self.upstream, connected, failed)
        self._dials.add(dial)
        dial.start()

    def _begin(
        self,
        number: int,
        client: socket.socket,
        upstream: socket.socket,
        journal: JournalSink | None,
    ) -> None:
        now_s = time.monotonic()
        up, down = (
            Link(
                [toxic.placed for toxic in self.toxics.of(direction)],
                rng=self._random(number, direction),
                at_s=now_s,
            )
            for direction in DIRECTIONS
        )
        connection = Connection(self._loop, self, number, client, upstream, (up, down), journal)
        self._connections[number] = connection
        connection.start()

    def _random(self, number: int, direction: str) -> random.Random:
        if self._seed is None:
            return _SHARED_RANDOM
        return random.Random(zlib.crc32(f"{self._seed}/{self.name}/{number}/{direction}".encode()))

    def _journal(self, number: int) -> JournalSink | None:
        if not self._log.journaling:
            return None
        log, name = self._log, self.name

        def emit(fact: JournalFact) -> None:
            log.fact(fact.at_s, fact.message, name, number, **fact.fields())

        return JournalSink(emit)


_SHARED_RANDOM = random.Random()
"""Without a seed nothing is to be repeated, so all connections may share one stream."""

Connected = Callable[[socket.socket], None]


def _tune(stream: socket.socket) -> None:
    """Non-blocking, no Nagle delay, dead peers noticed (source: Go's defaults)."""
    stream.setblocking(False)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_S)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _KEEPALIVE_S)
