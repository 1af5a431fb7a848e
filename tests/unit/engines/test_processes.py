"""Children that start, speak, die and are never left behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.engines.processes import Child, clean_environment
from harness.engines.reaper import Reaper
from harness.errors import WorldError

SLEEP = "import time; time.sleep(60)"
GRANDCHILD = f"""
import subprocess, sys, time
print(subprocess.Popen([sys.executable, "-c", {SLEEP!r}]).pid, flush=True)
time.sleep(60)
"""
DEAF = f"""
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(1, flush=True)
{SLEEP}
"""


def alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def gone_within(pid: int, seconds: float) -> bool:
    deadline_s = time.monotonic() + seconds
    while time.monotonic() < deadline_s:
        if not alive(pid):
            return True
        time.sleep(0.02)
    return False


async def start(reaper: Reaper, code: str, lines: list[str]) -> Child:
    child = await Child.start(
        "test", [sys.executable, "-c", code], reaper=reaper, on_line=lines.append
    )
    for _ in range(500):
        if lines:
            break
        await asyncio.sleep(0.01)
    return child


def test_stopping_ends_grandchildren_too() -> None:
    async def run() -> int:
        reaper, lines = Reaper(), list[str]()
        child = await start(reaper, GRANDCHILD, lines)
        grandchild = int(lines[0])
        assert alive(grandchild)
        await child.stop()
        reaper.close()
        return grandchild

    assert gone_within(asyncio.run(run()), 3)


def test_a_child_that_ignores_sigterm_is_killed() -> None:
    async def run() -> int | None:
        reaper = Reaper()
        child = await start(reaper, DEAF, [])
        await child.stop()
        reaper.close()
        return child.exit_status

    assert asyncio.run(run()) == -signal.SIGKILL


def test_a_missing_command_is_named() -> None:
    async def run() -> None:
        reaper = Reaper()
        try:
            await Child.start("the target", ["no-such-command"], reaper=reaper, on_line=print)
        finally:
            reaper.close()

    with pytest.raises(WorldError, match="no command 'no-such-command'"):
        asyncio.run(run())


def test_last_words_quote_the_end_of_the_output() -> None:
    async def run() -> str:
        reaper = Reaper()
        child = await start(reaper, "print('one'); print('two'); raise SystemExit(3)", [])
        await child.wait()
        await child.kill()
        reaper.close()
        return child.last_words()

    assert asyncio.run(run()).split() == ["one", "two"]


def test_the_reaper_ends_what_a_killed_harness_left(tmp_path: Path) -> None:
    folder = tmp_path / "world"
    folder.mkdir()
    code = f"""
import subprocess, sys, time
from pathlib import Path
from harness.engines.reaper import Reaper
reaper = Reaper()
child = subprocess.Popen([sys.executable, "-c", {SLEEP!r}], start_new_session=True)
reaper.watch(child.pid)
reaper.watch_folder(Path({str(folder)!r}))
print(child.pid, flush=True)
time.sleep(60)
"""
    harness = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert harness.stdout is not None
    pid = int(harness.stdout.readline())
    assert alive(pid)

    os.kill(harness.pid, signal.SIGKILL)
    harness.wait()

    assert gone_within(pid, 3)
    for _ in range(150):
        if not folder.exists():
            break
        time.sleep(0.02)
    assert not folder.exists()


def test_proxy_variables_do_not_reach_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")

    found = clean_environment({"A": "b"})

    assert found["A"] == "b"
    assert not [name for name in found if name.lower().endswith("_proxy")]


def test_a_program_that_may_not_be_run_is_named(tmp_path: Path) -> None:
    script = tmp_path / "gateway.py"
    script.write_text("print(1)\n")

    async def run() -> None:
        reaper = Reaper()
        try:
            await Child.start("it", [str(script)], reaper=reaper, on_line=print)
        finally:
            reaper.close()

    with pytest.raises(WorldError, match=r"gateway\.py: Permission denied"):
        asyncio.run(run())
