"""The embedded server as a program: listens, says so, serves until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import sys

from harness.control import TOKEN
from harness.toxiproxy import addresses
from harness.toxiproxy.addresses import AddressError
from harness.toxiproxy.api import VERSION, Api
from harness.toxiproxy.http import HttpServer
from harness.toxiproxy.log import Log, write_stdout
from harness.toxiproxy.loop import run

DEFAULT_HOST = "localhost"
DEFAULT_PORT = 8474


def serve(
    host: str = DEFAULT_HOST,
    port: int = DEFAULT_PORT,
    *,
    config: str = "",
    seed: int | None = None,
    journal: bool = False,
    metrics: bool = False,
) -> int:
    """Serves in the foreground until SIGINT or SIGTERM; returns the exit status.

    Port 0 takes a free one; the line `Starting Toxiproxy HTTP server` says which. Status 2 when the
    address can't be had, with one line on standard error. The proxies of `config` listen before the
    API answers. Whoever asks for `metrics` is told by the log that there are none. Where the
    environment has a token (`harness.control`), the API obeys who shows it, and nobody else.
    """
    return run(_serve(host, port, config=config, seed=seed, journal=journal, metrics=metrics))


async def _serve(
    host: str, port: int, *, config: str, seed: int | None, journal: bool, metrics: bool
) -> int:
    log = Log(write_stdout, level=os.environ.get("LOG_LEVEL") or "trace", journaling=journal)
    try:
        address = await addresses.resolve_listen(
            f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        )
        listener = addresses.bind(address)
    except AddressError as error:
        print(f"outage proxy: cannot listen on {host}:{port}: {error}", file=sys.stderr)
        return 2
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    api = Api(log, seed=seed)
    http = HttpServer(api, log, token=os.environ.get(TOKEN, ""))
    log.line("info", "Starting Toxiproxy", "server.go:78", always=True, version=VERSION)
    if metrics:
        log.line("warn", "No metrics here: /metrics is answered 404", "server.go:85", always=True)
    if config:
        await api.populate_from(config)
    where = str(addresses.bound(listener))
    # Standing at `always`, because whoever asked for port 0 learns from it where the server is.
    log.line("info", "Starting Toxiproxy HTTP server", "api.go:57", always=True, address=where)
    server = await asyncio.start_server(http.serve, sock=listener)
    # A full collection over everything imported takes milliseconds, in which no toxic is on time.
    gc.collect()
    gc.freeze()
    try:
        await stopped.wait()
    finally:
        server.close()
        api.close()
        await http.close()
        with contextlib.suppress(OSError):
            log.flush()
    return 0
