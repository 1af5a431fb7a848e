"""What every engine does: build a world for one job, play its timeline, leave a history."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from msgspec import field

from harness.control import new_token
from harness.errors import UsageError
from harness.frozen import Frozen
from harness.history.events import Event
from harness.scenario.fault_checks import needs_a_stub
from harness.scenario.faults import KINDS
from harness.scenario.model import Scenario
from harness.target import Target
from harness.timeline import Step

LEAD_S = 0.15
"""Between the end of the warm-up and 0s."""
GRACE_S = 2.0
"""How long answers are awaited after the scenario's end."""

Record = Callable[[Event], None]
"""Takes one event of the history, as soon as it is known."""


class Job(Frozen, kw_only=True):
    """One scenario to be played against one target."""

    scenario: Scenario
    timeline: tuple[Step, ...]
    target: Target
    seed: int = 0
    folder: Path
    """An existing folder of the run's own, for logs and sockets; removed at its end."""
    internal_token: str = field(default_factory=new_token)
    """What the stubs ask of the target's internal calls."""
    control_token: str = field(default_factory=new_token)
    """What the stubs ask of whoever controls them."""
    run: str = ""
    """The name of the run that it belongs to."""
    looks_s: tuple[float, ...] | None = None
    """When a target's status page is asked besides first (and, simulated, last); None: whenever a
    breaker may have moved, in real time twice a second."""
    keep_secrets: bool = False
    """Whether the history keeps what it would otherwise redact."""


class Progress(Frozen, kw_only=True):
    """How far a job is: what it does, and the outage's clock (None before 0s)."""

    doing: str
    at_s: float | None = None
    begins_s: Mapping[int, float] = field(default_factory=dict)
    """When each fault begins whose event has come (`after`), by number from 0."""
    notice: str | None = None
    """What a person ought to be told even where nothing is drawn; once, however often it comes."""


Report = Callable[[Progress], None]


Gate = Callable[[], Awaitable[None]]


class Abilities(Frozen, kw_only=True):
    """What an engine can show where it stands."""

    engine: str
    proxy: str | None = None
    """The proxy that it has chosen; None: one that can do all that the engine can."""
    several_addresses: bool = True
    """Whether clients can have addresses of their own there."""

    def unplayable(self, scenario: Scenario) -> str | None:
        """Why a scenario can't be shown with these; None where it can."""
        if scenario.engines is not None and self.engine not in scenario.engines:
            return f"this scenario is for the engines {', '.join(scenario.engines)} only"
        many = [name for name, stream in scenario.traffic.items() if stream.addresses > 1]
        if many and not self.several_addresses:
            return (
                f"{many[0]} is sent from several client addresses, and this system answers on "
                "127.0.0.1 only"
            )
        for fault in scenario.faults:
            kind = KINDS[fault.fault]
            if self.engine not in kind.engines:
                can = ", ".join(kind.engines)
                return f"the engine {self.engine} can't play {kind.name}; {can} can"
            if self.proxy is not None and self.proxy.split()[0] not in kind.proxies:
                return f"{self.proxy} can't play {kind.name}; {' and '.join(kind.proxies)} can"
        return None


class Engine(Protocol):
    """Builds worlds and plays timelines on them.

    Several `play` calls may run at once, each in a task of one asyncio loop. A cancelled or failed
    `play` leaves nothing behind. What makes a run inconclusive is recorded as `Trouble`, or raised
    as `WorldError` when the world could not be built at all.
    """

    name: str

    @property
    def proxy(self) -> str:
        """The proxy in use and why it was chosen, for a person."""
        ...

    def unplayable(self, scenario: Scenario) -> str | None:
        """Why this engine, on this machine, can't show a scenario; None where it can."""
        ...

    async def play(self, job: Job, record: Record, report: Report, started: Gate) -> None:
        """Play one job from warm-up to the end of its duration.

        `started` is awaited once the world is up, before its traffic: it returns when no other
        world is just starting, so that starts don't disturb plays.
        """
        ...

    async def close(self) -> None:
        """Release what all worlds shared."""
        ...


def request_text(template: object, values: dict[str, str]) -> object:
    """A stream's `json`, `body` or header with `{email}` and the like replaced, at any depth."""
    if isinstance(template, str):
        for name, value in values.items():
            template = template.replace("{" + name + "}", value)
        return template
    if isinstance(template, dict):
        return {key: request_text(value, values) for key, value in template.items()}
    if isinstance(template, Sequence):
        return [request_text(value, values) for value in template]
    return template


def check_blast_radius(target: Target, *, allow_remote: bool, proxy: str = "") -> None:
    """Refuse a target, real service or proxy beyond loopback, unless allowed (design decision 9).

    `proxy` is what was asked for: the URL of one that runs, or a word.

    Raises: UsageError.
    """
    hosts = [urlsplit(target.url).hostname or ""] if target.url else []
    addresses = (target.real_address(name) or "" for name in target.real)
    hosts += [address.rpartition(":")[0] for address in addresses]
    remote = [host for host in hosts if not is_loopback(host)]
    if "://" in proxy and not allow_remote and not is_loopback(urlsplit(proxy).hostname or ""):
        raise UsageError(
            f"--proxy {proxy}: that is not this machine, and its faults hit whoever uses it; say "
            "--allow-remote if that is meant"
        )
    if remote and not allow_remote:
        raise UsageError(
            f"{target.file or target.name}: {remote[0]} is not this machine; faults and load go "
            "to loopback only, unless you say --allow-remote"
        )


def check_cluster(address: str, *, allow_remote: bool) -> None:
    """Refuse a cluster's scheduler beyond loopback, unless allowed (design decision 9).

    `address` is `local`, or as Dask writes it: `tcp://HOST:PORT`, `tls://HOST:PORT`.

    Raises: UsageError.
    """
    if address == "local":
        return
    if "://" not in address:
        raise UsageError(
            f"--cluster {address}: expected local, or an address such as tcp://HOST:8786"
        )
    if not allow_remote and not is_loopback(urlsplit(address).hostname or ""):
        raise UsageError(
            f"--cluster {address}: that is not this machine, and it runs what it is sent; say "
            "--allow-remote if that is meant"
        )


def is_loopback(host: str) -> bool:
    """Whether a host's name or address is this machine's own."""
    bare = host.strip("[]")
    try:
        return bare.lower() == "localhost" or ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return False


def unplayable_against(target: Target, scenario: Scenario) -> str | None:
    """Why a target's services can't show a scenario; None where they can."""
    reasons = (needs_a_stub(fault, target.real) for fault in scenario.faults)
    return next((reason for reason in reasons if reason is not None), None)
