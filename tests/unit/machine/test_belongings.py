"""Whose a folder and a process are, and that only a dead owner's go."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.machine import belongings, cradle

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")

OWNER = """
import subprocess, sys, time
from harness.machine import belongings
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"],
                         env={**belongings.mark()}, start_new_session=True)
print(belongings.root(), child.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(belongings.tempfile, "gettempdir", lambda: str(tmp_path))
    return tmp_path


def owner(temporary: Path) -> tuple[subprocess.Popen[str], Path, int]:
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER],
        env=os.environ | {"TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    folder, child = process.stdout.readline().split()
    return process, Path(folder), int(child)


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def ends(pid: int) -> bool:
    """Whether it is gone within three seconds: what was killed may take a moment to be."""
    until_s = time.monotonic() + 3.0
    while runs(pid) and time.monotonic() < until_s:
        time.sleep(0.02)
    return not runs(pid)


def test_what_a_living_owner_has_stays_and_what_a_dead_one_left_goes(temporary: Path) -> None:
    process, folder, child = owner(temporary)
    belongings.sweep()
    assert folder.is_dir()
    assert runs(child)

    process.kill()
    process.wait()
    belongings.sweep()

    assert not folder.exists()
    assert ends(child)


def test_other_names_machines_and_users_are_left_alone(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process, folder, child = owner(temporary)
    process.kill()
    process.wait()
    elsewhere = temporary / folder.name.replace(belongings._place(), "abcdef")
    strange = temporary / "outage-of-mine"
    link = temporary / f"outage-1-1-{belongings._place()}-{belongings.boot()}-zzzz"
    for each in (elsewhere, strange):
        each.mkdir()
    link.symlink_to(strange)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)

    belongings.sweep()

    assert {elsewhere, strange, link, folder} <= set(temporary.iterdir())
    assert runs(child)
    monkeypatch.undo()
    os.kill(child, signal.SIGKILL)


def test_folders_from_before_a_reboot_go(temporary: Path) -> None:
    before = temporary / f"outage-{os.getpid()}-1-{belongings._place()}-abcdef-zzzz"
    before.mkdir()
    belongings.sweep()
    assert not before.exists()


def test_a_child_does_not_begin_before_it_is_let(tmp_path: Path) -> None:
    sign = tmp_path / "begun"
    command = cradle.cradled([sys.executable, "-c", f"open({str(sign)!r}, 'w')"])
    for word, begun in ((b"", False), (cradle.RELEASE, True)):
        child = subprocess.Popen(command, stdin=subprocess.PIPE)
        time.sleep(0.1)
        assert not sign.exists()
        child.communicate(word)
        assert child.returncode == 0
        assert sign.exists() == begun


def test_a_child_ends_with_its_parent_even_without_a_reaper() -> None:
    code = """
import subprocess, sys, time
from harness.machine.cradle import RELEASE, cradled
command = cradled([sys.executable, "-c", "import time; time.sleep(60)"])
child = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
child.stdin.write(RELEASE)
child.stdin.close()
print(child.pid, flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    time.sleep(0.3)
    assert runs(child)
    parent.kill()
    parent.wait()
    assert ends(child)
