"""A proxy server as a process, embedded or real: started on a free port, watched, stopped."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import queue
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from harness.control import TOKEN, new_token
from harness.errors import WorldError, own_error
from harness.machine.belongings import mark
from harness.machine.cradle import RELEASE, cradled
from harness.toxiproxy.client import ProxyServerError, ToxiproxyClient

OnLine = Callable[[float, Mapping[str, Any]], None]
"""Gets each log or journal line with the instant of its arrival (monotonic seconds).

Called from a thread of the server object's own."""

_LISTENING = "Starting Toxiproxy HTTP server"
_TRIES = 5
_READY_WITHIN_S = 2.0
"""A server that lost its port says that it starts, and then never answers."""
_HOST = "127.0.0.1"
_PORTS = range(20_000, 32_000)
"""Below the ports that systems give to clients, which would take a chosen one in a moment."""
_AT_HAND = 16


class ProxyServer:
    """One server process. Use `embedded` or `real`, then `start`, or a `with` statement.

    The embedded one obeys who shows its token, which its own client does; a real one knows no such
    thing, but tells `on_line` of each call of its API, and whose it was (`ToxiproxyClient.agent`).
    """

    def __init__(
        self,
        command: Callable[[int], list[str]],
        *,
        kind: str,
        on_line: OnLine | None = None,
        guarded: bool = True,
    ) -> None:
        self.kind = kind
        """`embedded` or `toxiproxy`."""
        self.url = ""
        self.token = new_token() if guarded else ""
        self._command = command
        self._on_line = on_line
        self._process: subprocess.Popen[bytes] | None = None
        self._pump: threading.Thread | None = None
        self.on_spawn: Callable[[int], None] | None = None
        """Gets the id of each process before it can run."""

    @classmethod
    def embedded(
        cls,
        *,
        seed: int | None = None,
        journal: bool = True,
        on_line: OnLine | None = None,
        guarded: bool = True,
    ) -> ProxyServer:
        """The server of this package, in a Python process; its journal goes to `on_line`.

        Unless `guarded`, it obeys everybody.
        """
        options = (["--journal"] if journal else []) + (
            ["--seed", str(seed)] if seed is not None else []
        )

        def command(port: int) -> list[str]:
            where = ["--host", _HOST, "--port", "0"]
            return [sys.executable, "-m", "harness.toxiproxy", *where, *options]

        return cls(command, kind="embedded", on_line=on_line, guarded=guarded)

    @classmethod
    def real(cls, binary: Path | str, *, on_line: OnLine | None = None) -> ProxyServer:
        """A Toxiproxy binary."""

        def command(port: int) -> list[str]:
            return [str(binary), "-host", _HOST, "-port", str(port)]

        return cls(command, kind="toxiproxy", on_line=on_line)

    @property
    def _log_level(self) -> str:
        """A real server tells of the calls of its API from `debug` on."""
        return "debug" if self.kind == "toxiproxy" and self._on_line is not None else "info"

    @property
    def pid(self) -> int:
        """The process's id; 0 before it is started."""
        return self._process.pid if self._process else 0

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self, timeout_s: float = 10.0) -> ToxiproxyClient:
        """Starts the process and waits until it answers; returns a client for it.

        Raises: ProxyServerError when it doesn't within `timeout_s` seconds.
        """
        deadline_s = time.monotonic() + timeout_s
        reason = ""
        for _ in range(_TRIES):
            reason = self._try(deadline_s)
            if not reason:
                client = ToxiproxyClient(self.url, token=self.token)
                try:
                    client.wait_until_ready(_READY_WITHIN_S)
                    return client
                except ProxyServerError as error:
                    reason = str(error)
            self.stop()
            if time.monotonic() >= deadline_s:
                break
        raise ProxyServerError(f"the {self.kind} proxy server did not start: {reason}")

    def stop(self, timeout_s: float = 2.0) -> None:
        """Asks the process to end, and insists after `timeout_s` seconds. May be called twice."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                process.kill()
        process.wait()
        if self._pump is not None and self._pump is not threading.current_thread():
            self._pump.join(timeout_s)
        self._process = None

    def __enter__(self) -> ToxiproxyClient:
        """Starts; the client is the target of `with`."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stops."""
        self.stop()

    def _try(self, deadline_s: float) -> str:
        """Starts it once; returns why it failed, or nothing."""
        command = self._command(free_port())
        try:
            self._process = subprocess.Popen(
                cradled(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                # A closed terminal or Ctrl-C is the harness's to answer, in its own order.
                start_new_session=True,
                env={**os.environ, **mark(), TOKEN: self.token, "LOG_LEVEL": self._log_level},
            )
        except OSError as error:
            return f"{command[0]}: {error.strerror}"
        if self.on_spawn is not None:
            self.on_spawn(self._process.pid)
        assert self._process.stdin is not None
        with contextlib.suppress(OSError), self._process.stdin as pipe:
            pipe.write(RELEASE)
        opened: queue.Queue[str] = queue.Queue()
        self._pump = threading.Thread(target=self._read, args=(self._process, opened), daemon=True)
        self._pump.start()
        try:
            said = opened.get(timeout=max(deadline_s - time.monotonic(), 0.1))
        except queue.Empty:
            return "it said nothing in time"
        if said.startswith("http://"):
            self.url = said
            return "" if self.running else "it ended at once"
        return said

    def _read(self, process: subprocess.Popen[bytes], opened: queue.Queue[str]) -> None:
        """Takes in the process's lines until it ends; the first news go to `opened`."""
        assert process.stdout is not None
        last = "it ended without a word"
        for line in process.stdout:
            at_s = time.monotonic()
            try:
                record = json.loads(line)
            except ValueError:
                last = line.decode("utf-8", "replace").strip() or last
                continue
            if not isinstance(record, dict):
                continue
            if record.get("message") == _LISTENING:
                opened.put(f"http://{record.get('address')}")
            elif record.get("error"):
                last = str(record["error"])
            if self._on_line is not None:
                self._on_line(at_s, record)
        process.stdout.close()
        opened.put(last)


def free_port() -> int:
    """A port that was free a moment ago; whoever loses it meanwhile tries another one.

    Raises: WorldError when there is none.
    """
    for port in _in_any_order():
        try:
            with socket.create_server((_HOST, port)):
                return port
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise WorldError(own_error(error)) from error
    raise WorldError(f"no port from {_PORTS.start} to {_PORTS.stop - 1} is free on this machine")


def _in_any_order() -> Iterator[int]:
    """Some that come to hand, and all of them only where none of these is free: to shuffle twelve
    thousand takes three milliseconds, two or three times for each world.
    """
    yield from random.choices(_PORTS, k=_AT_HAND)
    yield from random.sample(_PORTS, len(_PORTS))
