"""The harness's line to the nursery: starts it, has plays born, and gets their facts back.

Works with threads and any event loop: explorations play thousands of scenarios, some without one.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from harness.engines.reaper import Reaper
from harness.errors import WorldError
from harness.machine.belongings import mark
from harness.machine.cradle import RELEASE, cradled

from .plan import Plan

_LIKELY = 65_536
"""Bytes that the end of a play's facts takes, mostly."""
_ROOT = Path(__file__).resolve().parents[3]
_BOOT = (
    f"import sys; sys.path.insert(0, {str(_ROOT)!r}); "
    "from harness.engines.sim.lent import lend; lend({lent}); "
    "from harness.engines.sim.nursery import main; main()"
)
_LENT = ("h11",)
"""What stubs need beyond Python itself, in whichever the target runs."""
_KEPT_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV")
_ENDS_WITHIN_S = 3.0


class Nursery:
    """One nursery process, started at the first play, or before."""

    def __init__(self, *, python: str = sys.executable, watched: bool = False) -> None:
        """`watched`: what it started is ended even if the harness is killed (`reaper`)."""
        self._python = python
        self._watched = watched
        self._reaper: Reaper | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._waiting: dict[int, Future[int]] = {}
        self._count = 0
        self._lock = threading.Lock()
        self._known: set[str] = set()

    def begin(self, libraries: Sequence[str] = ()) -> None:
        """Start it now, with these libraries loaded, while others read what is to be played."""
        with self._lock:
            self._start()
        self.learn(libraries)

    def play(self, plan: Plan, folder: Path) -> Future[dict[str, Any]]:
        """Play a plan; what the child wrote down (`play.Play.finish`), in time.

        A child that a target's code in C crashed has not written all: as each play goes as it went
        before, it is played once more, line by line. The future fails with WorldError when the
        child died otherwise. Cancelling it ends the child. Its `facts` are read from the folder as
        they are asked for, once.
        """
        with self._lock:
            self._count += 1
            number = self._count
            ended: Future[int] = Future()
            self._waiting[number] = ended
        plan_path = folder / f"plan-{number}.json"
        out_path = folder / f"facts-{number}.json"
        plan_path.write_text(json.dumps(plan), encoding="utf-8")
        result: Future[dict[str, Any]] = Future()

        def finish(done: Future[int]) -> None:
            if result.cancelled() or not result.set_running_or_notify_cancel():
                return
            try:
                status = done.result()
                if _crashed(status) and not plan["line_by_line"]:
                    again = self.play({**plan, "line_by_line": True}, folder)
                    again.add_done_callback(lambda played: _hand_on(played, result))
                    return
                result.set_result(_read(out_path, status))
            except WorldError as error:
                result.set_exception(error)

        def cancelled(done: Future[dict[str, Any]]) -> None:
            if done.cancelled():
                with contextlib.suppress(WorldError):
                    self._say({"kill": number})

        ended.add_done_callback(finish)
        result.add_done_callback(cancelled)
        self._say({"play": number, "plan": str(plan_path), "out": str(out_path)})
        return result

    def learn(self, libraries: Sequence[str]) -> None:
        """Let the nursery import what a target needed, so that later plays begin with it."""
        fresh = [name for name in libraries if name not in self._known]
        if fresh:
            self._known.update(fresh)
            self._say({"import": fresh})

    def _say(self, command: dict[str, Any]) -> None:
        with self._lock:
            process = self._start()
            assert process.stdin is not None
            try:
                process.stdin.write(json.dumps(command).encode() + b"\n")
                process.stdin.flush()
            except (OSError, ValueError) as error:  # or it was closed meanwhile
                raise WorldError("the simulation's process ended by itself") from error

    def _start(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
            # Bound to this thread, if that is one that lasts; else only to the pipe.
            lasts = threading.current_thread() is threading.main_thread()
            self._process = subprocess.Popen(
                cradled(
                    [self._python, "-S", "-s", "-c", _BOOT.replace("{lent}", repr(_lent()))],
                    bound=lasts,
                    reads=True,
                    same_addresses=True,
                ),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=kept | {"PYTHONHASHSEED": "0", "TZ": "UTC"} | dict(mark()),
                # Ctrl-C is the harness's affair. No session of its own: Linux would weigh it as a
                # whole (autogroup), as if nobody had asked it to make room (nice, chrt).
                process_group=0,
            )
            if self._watched:
                self._reaper = self._reaper or Reaper()
                self._reaper.watch(self._process.pid)
            assert self._process.stdin is not None
            with contextlib.suppress(OSError):
                self._process.stdin.write(RELEASE)
                self._process.stdin.flush()
            threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()
        return self._process

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            answer = json.loads(line)
            self._waiting.pop(answer["done"]).set_result(answer["status"])
        with self._lock:
            left, self._waiting = list(self._waiting.values()), {}
            self._process = None
            self._known.clear()
        for ended in left:
            ended.set_exception(WorldError("the simulation's process ended by itself"))

    def close(self) -> None:
        """End it and everything that it still plays."""
        if self._process is not None:
            self._end(self._process)
        if self._reaper is not None:
            self._reaper.close()
            self._reaper = None

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        with self._lock:
            playing = bool(self._waiting)
        if not playing:
            process.kill()  # it may be loading libraries for plays that won't come
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            process.wait(_ENDS_WITHIN_S if playing else None)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _crashed(status: int) -> bool:
    """Whether a signal of its own making ended a process."""
    return status & 127 not in (0, signal.SIGKILL)


def _hand_on(played: Future[dict[str, Any]], result: Future[dict[str, Any]]) -> None:
    error = played.exception()
    if error is None:
        result.set_result(played.result())
    else:
        result.set_exception(error)


def _read(path: Path, status: int) -> dict[str, Any]:
    said = Path(f"{path}.err")
    words = said.read_text(errors="replace")[-500:].strip() if said.exists() else ""
    try:
        if _crashed(status) and path.stat().st_size:
            return _until_its_crash(list(_facts(path)), status & 127, words)
        document = json.loads(_last_line(path))
        if not isinstance(document, dict):
            raise ValueError("facts without their end")
        return document | {"facts": _facts(path)}
    except (OSError, ValueError) as error:
        how = f"by signal {status & 127}" if status & 127 else f"with exit status {status >> 8}"
        raise WorldError(
            f"the simulated target's process ended {how}: {words or 'no word'}"
        ) from error


def _last_line(path: Path) -> bytes:
    """The last line of a file, which is read from its end."""
    with path.open("rb") as file:
        size, length = file.seek(0, os.SEEK_END), _LIKELY
        while True:
            file.seek(max(0, size - length))
            end = file.read()
            if b"\n" in end or length >= size:
                return end[end.rfind(b"\n") + 1 :]
            length *= 2


def _facts(path: Path) -> Iterator[dict[str, Any]]:
    """The facts of a play's file, which is read as they are asked for."""
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield from json.loads(line)


def _until_its_crash(facts: list[dict[str, Any]], number: int, words: str) -> dict[str, Any]:
    """The document that the child could not write: its facts, and that it crashed."""
    at_s = facts[-1]["at"]
    if any(fact["kind"] == "phase" and fact["phase"] == "warm-up" for fact in facts):
        facts.append({"kind": "ended", "at": at_s, "status": -number})
    else:
        why = f"ended by signal {number} before it was ready"
        facts.append({"kind": "unstarted", "at": at_s, "why": why, "said": words})
    facts.append({"kind": "phase", "at": at_s, "phase": "end"})
    return {
        "facts": iter(facts),
        "last": max(fact["at"] for fact in facts),
        "zero": next((fact["at"] for fact in facts if fact["kind"] == "zero"), 0.0),
        "escapes": [],
        "remarks": [],
        "switches": 0,
        "libraries": [],
        "python": platform.python_version(),
    }


@cache
def _lent() -> dict[str, str]:
    """In which folders of this Python's those packages are."""
    found = {name: find_spec(name) for name in _LENT}
    return {
        name: str(Path(spec.origin).parents[1])
        for name, spec in found.items()
        if spec is not None and spec.origin is not None
    }
