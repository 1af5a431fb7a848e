"""`outage run --serve`: a real run, followed in a real Chromium, and what nobody else may do."""

from __future__ import annotations

import http.client
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.real_time, pytest.mark.xdist_group("browser")]

SCENARIO = """\
title: auth answers 503 <b>for a while</b>
duration: 12s
traffic:
  chat:
    {request: POST /v1/api/chat, json: {message: hi, project_id: "{project}"}, as: ada, rate: 5/s}
faults:
  - {upstream: auth, fault: status, status: 503, to: 6s}
expect:
  - {traffic: chat, status: 418}
"""
Start = Callable[..., "Run"]


def _deaf() -> None:
    """As a shell starts a job in the background."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class Run:
    """A run of the command, and where it shows itself."""

    def __init__(self, folder: Path, *more: str, duration: str = "12s") -> None:
        text = SCENARIO.replace("duration: 12s", f"duration: {duration}")
        (folder / "mine.yaml").write_text(text)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "harness", "run", "--serve", "mine.yaml", *more],
            cwd=folder,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=_deaf,
        )
        self.said = ""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if found := re.search(r"live: http://127\.0\.0\.1:(\d+)/", line):
                self.port = int(found.group(1))
                return
        raise AssertionError(self.said)

    def ask(self, path: str, method: str = "GET", **fields: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, headers=fields)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def gone(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) != 0


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    runs: list[Run] = []

    def begin(*more: str, duration: str = "12s") -> Run:
        runs.append(Run(tmp_path, *more, duration=duration))
        return runs[-1]

    yield begin
    for run in runs:
        run.process.kill()
        run.process.communicate()


def eventually(look: Callable[[], Any], within_s: float = 60.0) -> Any:
    until_s = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < until_s
        time.sleep(0.1)
    return found


def test_a_run_is_followed_to_its_end_and_stays_when_it_is_gone(chromium: Any, start: Start):
    run = start()
    said: list[str] = []
    context = chromium.new_context(viewport={"width": 1600, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(error.stack))
    page.goto(f"http://127.0.0.1:{run.port}/")
    page.get_by_role("heading", name="0 of 1 judged").wait_for()
    page.get_by_text(re.compile(r"\d+ s of 12s")).wait_for()
    page.get_by_role("link", name="auth answers 503 <b>").click()
    page.locator("h1 .verdict.playing").wait_for()
    refused = page.get_by_role("group", name="Outcomes shown").get_by_role("button", name="4xx")
    count = int(refused.inner_text().split()[-1])
    page.get_by_role("slider").focus()
    page.keyboard.press("n")
    page.get_by_role("complementary").wait_for()
    eventually(lambda: int(refused.inner_text().split()[-1]) > count)
    assert page.get_by_role("complementary").is_visible()  # what was chosen stays
    assert page.evaluate("document.activeElement.getAttribute('role')") == "slider"
    page.get_by_text("the run is over").wait_for()
    told, _ = run.process.communicate(timeout=60)
    verdict = "failed" if run.process.returncode == 1 else "inconclusive"  # a busy machine's
    assert f"1 {verdict}" in told
    assert run.gone()
    page.locator(f"h1 .verdict.{verdict}").wait_for()
    page.get_by_role("link", name="All scenarios").click()
    said_of_all = {
        "failed": "The scenario failed",
        "inconclusive": "The scenario proved nothing",
    }
    expect(page.get_by_role("heading", level=1)).to_have_text(said_of_all[verdict])
    page.get_by_role("link", name="auth answers 503 <b>").last.click()
    expect(page.locator(f".finding.{verdict}").filter(has_text="418").first).to_be_visible()
    assert page.locator(".lane").count() >= 4
    context.close()
    assert said == []


def test_it_is_for_reading_on_this_machine_only(start: Start):
    run = start(duration="5min")
    assert run.ask("/")[0] == 200
    assert run.ask("/", Host=f"localhost:{run.port}")[0] == 200
    for host in ("evil.example", f"evil.example:{run.port}", "127.0.0.1", f"127.0.0.1:{run.port}0"):
        assert run.ask("/", Host=host)[0] == 403, host
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert run.ask("/", method)[0] == 501
    for path in ("/../etc/passwd", "/scene?name=..%2Fmine", "/mine.history.jsonl"):
        assert run.ask(path)[0] == 404
    with socket.socket() as probe:  # the next loopback address, as any other machine would come
        assert probe.connect_ex(("127.0.0.2", run.port)) != 0


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_it_ends_with_the_run_however_that_ends(start: Start, number: int, status: int):
    run = start(duration="5min")  # the page is served when nobody else wants the processor
    assert run.ask("/")[0] == 200
    assert run.process.poll() is None
    run.process.send_signal(number)
    assert run.process.wait(30) == status
    eventually(run.gone, within_s=3.0)


def test_a_port_that_is_taken_is_refused(tmp_path: Path):
    (tmp_path / "mine.yaml").write_text(SCENARIO)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "harness", "run", "mine.yaml", "--serve", port]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert f"--serve: port {port}: Address already in use" in done.stderr
