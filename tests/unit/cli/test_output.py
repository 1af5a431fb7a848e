"""A command whose output can't be written still gives its own exit status, and no traceback."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli.entry import say
from harness.errors import TargetError

OUTAGE = f"{shlex.quote(sys.executable)} -m harness"


def shell(command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """What a shell makes of a command line in which `outage` is ours."""
    line = f"set -o pipefail; {command.replace('outage', OUTAGE)}"
    return subprocess.run(
        ["bash", "-c", line],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **variables},
        check=False,
    )


def test_a_reader_who_leaves_changes_nothing() -> None:
    """`head` shuts the pipe after a line; the play that fails goes on, and has failed."""
    done = shell("outage run --engine sim auth_503_50s --target naive | head -n 1")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith("auth_503_50s against naive")


def test_a_list_that_is_not_read_to_its_end_is_no_mistake() -> None:
    done = shell("outage list | head -n 1")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("command", ["list", "schema", "run --engine sim auth_one_503"])
def test_closed_output_is_no_traceback(command: str) -> None:
    done = shell(f"outage {command} >&-")
    assert (done.returncode, done.stderr) == (0, "")


def test_an_invalid_file_is_one_though_nobody_can_be_told(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("title: x\n")
    assert shell(f"outage validate {bad} >&- 2>&-").returncode == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("command", ["list", "schema", "run --engine sim auth_one_503"])
def test_a_full_disk_is_told(command: str) -> None:
    done = shell(f"outage {command} >/dev/full")
    assert done.returncode == 2
    assert done.stderr == "outage: can't write the output: No space left on device\n"


def test_a_terminal_without_our_characters_shows_others() -> None:
    done = shell("outage run --engine sim auth_one_503", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "? passed" in done.stdout


def test_a_folder_that_was_removed_is_told(tmp_path: Path) -> None:
    here = tmp_path / "gone"
    here.mkdir()
    done = shell(f"cd {here}; rmdir {here}; PYTHONPATH={Path.cwd()} outage list")
    assert done.returncode == 2
    assert done.stderr.startswith("outage: the current folder can't be used")


def test_a_target_s_own_output_is_shown_as_it_was_and_no_longer_than_helps(
    capsys: pytest.CaptureFixture[str],
) -> None:
    say(TargetError("target 'x' could not be started", "one\n  two \x1b[31m\n"))
    assert capsys.readouterr().err == (
        "outage: target 'x' could not be started; its output:\none\n  two \\x1b[31m\n"
    )
    say(TargetError("target 'x' could not be started", "again\n" * 1000))
    assert capsys.readouterr().err.splitlines()[:2] == [
        "outage: target 'x' could not be started; its output (its last 100 lines):",
        "again",
    ]
    say(TargetError("there is no command 'y'"))
    assert capsys.readouterr().err == "outage: there is no command 'y'\n"
