"""The same run on a Dask cluster: same facts, whoever dies in the middle; nothing is left."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.cli.entry import call
from tests.end_to_end.kills import marked
from tests.unit.explore.test_explore import target_text

ROOT = Path(__file__).resolve().parents[2]
LONG = """
title: Long enough to be killed in
duration: 240s
traffic:
  check: {request: GET /v1/api/auth/check, as: ada, rate: 3/s}
faults:
  - {upstream: auth, fault: status, status: 503, from: 10s, to: 20s}
"""
DASK = Path(sys.executable).with_name("dask")
WITHIN_S = 60.0

pytestmark = [pytest.mark.crowding, pytest.mark.timeout(240), pytest.mark.xdist_group("cluster")]


def outage(*words: str, temporary: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "harness", *words]
    env = os.environ | ({} if temporary is None else {"TMPDIR": str(temporary)})
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, env=env)


def facts(report: Path) -> dict[str, list[str]]:
    """The lines of each history, but for the name that a run gave itself."""
    run = json.loads((report / "results.json").read_text(encoding="utf-8"))["run"]
    return {
        path.name: path.read_text(encoding="utf-8").replace(run, "RUN").splitlines()
        for path in report.glob("*.history.jsonl")
    }


@pytest.fixture(scope="module")
def long_ones(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Scenarios that take seconds to simulate: a worker that is killed then loses one."""
    folder = tmp_path_factory.mktemp("long")
    for name in ("one", "two", "three"):
        (folder / f"{name}.yaml").write_text(LONG)
    return [str(file) for file in sorted(folder.iterdir())]


@pytest.fixture(scope="module")
def alone(long_ones: list[str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    report = tmp_path_factory.mktemp("alone")
    assert outage("run", *long_ones, "--engine", "sim", "--report", str(report)).returncode == 0
    return facts(report)


@contextlib.contextmanager
def started(*words: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A scheduler or worker, with a folder for temporary files that tells what is its own."""
    folder.mkdir()
    environment = os.environ | {"TMPDIR": str(folder), "PYTHONPATH": str(ROOT)}
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            [str(DASK), *words], cwd=folder, env=environment, stdout=said, stderr=said
        )
    try:
        yield process
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()


def until(what: object, within_s: float = WITHIN_S) -> None:
    end_s = time.monotonic() + within_s
    assert callable(what)
    while not what():
        assert time.monotonic() < end_s, what
        time.sleep(0.005)


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, dict[Path, subprocess.Popen[bytes]]]]:
    """A scheduler's address, and two workers by the folders of their temporary files."""
    file = folder / "scheduler.json"
    with contextlib.ExitStack() as stack:
        scheduler = ("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        at = ("--scheduler-file", str(file))
        stack.enter_context(started(*scheduler, *at, folder=folder / "scheduler"))
        until(file.exists)
        worker = ("worker", *at, "--nthreads", "1", "--no-nanny", "--no-dashboard")
        workers = {
            place: stack.enter_context(started(*worker, "--host", "127.0.0.1", folder=place))
            for place in (folder / "one", folder / "two")
        }
        for place in workers:
            until(lambda place=place: b"Registered to" in (place / "said").read_bytes())
        yield json.loads(file.read_text())["address"], workers


def test_a_worker_that_is_killed_loses_nothing(
    tmp_path: Path, long_ones: list[str], alone: dict[str, list[str]]
) -> None:
    with cluster(tmp_path) as (address, workers):
        report = tmp_path / "report"
        command = ["run", *long_ones, "--engine", "sim", "--report", str(report)]
        command += ["--cluster", address]
        harness = subprocess.Popen(
            [sys.executable, "-m", "harness", *command],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        playing = "outage-*/*/plan-*.json"
        until(lambda: any(list(place.glob(playing)) for place in workers))
        place = next(place for place in workers if list(place.glob(playing)))
        workers[place].send_signal(signal.SIGKILL)
        said, _ = harness.communicate(timeout=150)
        assert harness.returncode == 0, said
        assert "is played again" in said
        assert facts(report) == alone
        # Its reaper took what it had started along.
        until(lambda: not list(marked(place)), within_s=3.0)


def test_ctrl_c_takes_plays_on_workers_down(tmp_path: Path) -> None:
    with cluster(tmp_path) as (address, workers):
        command = ["run", "auth_503_50s", "--cluster", address, "--proxy", "embedded"]
        harness = subprocess.Popen(
            [sys.executable, "-m", "harness", *command],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        gateway = "-m gateway"
        until(lambda: any(gateway in each.words for place in workers for each in marked(place)))
        harness.send_signal(signal.SIGINT)
        said, _ = harness.communicate(timeout=60)
        assert harness.returncode == 130, said
        assert "Traceback" not in said
        until(
            lambda: not any(gateway in each.words for place in workers for each in marked(place)),
            within_s=10.0,
        )


def test_a_target_travels_with_its_folder(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(ROOT / "tests" / "second_gateway", mine)
    shutil.copy(ROOT / "scenarios" / "auth_503_50s.yaml", tmp_path)
    with cluster(tmp_path) as (address, _):
        words = ("--target", str(mine / "target.yaml"), "--engine", "sim")
        scenario = str(tmp_path / "auth_503_50s.yaml")
        there = outage("run", scenario, *words, "--cluster", address)
        here = outage("run", scenario, *words)
    assert there.returncode == here.returncode, there.stdout + there.stderr
    assert there.stdout.splitlines()[1:-1] == here.stdout.splitlines()[1:-1]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--cluster", "tcp://10.0.0.1:8786"), "--allow-remote"),
        (("--cluster", "127.0.0.1:8786"), "tcp://"),
        (("--cluster", "local", "--engine", "compose"), "local and sim"),
    ],
)
def test_what_can_not_be_is_refused(
    words: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["run", "token_revoked", *words]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert "Traceback" not in said


def test_exploring_on_workers_finds_the_same_defects(tmp_path: Path) -> None:
    """Byte for byte, and nothing is left on this machine; of a gateway with one mistake, as each
    is shrunk.
    """
    target = tmp_path / "target.yaml"
    target.write_text(target_text("billing_matters"), encoding="utf-8")
    words = ("explore", "--target", str(target), "--examples", "6", "--seed", "2", "--quiet")
    found = {}
    (temporary := tmp_path / "temporary").mkdir()
    for name, more in (("alone", ()), ("cluster", ("--cluster", "local"))):
        report = tmp_path / name
        done = outage(
            *words,
            *more,
            "--report",
            str(report),
            "--database",
            str(tmp_path / f"{name}-db"),
            temporary=temporary,
        )
        assert done.returncode == 1, done.stderr
        found[name] = {path.name: path.read_bytes() for path in report.glob("*.yaml")}
    assert found["alone"]
    assert found["cluster"] == found["alone"]
    assert not list(marked(temporary))


def test_measuring_in_real_time_stays_on_one_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["measure", "--engine", "local", "--cluster", "local"]) == 2
    assert "--cluster measures in the simulation" in capsys.readouterr().err
