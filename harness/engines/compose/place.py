"""A running project as a world needs it, wherever the harness stands: outside of it, or inside."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from harness.engines.base import Job, Report
from harness.errors import WorldError
from harness.frozen import Frozen

Address = tuple[str, int]

OnEnd = Callable[[int, float], None]
"""Takes that the gateway ended by itself: its exit status, when (monotonic seconds here)."""

OnLost = Callable[[WorldError], None]
"""Takes that the gateway's container can't be seen any more, and why."""

OnLine = Callable[[str, str, float], None]
"""Takes a line of a container's output: the service, the line, when (monotonic seconds here)."""
OnAccepted = Callable[[str, int, float], None]
"""Takes a connection that a proxy accepted: the upstream, a number, when (monotonic seconds)."""


class Place(Frozen, kw_only=True):
    """Where the parts of a running project are reached from here."""

    gateway: Address
    """The gateway itself, for its readiness and its status."""
    doorway: Address | None
    """Where traffic goes in, its client's address said first; None where sockets have it."""
    stubs: Mapping[str, Address]
    vacancy: Address
    toxiproxy: str
    """The URL of the proxies' API."""
    evidence: tuple[str, ...]
    """What can be seen of the proxies: `proxy connections`, or nothing."""
    restart_proxies: Callable[[], Awaitable[str]] | None = None
    """Restarts the proxies' server, without proxies then; the URL of its API from now on.

    None where it can't be done from here."""
    fresh: bool = True
    """Whether the gateway was started for this job; else it may have to recover first."""
    wall_error_s: float = 0.0
    """How far instants taken from containers' logs may be off."""


class Site(Protocol):
    """A project, for one job at a time."""

    async def open(self, job: Job, report: Report) -> Place:
        """Bring it up, its gateway fresh, its parts knowing the job's tokens.

        Raises: TargetError where the gateway ended at once, WorldError.
        """
        ...

    async def watch(
        self, on_line: OnLine, on_accepted: OnAccepted, on_end: OnEnd, on_lost: OnLost
    ) -> None:
        """Begin to pass on what its containers say, its proxies accept, and the gateway's end."""
        ...

    def processes(self) -> Mapping[str, Sequence[int]]:
        """Those of its containers that can be seen from here, by whose they are.

        May be asked from any thread.
        """
        ...

    async def strike(self, kind: str, service: str) -> None:
        """`kill`, `pause`, `restart` or `disconnect` a stub; returns when it is done.

        Raises: WorldError.
        """
        ...

    async def heal(self, kind: str, service: str) -> Address:
        """Undo `strike`; where the stub is reached from now on.

        Raises: WorldError.
        """
        ...

    async def close(self) -> None:
        """Take down all that `open` brought up. Never raises."""
        ...


MakeSite = Callable[[], Site]
Settled = Callable[[], Awaitable[None]]
