"""The open-loop sender beside locust and wrk, and what it says of a server that stops for a second.

Each figure is of a whole `outage run` in real time, judging and report included, against a server
that does nothing (`http_server.py`); latencies count from the planned instant.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from measuring import Row

_RATE = 200
_FOR_S = 5
_MOST_RATE = 10_000
"""More than it can, and fewer at once than are quickly found ports for one client (14,000)."""
_MOST_FOR_S = 1
_STOP_AFTER_S = 2.0
_LOCUST = """
from locust import FastHttpUser, constant_throughput, task
class User(FastHttpUser):
    wait_time = constant_throughput({throughput})
    @task
    def ask(self):
        self.client.get("/ok")
"""


@dataclass
class Run:
    """What one run of a sender came to."""

    sent: int
    span_s: float
    """From the first request sent to the last."""
    cpu_s: float
    latencies_ms: list[float] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        """Of the latencies, in milliseconds."""
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Taken:
    """Several figures of one run: taken anew when a figure is asked for a second time."""

    def __init__(self, take: Callable[[], Run]) -> None:
        self._take = take
        self._asked: set[str] = set()
        self._run: Run | None = None

    def figure(self, name: str, of: Callable[[Run], float]) -> Callable[[], float]:
        """A figure of the run."""

        def ask() -> float:
            if self._run is None or name in self._asked:
                self._run = self._take()
                self._asked.clear()
            self._asked.add(name)
            return of(self._run)

        return ask


@contextmanager
def serving() -> Iterator[tuple[int, int]]:
    """The server's port and process id."""
    command = [sys.executable, str(Path(__file__).with_name("http_server.py"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline()), process.pid
        finally:
            process.kill()


def _outage(folder: Path, rate: int, for_s: float, *, stop: bool = False) -> Run:
    with serving() as (port, server):
        target = folder / "target.yaml"
        target.write_text(
            f"name: server\nurl: http://127.0.0.1:{port}\nready: GET /ok\nupstreams: {{}}\n"
        )
        scenario = folder / "load.yaml"
        scenario.write_text(
            f"title: load\nduration: {for_s}s\n"
            f"traffic:\n  load: {{request: GET /ok, rate: {rate}/s}}\n"
            "expect:\n  - never: {status: 500}\n"
        )
        report = folder / f"report-{time.monotonic_ns()}"
        command = [sys.executable, "-m", "harness", "run", str(scenario), "--target", str(target)]
        with subprocess.Popen(
            [*command, "--report", str(report), "--quiet"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            if stop:
                threading.Thread(target=_stop, args=(server, report), daemon=True).start()
            assert process.stdout is not None
            said = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
    history = history_in(report, said)
    run = _read(history, usage.ru_utime + usage.ru_stime)
    shutil.rmtree(report)
    return run


def history_in(report: Path, said: bytes) -> Path:
    """The one history of a report.

    Raises: RuntimeError with what the command said when it left none.
    """
    history = next(report.glob("*.history.jsonl"), None)
    if history is None:
        raise RuntimeError(said.decode(errors="replace"))
    return history


def _stop(pid: int, report: Path) -> None:
    """Stops the server for a second in the middle of the play."""
    history = None
    while history is None or b'"phase":"play"' not in history.read_bytes().replace(b" ", b""):
        history = next(report.glob("*.history.jsonl"), None) if report.exists() else None
        time.sleep(0.02)
    time.sleep(_STOP_AFTER_S)
    os.kill(pid, signal.SIGSTOP)
    time.sleep(1)
    os.kill(pid, signal.SIGCONT)


def _read(history: Path, cpu_s: float) -> Run:
    planned: dict[str, float] = {}
    left: list[float] = []
    latencies: list[float] = []
    for line in history.read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        if event["kind"] == "sent" and event["number"] > 0:
            planned[event["id"]] = event["planned_s"]
            left.append(event["at_s"])
        elif event["kind"] == "answered" and event["id"] in planned:
            latencies.append((event["at_s"] - planned[event["id"]]) * 1000)
    return Run(len(left), max(left) - min(left), cpu_s, latencies)


def _locust(peers: Path, folder: Path, *, rate: int, users: int, for_s: float) -> Run:
    """`rate` 0: each user as fast as it can.

    Raises: RuntimeError when it sent nothing, as on a machine that has no time for it.
    """
    throughput = rate / users if rate else 1_000_000
    file = folder / "locustfile.py"
    file.write_text(_LOCUST.format(throughput=throughput))
    with serving() as (port, _):
        command = [
            str(peers / "locust"), "--headless", "-f", str(file),
            "-u", f"{users}", "-r", f"{users}",
            "-t", f"{for_s}s", "-H", f"http://127.0.0.1:{port}", "--csv", str(folder / "locust"),
            "--only-summary",
        ]  # fmt: skip
        with subprocess.Popen(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process:
            assert process.stdout is not None
            said = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
    with (folder / "locust_stats.csv").open(newline="") as stats:
        total = next(row for row in csv.DictReader(stats) if row["Name"] == "Aggregated")
    count, rate_s = int(total["Request Count"]), float(total["Requests/s"])
    if not rate_s:
        raise RuntimeError(f"locust sent nothing worth a figure:\n{said.decode()[-800:]}")
    run = Run(count, count / rate_s, usage.ru_utime + usage.ru_stime)
    run.latencies_ms = [float(total["50%"])] * 99 + [float(total["99%"])] * 2
    return run


def _wrk() -> float:
    with serving() as (port, _):
        done = subprocess.run(
            ["wrk", "-t1", "-c8", "-d2s", f"http://127.0.0.1:{port}/ok"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    found = re.search(r"Requests/sec:\s*([\d.]+)", done.stdout)
    assert found
    return float(found[1])


def _per_thousand(run: Run) -> float:
    return run.cpu_s / run.sent * 1000


def rows(folder: Path, peers: Path | None) -> Iterator[Row]:
    """At 200/s, at its most, and beside a server that stops."""
    ours = Taken(partial(_outage, folder, _RATE, _FOR_S))
    locust = None
    if peers is not None:
        locust = Taken(partial(_locust, peers, folder, rate=_RATE, users=20, for_s=_FOR_S))
    for name, unit, of in (
        ("CPU of the whole command for 1,000 requests", "s", _per_thousand),
        ("p50 from the planned instant", "ms", lambda run: run.percentile(0.5)),
        ("p99 from the planned instant", "ms", lambda run: run.percentile(0.99)),
    ):
        yield Row(
            f"{_RATE}/s: {name}",
            unit,
            ours.figure(name, of),
            None if locust is None else locust.figure(name, of),
            "locust (its own count)",
        )

    def most(run: Run) -> float:
        return run.sent / run.span_s

    fastest = Taken(partial(_outage, folder, _MOST_RATE, _MOST_FOR_S))
    if peers is not None:
        peer = Taken(partial(_locust, peers, folder, rate=0, users=8, for_s=_FOR_S))
        yield Row(
            "at its most", "requests/s", fastest.figure("most", most), peer.figure("most", most),
            "locust, FastHttpUser", goal=1.0, more_is_better=True,
        )  # fmt: skip
    if shutil.which("wrk"):
        fastest = Taken(partial(_outage, folder, _MOST_RATE, _MOST_FOR_S))
        yield Row(
            "at its most", "requests/s", fastest.figure("most", most), _wrk, "wrk",
            more_is_better=True,
        )  # fmt: skip
    stopped = Taken(partial(_outage, folder, _RATE, _FOR_S, stop=True))
    yield Row(
        "server stopped for 1 s: p99 from the planned instant", "ms",
        stopped.figure("p99", lambda run: run.percentile(0.99)), goal=900.0, more_is_better=True,
    )  # fmt: skip
    yield Row(
        "server stopped for 1 s: planned requests sent", "share",
        stopped.figure("sent", lambda run: run.sent / (_RATE * _FOR_S)),
        goal=1.0, more_is_better=True,
    )  # fmt: skip
