"""A project that the harness brings up on this machine for one job, and takes down again."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from pathlib import Path
from typing import Any

from harness.control import TOKEN
from harness.engines.base import Job, Progress, Report
from harness.engines.compose.command import ComposeCommand
from harness.engines.compose.dockerd import Dockerd, unix_seconds
from harness.engines.compose.layout import (
    API_PORT,
    DOORWAY_PORT,
    GATEWAY_PORT,
    SERVICES,
    STUB_PORTS,
    VACANCY_PORT,
)
from harness.engines.compose.leftovers import project_prefix, remove_project
from harness.engines.compose.logs import LogFollower
from harness.engines.compose.place import Address, OnAccepted, OnEnd, OnLine, OnLost, Place
from harness.engines.reaper import Reaper
from harness.engines.redact import Redactor
from harness.errors import TargetError, WorldError

_numbers = itertools.count(1)


def _runs_here(pid: int, container_id: str) -> bool:
    """Whether a process is a container's: Docker may run in a machine of its own."""
    try:
        return container_id in Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8")
    except OSError:
        return False


class HostSite:
    """Containers under a project name of their own."""

    def __init__(
        self, command: ComposeCommand, dockerd: Dockerd, reaper: Reaper, *, gateway: str
    ) -> None:
        self._command = command
        self._dockerd = dockerd
        self._reaper = reaper
        self._gateway = gateway
        self.project = f"{project_prefix()}{next(_numbers)}"
        self._containers: dict[str, Any] = {}
        self._followers: list[LogFollower] = []
        self._heard_s: dict[str, float] = {}
        """When each service's latest line was written (seconds since 1970)."""
        self._offset_s = 0.0
        self._on_line: OnLine = lambda service, line, at_s: None
        self._on_accepted: OnAccepted = lambda upstream, number, at_s: None
        self._on_end: OnEnd = lambda status, at_s: None
        self._on_lost: OnLost = lambda error: None
        self._report: Report = lambda progress: None
        self._ending: asyncio.Task[None] | None = None
        self._connections = itertools.count(1)

    async def open(self, job: Job, report: Report) -> Place:
        """Bring the project up.

        Raises: TargetError where the gateway ended at once, WorldError.
        """
        self._report = report
        report(Progress(doing="starting containers"))
        env = {
            "INTERNAL_SERVICE_TOKEN": job.internal_token,
            TOKEN: job.control_token,
            "OUTAGE_GATEWAY": self._gateway,
        }
        await self._command.up(self.project, SERVICES, env, self._reaper)
        self._containers = await self._dockerd.containers(self.project)
        self._offset_s, error_s = await self._dockerd.wall_clock()
        if self._containers["gateway"].status == "exited":
            raise await self._unstarted(job)
        return Place(
            gateway=self._published("gateway", GATEWAY_PORT),
            doorway=self._published("gateway", DOORWAY_PORT),
            stubs={name: self._published(name, port) for name, port in STUB_PORTS.items()},
            vacancy=self._published("toxiproxy", VACANCY_PORT),
            toxiproxy=self._proxies_url(),
            restart_proxies=self._restart_proxies,
            evidence=("proxy connections",),
            wall_error_s=error_s,
        )

    async def _unstarted(self, job: Job) -> TargetError:
        container = self._containers["gateway"]
        said: bytes = await self._dockerd.call("the gateway's output", container.logs)
        status = container.attrs["State"]["ExitCode"]
        why = f"target {job.target.name!r} ended with exit status {status} before it was ready"
        return TargetError(why, Redactor.of_job(job).text(said.decode("utf-8", "replace")))

    def _published(self, service: str, port: int) -> Address:
        try:
            bound = self._containers[service].ports[f"{port}/tcp"][0]
        except (KeyError, IndexError, TypeError):
            raise WorldError(f"the container of {service} ended, or has no port {port}") from None
        return bound["HostIp"] or "127.0.0.1", int(bound["HostPort"])

    def _proxies_url(self) -> str:
        host, port = self._published("toxiproxy", API_PORT)
        return f"http://{host}:{port}"

    async def _restart_proxies(self) -> str:
        container = self._containers["toxiproxy"]
        what = "toxiproxy's container could not be restarted"
        await self._dockerd.call(what, container.restart, timeout=0)
        self._follow("toxiproxy", container)
        await self._dockerd.call(what, container.reload)
        return self._proxies_url()

    async def watch(
        self, on_line: OnLine, on_accepted: OnAccepted, on_end: OnEnd, on_lost: OnLost
    ) -> None:
        """Follow the output of all containers; the gateway's ends with it, or with Docker."""
        self._on_line, self._on_accepted = on_line, on_accepted
        self._on_end, self._on_lost = on_end, on_lost
        for service, container in self._containers.items():
            self._follow(service, container)

    def _note_end(self) -> None:
        self._ending = asyncio.create_task(self._gateway_ended(self._containers["gateway"]))

    async def _gateway_ended(self, gateway: Any) -> None:
        try:
            await self._dockerd.call("Docker does not show the gateway any more", gateway.reload)
        except WorldError as error:
            self._on_lost(error)
            return
        state = gateway.attrs["State"]
        if not state["Running"]:
            at_s = unix_seconds(state["FinishedAt"]) - self._offset_s
            self._on_end(state["ExitCode"], at_s)

    def processes(self) -> dict[str, list[int]]:
        """The first process of each container, where this machine's kernel runs them too."""
        found: dict[str, list[int]] = {"target": [], "stubs": [], "proxy": []}
        for service, container in tuple(self._containers.items()):
            pid = container.attrs.get("State", {}).get("Pid") or 0
            if pid and _runs_here(pid, container.id):
                whose = {"gateway": "target", "toxiproxy": "proxy"}.get(service, "stubs")
                found[whose].append(pid)
        return found

    def _follow(self, service: str, container: Any) -> None:
        heard_s = self._heard_s.get(service, 0.0)  # one that was restarted says everything again

        def take(line: str, wall_s: float) -> None:
            if wall_s <= heard_s:
                return
            self._heard_s[service] = wall_s
            at_s = wall_s - self._offset_s
            if service == "toxiproxy":
                self._take_proxy_line(line, at_s)
            self._on_line(service, line, at_s)

        on_end = self._note_end if service == "gateway" else None
        self._followers.append(LogFollower(container, take, on_end))

    def _take_proxy_line(self, line: str, at_s: float) -> None:
        with contextlib.suppress(ValueError):
            record = json.loads(line)
            if record.get("message") == "Accepted client" and record.get("name") in STUB_PORTS:
                self._on_accepted(record["name"], next(self._connections), at_s)

    async def strike(self, kind: str, service: str) -> None:
        """Kill, pause or disconnect a container; of `restart`, the first half.

        Raises: WorldError.
        """
        container = self._containers[service]
        what = f"{service}'s container could not be hit by {kind}"
        match kind:
            case "pause":
                await self._dockerd.call(what, container.pause)
            case "disconnect":
                network = await self._network()
                await self._dockerd.call(what, network.disconnect, container, force=True)
            case _:
                await self._dockerd.call(what, container.kill)
                # The API answers when the signal is sent; the process is gone when this returns.
                await self._dockerd.call(what, container.wait, timeout=10)

    async def heal(self, kind: str, service: str) -> Address:
        """Start, resume or reconnect a container; its port on the host may be another now.

        Raises: WorldError.
        """
        container = self._containers[service]
        what = f"{service}'s container could not be brought back after {kind}"
        match kind:
            case "pause":
                await self._dockerd.call(what, container.unpause)
            case "disconnect":
                network = await self._network()
                await self._dockerd.call(what, network.connect, container, aliases=[service])
            case _:
                await self._dockerd.call(what, container.start)
                self._follow(service, container)
        await self._dockerd.call(what, container.reload)
        return self._published(service, STUB_PORTS[service])

    async def _network(self) -> Any:
        found = await self._dockerd.call(
            "the project's network",
            self._dockerd.client.networks.list,
            filters={"label": f"com.docker.compose.project={self.project}"},
        )
        if not found:
            raise WorldError("the project's network is gone")
        return found[0]

    async def close(self) -> None:
        """Remove the project's containers and networks, or say that they are left."""
        for follower in self._followers:
            follower.close()
        if self._ending is not None:
            await asyncio.wait({self._ending})  # that it ended by itself is still to be told
        loop = asyncio.get_running_loop()
        client, project = self._dockerd.client, self.project
        with contextlib.suppress(Exception):
            if await loop.run_in_executor(None, remove_project, client, project):
                return
        left = f"Docker did not remove {project}: the next outage command does, when Docker answers"
        self._report(Progress(doing="taking down", notice=left))
