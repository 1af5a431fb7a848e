"""Which proxy server the local engine uses, and one such server for each world."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Any

from harness.control import showing
from harness.engines.reaper import Reaper
from harness.errors import UsageError
from harness.frozen import Frozen
from harness.toxiproxy.client import ProxyServerError, ToxiproxyClient
from harness.toxiproxy.locate import BINARY, FoundToxiproxy, find_toxiproxy
from harness.toxiproxy.server import ProxyServer

OnLine = Callable[[float, Mapping[str, Any]], None]
"""Gets a log or journal line with the instant of its arrival (monotonic seconds)."""


class ProxyChoice(Frozen, kw_only=True):
    """The proxy that was chosen: the embedded one, a binary to start, or one that runs."""

    name: str
    """As results.json says it: `embedded`, `toxiproxy 2.12.0`."""
    why: str
    evidence: str
    """What its journal or log shows: `proxy requests` or `proxy connections`."""
    found: FoundToxiproxy | None = None
    seed: int = 0

    @property
    def description(self) -> str:
        """For a person."""
        return f"{self.name} ({self.why})"


def choose_proxy(wanted: str, *, seed: int = 0, real: Collection[str] = ()) -> ProxyChoice:
    """From `auto`, `embedded`, `toxiproxy` or a URL to the proxy that will be used.

    At `real` services no stub tells of calls: there it has to be the one that sees requests.

    Raises: UsageError when what was asked for isn't there, or wouldn't see enough.
    """
    if wanted == "embedded":
        return _embedded("asked for", seed)
    if real and wanted == "auto":
        return _embedded(f"it sees requests at {', '.join(real)}, where no stub does", seed)
    if real:
        raise UsageError(
            f"--proxy {wanted}: Toxiproxy tells of connections at best, and at {', '.join(real)} "
            "(`real:`) no stub tells of requests; use --proxy embedded"
        )
    if wanted not in ("auto", "toxiproxy") and not wanted.startswith(("http://", "https://")):
        raise UsageError(
            f"--proxy {wanted}: expected embedded, toxiproxy, or the URL of a running Toxiproxy"
        )
    found = find_toxiproxy(wanted if "://" in wanted else "")
    if found is None:
        if wanted == "auto":
            why = "no real Toxiproxy was found; `outage doctor --install toxiproxy` gets one"
            return _embedded(why, seed)
        raise UsageError(
            f"--proxy toxiproxy: there is no {BINARY} on the PATH, and none was installed; "
            "`outage doctor --install toxiproxy` gets one, or say --proxy embedded"
        )
    version = _version(found)
    return ProxyChoice(
        name=f"toxiproxy {version}".strip(),
        why=found.source,
        evidence="" if found.url else "proxy connections",
        found=found,
    )


def _embedded(why: str, seed: int) -> ProxyChoice:
    return ProxyChoice(name="embedded", why=why, evidence="proxy requests", seed=seed)


def _version(found: FoundToxiproxy) -> str:
    if not found.url:
        from harness.toxiproxy.locate import TOXIPROXY_VERSION

        return TOXIPROXY_VERSION
    try:
        return ToxiproxyClient(found.url).version()
    except ProxyServerError as error:
        raise UsageError(f"--proxy {found.url}: {error}") from error


class RunningProxy:
    """The proxy server of one world; its process ends with the world, one by URL stays."""

    def __init__(self, client: ToxiproxyClient, server: ProxyServer | None, reaper: Reaper) -> None:
        self.client = client
        self._server = server
        self._reaper = reaper
        self.shared = server is None
        """Whether others may use the same server, so that names must be unique."""

    @classmethod
    async def start(cls, choice: ProxyChoice, *, reaper: Reaper, on_line: OnLine) -> RunningProxy:
        """Start it, or reach it by its URL.

        Raises: WorldError when it doesn't answer.
        """
        loop = asyncio.get_running_loop()

        def pass_on(at_s: float, record: Mapping[str, Any]) -> None:
            if record.get("level") == "debug" and "user_agent" not in record:
                return  # of a real one, and said of each connection
            loop.call_soon_threadsafe(on_line, at_s, record)

        if choice.found is None:
            server = ProxyServer.embedded(seed=choice.seed, on_line=pass_on)
        elif choice.found.binary is not None:
            server = ProxyServer.real(choice.found.binary, on_line=pass_on)
        else:
            client = ToxiproxyClient(choice.found.url)
            await asyncio.to_thread(client.wait_until_ready)
            return cls(client, None, reaper)
        server.on_spawn = reaper.watch
        return cls(await _started(server), server, reaper)

    @property
    def pids(self) -> tuple[int, ...]:
        """The server's process, if this world has one of its own that runs."""
        pid = 0 if self._server is None else self._server.pid
        return (pid,) if pid else ()

    @property
    def fields(self) -> dict[str, str]:
        """The header fields that its API asks for."""
        server = self._server
        return {} if server is None or server.kind != "embedded" else showing(server.token)

    async def restart(self) -> ToxiproxyClient:
        """End the process, whatever state it is in, and start it again; it has no proxies then.

        Raises: WorldError when the new one doesn't answer.
        """
        assert self._server is not None
        await self._end(self._server)
        self.client = await _started(self._server)
        return self.client

    async def stop(self) -> None:
        """End the process, if this world has one of its own."""
        if self._server is not None:
            await self._end(self._server)

    async def _end(self, server: ProxyServer) -> None:
        pid = server.pid
        await asyncio.to_thread(server.stop)
        self._reaper.forget(pid)


async def _started(server: ProxyServer) -> ToxiproxyClient:
    starting = asyncio.ensure_future(asyncio.to_thread(server.start))
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        # The thread goes on whatever happens to this task: wait for it, then undo its work.
        await asyncio.wait({starting})
        await asyncio.to_thread(server.stop)
        raise
