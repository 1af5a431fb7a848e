"""Child processes of a world: started in groups of their own, watched, listened to, stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from harness.control import TOKEN
from harness.engines.reaper import Reaper
from harness.errors import WorldError
from harness.history.events import Ended, Event, Trouble
from harness.machine.belongings import mark
from harness.machine.cradle import RELEASE, cradled
from harness.startup import own_variables

_STOP_WITHIN_S = 2.0
_LONGEST_LINE = 1 << 20
_KEPT_LINES = 400
LAST_LINES = 5
"""Of a target that died."""
_FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_PROXY_VARIABLES = frozenset({"http_proxy", "https_proxy", "all_proxy", "no_proxy", "ftp_proxy"})


def clean_environment(more: Mapping[str, str]) -> dict[str, str]:
    """The harness's own environment without HTTP proxy variables, with its mark and `more`.

    What controls a world is for those parts of it that are given it.
    """
    left_out = {*_PROXY_VARIABLES, TOKEN.lower(), *map(str.lower, own_variables())}
    kept = {k: v for k, v in os.environ.items() if k.lower() not in left_out}
    return kept | {"PYTHONUNBUFFERED": "1"} | dict(mark()) | dict(more)


def _check_program(
    name: str, program: str, cwd: Path | None, environment: Mapping[str, str]
) -> None:
    """Raises: WorldError when there is no such program, or folder to start it in."""
    if cwd is not None and not cwd.is_dir():
        raise WorldError(f"{name} could not be started: there is no folder {cwd}")
    if "/" in program:
        file = Path(cwd or ".", program)
        known, runs = file.exists(), file.is_file() and os.access(file, os.X_OK)
    else:
        known = runs = shutil.which(program, path=environment.get("PATH")) is not None
    if not known:
        raise WorldError(f"{name} could not be started: there is no command {program!r}")
    if not runs:
        raise WorldError(f"{name} could not be started: {program}: Permission denied")


def ended(status: int, at_s: float, said: Sequence[str]) -> Event:
    """That the target ended while it was needed; by the signal of somebody else, it is trouble."""
    if -status in _FROM_OUTSIDE:
        name = signal.Signals(-status).name
        words = "; its last words: " + " | ".join(said) if said else ""
        what = f"the target was ended by {name}, from outside (out of memory?){words}"
        return Trouble(at_s=at_s, by="engine", what=what)
    return Ended(at_s=at_s, by="engine", status=status, said=tuple(said))


class Child:
    """One running process; its output goes line by line to `on_line`."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, reaper: Reaper) -> None:
        self.name = name
        self._process = process
        self._reaper = reaper
        self._tail: deque[str] = deque(maxlen=_KEPT_LINES)
        self._reader: asyncio.Task[None] | None = None
        self.stopping = False
        reaper.watch(process.pid)

    @classmethod
    async def start(
        cls,
        name: str,
        command: Sequence[str],
        *,
        reaper: Reaper,
        on_line: Callable[[str], None],
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Child:
        """Start a command; the reaper knows it before it can run.

        Raises: WorldError when it can't be started at all.
        """
        environment = clean_environment(env or {})
        _check_program(name, command[0], cwd, environment)
        starting = asyncio.ensure_future(
            asyncio.create_subprocess_exec(
                *cradled(command),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=environment,
                cwd=cwd,
                start_new_session=True,
                limit=_LONGEST_LINE,
            )
        )
        try:
            process = await asyncio.shield(starting)
        except asyncio.CancelledError:
            # Half started is started: take it down before the cancellation goes on.
            await asyncio.wait({starting})
            if not starting.cancelled() and starting.exception() is None:
                await cls(name, starting.result(), reaper).kill()
            raise
        except OSError as error:
            raise WorldError(f"{name} could not be started: {error.strerror}") from error
        child = cls(name, process, reaper)
        assert process.stdin is not None
        process.stdin.write(RELEASE)
        process.stdin.close()
        child._reader = asyncio.create_task(child._read(on_line))
        return child

    async def _read(self, on_line: Callable[[str], None]) -> None:
        stream = self._process.stdout
        assert stream is not None
        while True:
            try:
                raw = await stream.readline()
            except ValueError:  # a line beyond the limit: drop what is buffered and go on
                await stream.read(_LONGEST_LINE)
                continue
            if not raw:
                return
            line = raw.decode("utf-8", "replace").rstrip()
            self._tail.append(line)
            on_line(line)

    @property
    def pid(self) -> int:
        """The process's id, which is its group's too."""
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """None while it runs; negative for the signal that ended it."""
        return self._process.returncode

    @property
    def ended(self) -> bool:
        """Whether it runs no more."""
        return self.exit_status is not None

    def said(self, lines: int = _KEPT_LINES) -> tuple[str, ...]:
        """The last lines of its output that aren't empty."""
        return tuple(line for line in self._tail if line)[-lines:]

    def last_words(self, lines: int = 5) -> str:
        """The end of its output, for an error message."""
        kept = "".join(f"\n    {line[:300]}" for line in self.said(lines))
        return kept or " (it said nothing)"

    async def wait(self) -> int:
        """Wait until it has ended, and give its exit status."""
        return await self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to its whole group, if it still runs."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    async def stop(self) -> None:
        """End the whole group: SIGTERM, then SIGKILL after two seconds."""
        self.stopping = True
        if self._process.returncode is None:
            self.signal(signal.SIGTERM)
            self.signal(signal.SIGCONT)
            with contextlib.suppress(asyncio.TimeoutError):
                async with asyncio.timeout(_STOP_WITHIN_S):
                    await self._process.wait()
        await self.kill()

    async def kill(self) -> None:
        """End the whole group at once (grandchildren too, even when the leader is gone)."""
        self.stopping = True
        self.signal(signal.SIGKILL)
        await self._process.wait()
        if self._reader is not None:
            # A grandchild may hold the pipe open although it was killed with the group.
            with contextlib.suppress(asyncio.TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._reader
        self._reaper.forget(self._process.pid)
