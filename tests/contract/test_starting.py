"""What people start Toxiproxy with, on both servers: flags in Go's spellings, and `-config`."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.toxiproxy.locate import find_toxiproxy
from harness.toxiproxy.server import free_port

HOST = "127.0.0.1"
Start = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def program(api: Any) -> list[str]:
    """The command of the server under test."""
    if api.kind == "embedded":
        return [sys.executable, "-m", "harness.toxiproxy"]
    found = find_toxiproxy(str(api.process._command(0)[0]))
    assert found is not None
    return [str(found.binary)]


@pytest.fixture
def start(program: list[str]) -> Iterator[Start]:
    """Starts it with these words; returns what it logged until it serves."""
    running: list[subprocess.Popen[str]] = []

    def run(*words: str) -> list[dict[str, Any]]:
        process = subprocess.Popen([*program, *words], stdout=subprocess.PIPE, text=True)
        running.append(process)
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(json.loads(line))
            if lines[-1]["message"] == "Starting Toxiproxy HTTP server":
                break
        return lines

    yield run
    for process in running:
        process.terminate()
        process.communicate(timeout=10)


def ask(port: int, path: str) -> Any:
    """What the API answers; the real one says that it starts a moment before it listens."""
    deadline_s = time.monotonic() + 10
    while True:
        try:
            with socket.create_connection((HOST, port), timeout=5) as stream:
                stream.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
                answer = b"".join(iter(lambda: stream.recv(65536), b""))
                return json.loads(answer.partition(b"\r\n\r\n")[2])
        except ConnectionRefusedError:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(0.02)


def entries(*listens: str) -> str:
    return json.dumps(
        [
            {"name": f"p{number}", "listen": listen, "upstream": "127.0.0.1:9"}
            for number, listen in enumerate(listens)
        ]
    )


@pytest.mark.parametrize(
    "flags",
    [
        "-host=127.0.0.1 -port={port} -config={file}",
        "--host 127.0.0.1 --port {port} --config {file}",
        "-host 127.0.0.1 -config {file} -port={port} -seed=7",
        "-port 1 --port={port} -host=0.0.0.0 -config={file} -proxy-metrics=false",
        "-port={port} -config={file} -version=false -runtime-metrics=0",
    ],
)
def test_flags(start: Start, tmp_path: Path, flags: str) -> None:
    port, listen = free_port(), free_port()
    file = tmp_path / "toxiproxy.json"
    file.write_text(entries(f"{HOST}:{listen}", f"{HOST}:0"))
    lines = start(*(word.format(port=port, file=file) for word in flags.split()))
    # The real one's `Started proxy` races with what follows it.
    said = [line["message"] for line in lines if line["message"] != "Started proxy"]
    assert said == [
        "Starting Toxiproxy", "Populated proxies from file", "Starting Toxiproxy HTTP server",
    ]  # fmt: skip
    assert [line["proxies"] for line in lines if "proxies" in line] == [2]
    proxies = ask(port, "/proxies")
    assert list(proxies) == ["p0", "p1"]
    assert proxies["p0"]["listen"] == f"{HOST}:{listen}"
    socket.create_connection((HOST, listen), timeout=5).close()


@pytest.mark.parametrize(
    ("text", "error", "kept"),
    [
        ("", "bad request body: EOF", []),
        ('[{"name": "x"', "bad request body: unexpected EOF", []),
        ('{"a": 1}', "bad request body: json: cannot unmarshal object into Go value of", []),
        ('[{"name": "x"}]', "missing required field: upstream at proxy 1", []),
        ('[{"upstream": "x"}]', "missing required field: name at proxy 1", []),
        (entries("127.0.0.1:0", "nowhere"), "listen tcp: address nowhere: missing port", ["p0"]),
    ],
)
def test_a_config_that_fails(
    start: Start, tmp_path: Path, text: str, error: str, kept: list[str]
) -> None:
    """It is an error in the log; the server serves all the same, with what came before."""
    port = free_port()
    file = tmp_path / "toxiproxy.json"
    file.write_text(text)
    lines = start("-host", HOST, "-port", str(port), "-config", str(file))
    (failed,) = [line for line in lines if line["level"] == "error"]
    assert failed["message"] == "Failed to populate proxies from file"
    assert failed["error"].startswith(error)
    assert list(ask(port, "/proxies")) == kept


def test_a_config_that_is_not_there(start: Start, tmp_path: Path) -> None:
    port = free_port()
    missing = str(tmp_path / "missing.json")
    lines = start("-host", HOST, "-port", str(port), "-config", missing)
    (failed,) = [line for line in lines if line["level"] == "error"]
    assert failed["message"] == "Error reading config file"
    assert failed["config"] == missing
    assert failed["error"] == f"open {missing}: no such file or directory"
    assert ask(port, "/proxies") == {}


def test_a_config_that_is_a_folder(start: Start, tmp_path: Path) -> None:
    lines = start("-host", HOST, "-port", str(free_port()), "-config", str(tmp_path))
    (failed,) = [line for line in lines if line["level"] == "error"]
    assert failed["error"] == f"bad request body: read {tmp_path}: is a directory"


def test_nulls_and_what_follows_the_first_value(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "toxiproxy.json"
    file.write_text("null and so on")
    lines = start("-host", HOST, "-port", str(free_port()), "-config", str(file))
    assert lines[1]["message"] == "Populated proxies from file"
    assert lines[1]["proxies"] == 0


@pytest.mark.parametrize("flag", ["-version", "--version", "-version=true", "-version=T"])
def test_version(program: list[str], flag: str) -> None:
    done = subprocess.run([*program, flag], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0
    assert done.stdout == "toxiproxy-server version 2.12.0\n"


@pytest.mark.parametrize("flag", ["-version=maybe", "-nope", "-port", "-seed=x"])
def test_flags_that_are_wrong(program: list[str], flag: str) -> None:
    done = subprocess.run([*program, flag], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("flag", ["-h", "-help", "--help"])
def test_help(program: list[str], flag: str) -> None:
    done = subprocess.run([*program, flag], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0
    assert "config" in done.stdout + done.stderr
