"""The target of one world: started on a free port with its upstreams wired to the proxies."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Mapping

from harness.engines.base import Job
from harness.engines.chronicle import Chronicle
from harness.engines.client import Exchange, exchange, over_tls
from harness.engines.local.authority import Authority
from harness.engines.marks import LogReader
from harness.engines.placed_files import place_files
from harness.engines.processes import LAST_LINES, Child, ended
from harness.engines.reaper import Reaper
from harness.engines.redact import Redactor
from harness.engines.requests import WireAnswer, WireRequest
from harness.engines.status import state_in
from harness.errors import TargetError, WorldError
from harness.history.events import Looked, Reported
from harness.target import Target
from harness.target.wired import Wired
from harness.toxiproxy.server import free_port

HOST = "127.0.0.1"
_POLL_S = 0.05
_STATUS_EVERY_S = 0.5
_PORT_TRIES = 3
_LAST_WORDS_S = 0.1


class Gateway:
    """The running target: its process (unless it already runs elsewhere), log and status."""

    def __init__(self, job: Job, chronicle: Chronicle, reaper: Reaper, redactor: Redactor) -> None:
        self._target = job.target
        self._looks_s = job.looks_s
        self._folder = job.folder
        self._chronicle = chronicle
        self._reaper = reaper
        self._redactor = redactor
        self._child: Child | None = None
        self._watch: asyncio.Task[None] | None = None
        self._poll: asyncio.Task[None] | None = None
        self._reader = LogReader(job.target, redactor)
        self._looks: dict[str, tuple[int | None, tuple[str, ...]]] = {}
        self._wiring: tuple[Mapping[str, int], str] = ({}, "")
        """Each upstream's port, and the token of internal calls."""
        self._files: dict[str, str] = {}
        """Where certificates are, by what a place calls them."""
        self.address = (HOST, 0)
        self.exchange: Exchange = _way_to(job.target)
        """How it is spoken to."""

    @property
    def pids(self) -> tuple[int, ...]:
        """The target's process while it runs, if this started it."""
        child = self._child
        return () if child is None or child.exit_status is not None else (child.pid,)

    async def start(
        self, upstreams: Mapping[str, int], internal_token: str, authority: Authority | None = None
    ) -> None:
        """Start the target and wait until it is ready; `upstreams` gives each proxy's port.

        `authority`: who vouches for it and its upstreams, where they speak TLS.

        Raises: TargetError when it can't be started, ends, or never gets ready.
        """
        if self._target.url is not None:
            self.address = self._target.address or self.address
            await self._ready(None)
            return
        if self._target.start is None or not self._target.start.command:
            raise TargetError(
                f"target {self._target.name!r} can't be started: its file has no `start: command`; "
                "--engine sim plays it"
            )
        self._wiring = (dict(upstreams), internal_token)
        if authority is not None:
            self._files = {"ca": str(authority.ca)}
            if self._target.start.tls:
                certificate, key = authority.issue("target")
                self._files |= {"cert": str(certificate), "key": str(key)}
                self.exchange = over_tls(ssl.create_default_context(cafile=authority.ca))
        await self._begin(free_port())

    async def restart(self, target: Target) -> None:
        """End the process, and start what its target file says now, at the same address if it can.

        Raises: TargetError when it can't be started; nothing runs then, until another start.
        """
        if self._target.url is not None:
            raise TargetError(f"{self._target.name} already runs: it is not ours to start")
        await self.stop()
        self._target, self._reader, self._looks = target, LogReader(target, self._redactor), {}
        await self._begin(self.address[1])

    async def _begin(self, port: int) -> None:
        """Start the process on a port (another one if that is taken) and wait until it is ready."""
        for remaining in reversed(range(_PORT_TRIES)):
            self.address = (HOST, port)
            child = await self._launch(port)
            try:
                await self._ready(child)
            except TargetError:
                taken = "address already in use" in child.last_words(20).lower()
                await child.kill()
                if taken and remaining:
                    port = free_port()
                    continue  # somebody took it between our look and the target's bind
                raise
            self._watch = asyncio.create_task(self._note_end(child))
            return

    async def _launch(self, port: int) -> Child:
        target = self._target
        upstreams, token = self._wiring
        assert target.start is not None
        try:
            wired = place_files(Wired(target, port, upstreams, self._files), self._folder)
        except OSError as error:
            raise TargetError(f"the files of target {target.name!r}: {error}") from error
        env = {"INTERNAL_SERVICE_TOKEN": token} | wired.environment
        try:
            self._child = await Child.start(
                f"target {target.name!r}",
                wired.command,
                reaper=self._reaper,
                on_line=self._chronicle.guarded(self._on_line),
                env=env,
                cwd=target.cwd,
            )
        except WorldError as error:
            raise TargetError(str(error)) from error
        return self._child

    async def _ready(self, child: Child | None) -> None:
        target = self._target
        method, _, path = target.ready.partition(" ")
        deadline_s = self._chronicle.now() + target.ready_within
        last = "nothing listens there"
        while self._chronicle.now() < deadline_s:
            if child is not None and child.exit_status is not None:
                await child.kill()  # what it left running, and all of its last words read
                raise TargetError(
                    f"target {target.name!r} ended with exit status {child.exit_status} before it "
                    "was ready",
                    self._said(child),
                )
            answer = await self.ask(WireRequest(method=method, path=path), within_s=2.0)
            if answer.status is not None and answer.status < 500:
                self._note_look("ready", target.ready, answer.status)
                return
            last = answer.error or f"{answer.status}"
            await asyncio.sleep(_POLL_S)
        host, port = self.address
        raise TargetError(
            f"target {target.name!r} was not ready in {target.ready_within:g} s: {target.ready} "
            f"at {host}:{port} gave {last}",
            self._said(child),
            late=True,
        )

    def _said(self, child: Child | None) -> str:
        return "" if child is None else self._redactor.text("\n".join(child.said()))

    async def ask(self, request: WireRequest, *, within_s: float) -> WireAnswer:
        """One request of the harness's own, not part of the traffic."""
        try:
            async with asyncio.timeout(within_s):
                return await self.exchange(*self.address, request)
        except TimeoutError:
            return WireAnswer(status=None, error="no answer")

    def _on_line(self, line: str) -> None:
        for event in self._reader.events(line, self._chronicle.now()):
            self._chronicle.record(event)

    async def _note_end(self, child: Child) -> None:
        status = await child.wait()
        at_s = self._chronicle.now()
        if not child.stopping:
            await asyncio.sleep(_LAST_WORDS_S)  # they may still be in the pipe
            said = [self._redactor.text(line[:500]) for line in child.said(LAST_LINES)]
            self._chronicle.record(ended(status, at_s, said))

    def watch_status(self, upstreams: tuple[str, ...]) -> None:
        """Begin to look at the target's status endpoint, twice a second, or when the job says."""
        if self._target.status is not None:
            poll = asyncio.create_task(self._poll_status(upstreams))
            self._poll = self._chronicle.watched(poll)

    async def _poll_status(self, upstreams: tuple[str, ...]) -> None:
        spec = self._target.status
        assert spec is not None
        method, _, path = spec.request.partition(" ")
        request = WireRequest(method=method, path=path)
        known: dict[str, tuple[str, float]] = {}
        while True:
            # Instants are monotonic here: the outage's clock is set anew when the play begins.
            asked_s = time.monotonic()
            answer = await self.ask(request, within_s=2.0)
            missing: tuple[str, ...] = ()
            if answer.status == 200:
                shown = [self._note_state(name, answer.body, asked_s, known) for name in upstreams]
                missing = tuple(n for n, seen in zip(upstreams, shown, strict=True) if not seen)
            self._note_look("status", spec.request, answer.status, missing)
            if not await self._next_look(asked_s):
                return

    async def _next_look(self, asked_s: float) -> bool:
        """Wait until it is to be asked again; False where it isn't."""
        if self._looks_s is None:
            await asyncio.sleep(max(0.0, asked_s + _STATUS_EVERY_S - time.monotonic()))
            return True
        while not self._chronicle.playing:
            await asyncio.sleep(_STATUS_EVERY_S)
        look_s = next((one for one in self._looks_s if one > self._chronicle.of(asked_s)), None)
        if look_s is not None:
            await self._chronicle.until(look_s)
        return look_s is not None

    def _note_look(
        self, what: str, request: str, status: int | None, missing: tuple[str, ...] = ()
    ) -> None:
        """Record what a question of the harness's own came to, where that is news."""
        if self._looks.get(what) != (status, missing):
            self._looks[what] = (status, missing)
            self._chronicle.record(
                Looked(
                    at_s=self._chronicle.now(),
                    by="target",
                    what=what,
                    request=request,
                    status=status,
                    missing=missing,
                )
            )

    def _note_state(
        self, name: str, body: bytes, asked_s: float, known: dict[str, tuple[str, float]]
    ) -> bool:
        """Whether an answer shows an upstream's state; a change is recorded."""
        assert self._target.status is not None
        state = state_in(body, self._target.status.state, name)
        if state is None:
            return False
        before = known.get(name)
        once = self._looks_s is not None
        if once or before is None or before[0] != state:
            self._chronicle.record(
                Reported(
                    at_s=self._chronicle.now(),
                    by="target",
                    upstream=name,
                    state=state,
                    since_s=self._chronicle.of(asked_s if once or before is None else before[1]),
                    once=once,
                )
            )
        known[name] = (state, asked_s)
        return True

    async def stop(self) -> None:
        """End the process, if this started it."""
        if self._watch is not None and self._child is not None and self._child.ended:
            await asyncio.wait({self._watch})  # that it did so by itself is still to be told
        for task in (self._poll, self._watch):
            if task is not None:
                task.cancel()
                await asyncio.wait({task})
        self._poll = self._watch = None
        if self._child is not None:
            await self._child.stop()
            self._child = None


def _way_to(target: Target) -> Exchange:
    if not target.over_tls:
        return exchange
    return over_tls(ssl.create_default_context(cafile=target.ca_file))
