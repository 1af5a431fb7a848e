"""JSON lines on standard output: Toxiproxy's log, and the journal for those who ask for it."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from harness.faults import ConnectionJournal, JournalFact

_LEVELS = ("trace", "debug", "info", "warn", "error", "fatal", "panic", "disabled")
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
_NOTHING: Mapping[str, object] = MappingProxyType({})


class Log:
    """Writes lines in the order they came, a batch for each turn of the event loop.

    `write` gets whole lines as bytes. Lines below `level` are dropped; journal lines never are.
    """

    __slots__ = ("_lines", "_lowest", "_scheduled", "_write", "journaling")

    def __init__(
        self, write: Callable[[bytes], object], *, level: str = "trace", journaling: bool = False
    ) -> None:
        self._write = write
        self._lowest = _LEVELS.index(level) if level in _LEVELS else 0
        self._lines: list[bytes] = []
        self._scheduled = False
        self.journaling = journaling

    def line(
        self,
        level: str,
        message: str,
        caller: str,
        about: Mapping[str, object] = _NOTHING,
        *,
        always: bool = False,
        **more: object,
    ) -> None:
        """One line of the log, in Toxiproxy's order of fields: `about`, then `more`."""
        if _LEVELS.index(level) < self._lowest and not always:
            return
        stamp = _stamp(int(time.time()))
        record = {"level": level, **about, **more, "caller": caller, "time": stamp}
        if message:
            record["message"] = message
        self._put(record)

    def accepted(
        self,
        proxy: Mapping[str, object],
        client: str,
        conn: int,
        caller: str,
        *,
        uid: int | None = None,
    ) -> None:
        """A client has come; with the journal on, the same line is its first fact.

        `uid` is that of another account of this machine, where it is one's.
        """
        more = {} if uid is None else {"uid": uid}
        if self.journaling:
            at_s = time.monotonic()
            self.line(
                "info", "Accepted client", caller, proxy, always=True,
                client=client, at=at_s, conn=conn, **more,
            )  # fmt: skip
        else:
            self.line("info", "Accepted client", caller, proxy, client=client)

    def fact(self, at_s: float, message: str, name: str, conn: int, **fields: object) -> None:
        """One line of the journal (see ARCHITECTURE.md)."""
        self._put({"at": at_s, "message": message, "name": name, "conn": conn, **fields})

    def flush(self) -> None:
        """Writes what has gathered."""
        self._scheduled = False
        if self._lines:
            data, self._lines = b"".join(self._lines), []
            self._write(data)

    def _put(self, record: dict[str, object]) -> None:
        text = _encode(record)
        self._lines.append(text.encode("utf-8", "replace") + b"\n")
        if not self._scheduled:
            try:
                asyncio.get_running_loop().call_soon(self.flush)
            except RuntimeError:
                self.flush()
            else:
                self._scheduled = True


class JournalSink:
    """Turns the facts of one connection into journal lines."""

    __slots__ = ("_emit", "_journal")

    def __init__(self, emit: Callable[[JournalFact], None]) -> None:
        self._journal = ConnectionJournal()
        self._emit = emit

    def heeds(self, direction: str) -> bool:
        """Whether bytes of this direction would now be looked at."""
        journal = self._journal
        return journal.heeds_client if direction == "upstream" else journal.heeds_upstream

    def from_client(self, data: bytes) -> None:
        """Bytes came in from the client."""
        self._tell(self._journal.from_client(time.monotonic(), data))

    def to_client(self, data: bytes) -> None:
        """Bytes go out to the client."""
        self._tell(self._journal.to_client(time.monotonic(), data))

    def closed(self, by: str) -> None:
        """The connection ended."""
        self._tell(self._journal.closed(time.monotonic(), by))

    def _tell(self, fact: JournalFact | None) -> None:
        if fact is not None:
            self._emit(fact)


@functools.lru_cache(maxsize=4)
def _stamp(epoch_s: int) -> str:
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def write_stdout(data: bytes) -> None:
    """Writes all of it to descriptor 1; a reader that went away doesn't matter to the proxy."""
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(1, view) :]
    except BlockingIOError:
        return  # standard output is somebody's non-blocking pipe, and full: the line is lost
    except BrokenPipeError:
        return
