"""`outage explore` as a command: exit status, files, what it says, and Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.cli.entry import call
from harness.explore import crew
from harness.scenario.loader import load_scenario
from tests.unit.explore.test_explore import target_text

ROOT = Path(__file__).resolve().parents[3]
SECOND = str(ROOT / "tests/second_gateway/target.yaml")


def explored(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "harness", "explore", *args]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=280)


def test_nothing_found_is_0_and_says_where_it_has_been(tmp_path: Path) -> None:
    done = explored(
        "--target", SECOND, "--examples", "6", "--seed", "1", "--database", "db", cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "nothing found" in done.stdout
    assert "requests by route: " in done.stdout
    assert "never on auth: " in done.stdout
    assert list((tmp_path / "outage-findings").iterdir()) == []


def test_a_time_in_which_nothing_was_played_is_no_finding_of_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A machine that is busy enough plays none: that was 0, "nothing found in 0 outages"."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(crew, "explore", lambda tasks, **_: crew.Outcome())
    given = ["explore", "--target", SECOND, "--database", "db", "--report", "found"]
    assert call([*given, "--for", "5s"]) == 2
    assert "--for 5s was over before any outage was played" in capsys.readouterr().err


def test_a_mistake_is_1_and_each_finding_is_a_scenario_file(tmp_path: Path) -> None:
    """Of a gateway with one mistake: of one that has many each is found, confirmed and shrunk."""
    (tmp_path / "mine.yaml").write_text(target_text("billing_matters"), encoding="utf-8")
    done = explored(
        "--target", "mine.yaml", "--examples", "6", "--seed", "2", "--report", "found",
        "--database", "db", "--quiet", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    files = sorted((tmp_path / "found").glob("*.yaml"))
    assert files
    for file in files:
        assert load_scenario(file).faults
        assert "outage run" in file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--for", "soon"), "duration"),
        (("--for", "0s"), "1s"),
        (("--for", "5s", "--examples", "3"), "exclude"),
        (("--target", "nowhere"), "nowhere"),
        (("--target", "absent.yaml"), "absent.yaml"),
    ],
)
def test_wrong_usage_is_2_and_says_why(
    args: tuple[str, ...],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call(["explore", *args]) == 2
    assert says in capsys.readouterr().err


def test_a_target_that_can_t_be_simulated_is_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "target.yaml"
    file.write_text('name: t\nstart: {command: ["true"]}\n', encoding="utf-8")
    assert call(["explore", "--target", str(file), "--examples", "1"]) == 2
    assert "wsgi" in capsys.readouterr().err


def test_ctrl_c_ends_it_soon_and_says_what_there_was(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "harness", "explore", "--target", SECOND, "--for", "2m"]
    process = subprocess.Popen(
        [*command, "--database", "db"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert "exploring" in process.stdout.readline()
    time.sleep(5)  # into the exploration: there is no sign of it when piped
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted: " in out
    assert "Traceback" not in error


def test_hypothesis_keeps_nothing_in_the_current_folder(tmp_path: Path) -> None:
    code = (
        "import queue, threading\n"
        "from harness.explore import crew\n"
        "from hypothesis import given, settings, strategies as st\n"
        "task = crew.Task(target='nowhere', seed=0, explored_with=0, limits=crew.Limits())\n"
        "crew.work(0, task, queue.Queue(), queue.Queue(), threading.Event())\n"
        "settings(database=None)(given(st.integers(), st.floats())(lambda a, b: None))()\n"
    )
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    assert list(tmp_path.glob("cache/outage/hypothesis/*"))
    assert not (tmp_path / ".hypothesis").exists()
