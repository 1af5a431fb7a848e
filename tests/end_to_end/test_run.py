"""`outage run` as a user runs it: real processes, real time, and nothing left behind."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from harness.machine.starts import PATIENCE_S

pytestmark = pytest.mark.real_time

SECOND = Path(__file__).parents[1] / "second_gateway"
SCENARIO = str(SECOND / "auth_503_5s.yaml")
TARGET = str(SECOND / "target.yaml")
OUTAGE = [sys.executable, "-m", "harness"]
WITHIN_S = PATIENCE_S + 60.0
"""How long a short run takes at the most, from its start: it waits for a busy machine."""


def outage(*words: str, cwd: Path, **more: object) -> subprocess.Popen[str]:
    """A command in a folder for temporary files of its own, so that what it leaves can be seen."""
    (cwd / "tmp").mkdir(exist_ok=True)
    return subprocess.Popen(
        [*OUTAGE, *words],
        cwd=cwd,
        env=os.environ | {"TMPDIR": str(cwd / "tmp"), "OUTAGE_TEST_MARK": str(cwd)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def processes(mark: Path) -> list[tuple[int, str]]:
    """Those that carry the mark of a run in their environment: their ids and commands."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if str(mark).encode() in (entry / "environ").read_bytes():
                command = (entry / "cmdline").read_bytes().decode().replace("\0", " ")
                found.append((int(entry.name), command))
        except OSError:
            continue
    return found


def wait_until_playing(report: Path) -> None:
    deadline_s = time.monotonic() + WITHIN_S
    history = report / "auth_503_5s.history.jsonl"
    while time.monotonic() < deadline_s:
        if history.exists() and '"applied"' in history.read_text():
            return
        time.sleep(0.05)
    raise AssertionError("the run did not begin to play")


def assert_nothing_left(mark: Path, seconds: float = 3.0) -> None:
    deadline_s = time.monotonic() + seconds
    while (found := processes(mark)) and time.monotonic() < deadline_s:
        time.sleep(0.05)
    assert found == []
    assert list((mark / "tmp").iterdir()) == []


def test_somebody_elses_gateway_is_played_and_judged(tmp_path: Path) -> None:
    command = outage("run", SCENARIO, "--target", TARGET, "--report", "out", cwd=tmp_path)
    out, err = command.communicate(timeout=WITHIN_S)

    assert command.returncode == 0, out + err
    assert "1 passed" in out
    assert "\x1b" not in out
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    (scenario,) = results["scenarios"]
    assert results["verdict"] == scenario["verdict"] == "passed"
    assert scenario["requests"] == 18
    opened = scenario["breakers"]["auth"][0]
    assert opened["state"] == "open"
    assert 0.9 <= opened["at_s"] <= 2.1
    assert_nothing_left(tmp_path)


@pytest.mark.parametrize("switch", ["points", "lines"])
def test_a_failure_in_the_simulation_names_the_command_that_repeats_it(
    switch: str, tmp_path: Path
) -> None:
    words = ("run", "auth_one_503", "--engine", "sim", "--target", "naive", "--seed", "3")
    said, _ = outage(*words, "--switch", switch, cwd=tmp_path).communicate(timeout=WITHIN_S)
    (line,) = [s for s in said.splitlines() if s.startswith("replay: ")]
    assert "auth_one_503.yaml --engine sim --seed 3" in line
    assert ("--switch lines" in line) is (switch == "lines")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_says_what_it_saw_and_leaves_nothing(
    number: signal.Signals, status: int, tmp_path: Path
) -> None:
    command = outage("run", SCENARIO, "--target", TARGET, "--report", "out", cwd=tmp_path)
    wait_until_playing(tmp_path / "out")

    command.send_signal(number)
    out, err = command.communicate(timeout=10)

    assert command.returncode == status, out + err
    assert "everything was taken down" in out
    assert "auth_503_5s at" in out
    assert "Traceback" not in err
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert results["scenarios"][0]["verdict"] == "inconclusive"
    assert_nothing_left(tmp_path)


def test_an_interruption_while_starting_leaves_nothing(tmp_path: Path) -> None:
    command = outage("run", SCENARIO, "--target", TARGET, cwd=tmp_path)
    deadline_s = time.monotonic() + WITHIN_S
    while len(processes(tmp_path)) < 3 and time.monotonic() < deadline_s:
        time.sleep(0.01)

    command.send_signal(signal.SIGINT)
    _, err = command.communicate(timeout=10)

    assert command.returncode == 130
    assert "Traceback" not in err
    assert_nothing_left(tmp_path)


def test_a_killed_run_leaves_nothing_and_its_history(tmp_path: Path) -> None:
    command = outage("run", SCENARIO, "--target", TARGET, "--report", "out", cwd=tmp_path)
    wait_until_playing(tmp_path / "out")

    command.kill()
    command.communicate(timeout=10)

    assert_nothing_left(tmp_path)
    lines = (tmp_path / "out" / "auth_503_5s.history.jsonl").read_text().splitlines()
    assert json.loads(lines[0])["kind"] == "run"
    assert any('"sent"' in line for line in lines)


def target_file(folder: Path, **start: object) -> str:
    path = folder / "target.yaml"
    path.write_text(json.dumps({"name": "mine", "ready_within": "2s", **start}))
    return str(path)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["{python}", "-c", "print('no port for me'); raise SystemExit(7)"], "no port for me"),
        (["{python}", "-c", "import time; time.sleep(60)"], "was not ready in 2 s"),
    ],
)
def test_a_target_that_never_gets_ready_ends_the_run_and_is_quoted_once(
    command: list[str], said: str, tmp_path: Path
) -> None:
    target = target_file(tmp_path, start={"command": command})

    run = outage("run", SCENARIO, "--target", target, cwd=tmp_path)
    out, err = run.communicate(timeout=WITHIN_S)

    assert run.returncode == 4, out + err
    assert err.count(said) == 1
    assert "inconclusive" not in out
    assert_nothing_left(tmp_path)


def test_a_target_whose_command_is_missing_is_told_before_anything_starts(tmp_path: Path) -> None:
    target = target_file(tmp_path, start={"command": ["no-such-gateway"]})

    run = outage("run", SCENARIO, "--target", target, cwd=tmp_path)
    out, err = run.communicate(timeout=WITHIN_S)

    assert run.returncode == 4
    assert "no-such-gateway" in err
    assert "Traceback" not in out + err


def test_a_target_for_the_simulation_alone_is_told_so(tmp_path: Path) -> None:
    target = target_file(tmp_path, start={"wsgi": "app:app"})

    run = outage("run", SCENARIO, "--target", target, cwd=tmp_path)
    out, err = run.communicate(timeout=WITHIN_S)

    assert run.returncode == 4
    assert "no `start: command`; --engine sim plays it" in err
    assert "Traceback" not in out + err


def test_a_report_folder_that_cannot_be_written_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")

    run = outage("run", SCENARIO, "--target", TARGET, "--report", "taken/below", cwd=tmp_path)
    out, err = run.communicate(timeout=WITHIN_S)

    assert run.returncode == 2
    assert "taken" in err
    assert "Traceback" not in out + err


def test_a_target_beyond_this_machine_needs_a_word(tmp_path: Path) -> None:
    target = target_file(tmp_path, url="http://192.0.2.1:80")

    run = outage("run", SCENARIO, "--target", target, cwd=tmp_path)
    _, err = run.communicate(timeout=WITHIN_S)

    assert run.returncode == 2
    assert "--allow-remote" in err


class Fine(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_a_server_that_goes_on_running_and_calls_nobody_is_played(tmp_path: Path) -> None:
    (tmp_path / "scenario.yaml").write_text(
        "title: nothing happens\nduration: 1s\n"
        "traffic: {load: {request: GET /ok, rate: 5/s}}\nexpect: [{never: {status: 500}}]\n"
    )
    with ThreadingHTTPServer(("127.0.0.1", 0), Fine) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        (tmp_path / "target.yaml").write_text(
            f"name: server\nurl: http://127.0.0.1:{server.server_port}\n"
            "ready: GET /ok\nupstreams: {}\n"
        )
        command = outage("run", "scenario.yaml", "--target", "target.yaml", cwd=tmp_path)
        out, err = command.communicate(timeout=WITHIN_S)
        server.shutdown()

    assert command.returncode == 0, out + err
    assert "1 passed" in out


def test_a_proxy_server_that_dies_is_not_held_against_the_target(tmp_path: Path) -> None:
    command = outage(
        "run", SCENARIO, "--target", TARGET, "--report", "out", "--proxy", "embedded", cwd=tmp_path
    )
    wait_until_playing(tmp_path / "out")
    (server,) = [entry for entry in processes(tmp_path) if "harness.toxiproxy" in entry[1]]

    os.kill(server[0], signal.SIGKILL)
    out, err = command.communicate(timeout=WITHIN_S)

    assert command.returncode == 3, out + err
    assert "no proxy server there" in out
    assert_nothing_left(tmp_path)


MORTAL = """
import os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    count = 0

    def do_GET(self):
        Handler.count += self.path == "/x"
        if Handler.count > 3:
            print("panic: token-ada is not expected", flush=True)
            os._exit(7)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass

HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def test_a_target_that_dies_is_failed_in_every_report_with_its_last_words(tmp_path: Path) -> None:
    (tmp_path / "mortal.py").write_text(MORTAL)
    (tmp_path / "short.yaml").write_text(
        "title: t\nduration: 3s\ntraffic: {x: {request: GET /x, rate: 2/s}}\n"
    )
    command = ["{python}", "mortal.py", "{port}"]
    target = target_file(
        tmp_path, start={"command": command}, upstreams={"AUTH_SERVER_URL": "auth"}
    )

    run = outage("run", "short.yaml", "--target", target, "--report", "out", cwd=tmp_path)
    out, err = run.communicate(timeout=WITHIN_S)

    assert run.returncode == 1, out + err
    reports = [out] + [
        (tmp_path / "out" / name).read_text().replace("\\", "")
        for name in ("results.json", "junit.xml", "summary.md")
    ]
    for report in reports:
        assert "with exit status 7" in report
        assert "panic: [redacted] is not expected" in report
