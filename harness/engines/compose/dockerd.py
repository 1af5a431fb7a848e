"""The Docker engine, by its SDK: calls in threads of their own, errors in the harness's words."""

from __future__ import annotations

import asyncio
import datetime as dt
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from harness.errors import UsageError, WorldError

T = TypeVar("T")

PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
_THREADS = 16
_CLOCK_LOOKS = 3


class Dockerd:
    """A connection to the Docker engine that the environment names."""

    def __init__(self) -> None:
        """Connect, and see whether it answers.

        Raises: UsageError saying the one thing to do.
        """
        try:
            import docker
        except ImportError:
            raise UsageError(
                "--engine compose needs the package docker: pip install 'outage-harness[compose]'"
            ) from None
        self._errors: tuple[type[Exception], ...] = (docker.errors.DockerException, OSError)
        try:
            self.client = docker.from_env(timeout=60, max_pool_size=64)
            self.client.ping()
        except Exception as error:  # the SDK lets errors of requests and urllib3 through
            raise UsageError(
                "--engine compose needs a running Docker engine; start it (as root, `dockerd`, or "
                f"`systemctl start docker`; on a Mac, Docker Desktop): {error}"
            ) from None
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="docker")

    async def call(self, what: str, function: Callable[..., T], *args: Any, **more: Any) -> T:
        """Do something with the SDK without holding up anybody else.

        Raises: WorldError that says what could not be done.
        """
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, lambda: function(*args, **more))
        except self._errors as error:
            said = getattr(error, "explanation", None) or error
            raise WorldError(f"{what}: {said}") from error

    async def containers(self, project: str) -> dict[str, Any]:
        """The containers of a project, by service.

        Raises: WorldError.
        """
        found = await self.call(
            "containers can't be listed",
            self.client.containers.list,
            all=True,
            filters={"label": f"{PROJECT}={project}"},
        )
        return {container.labels[SERVICE]: container for container in found}

    async def wall_clock(self) -> tuple[float, float]:
        """What to subtract from the engine's wall clock for `time.monotonic()` here; its error (s).

        A daemon behind a socket of this machine's own kernel shares the clock; others are asked.
        Raises: WorldError.
        """
        base = str(self.client.api.base_url)
        if sys.platform == "linux" and base.startswith("http+docker"):
            return time.time() - time.monotonic(), 0.0
        looks = []
        for _ in range(_CLOCK_LOOKS):
            asked_s = time.monotonic()
            said = (await self.call("Docker's clock", self.client.info))["SystemTime"]
            half_s = (time.monotonic() - asked_s) / 2
            looks.append((half_s, unix_seconds(said) - (asked_s + half_s)))
        error_s, offset_s = min(looks)
        return offset_s, error_s

    def close(self) -> None:
        """Let go of the engine."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self.client.close()


def unix_seconds(stamp: str) -> float:
    """Seconds since 1970 of Docker's timestamps, which have nine digits and a Z or an offset."""
    whole, _, rest = stamp.partition(".")
    if not rest:
        return dt.datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()
    digits = len(rest) - len(rest.lstrip("0123456789"))
    zone = rest[digits:].replace("Z", "+00:00")
    return dt.datetime.fromisoformat(whole + zone).timestamp() + float(f"0.{rest[:digits] or 0}")
