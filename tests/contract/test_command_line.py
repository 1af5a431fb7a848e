"""Toxiproxy's own command-line client, as its users type it, against both servers."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from harness.toxiproxy.locate import find_toxiproxy

ATTRIBUTES = {
    "latency": "jitter=0\tlatency=0",
    "bandwidth": "rate=0",
    "slow_close": "delay=0",
    "timeout": "timeout=0",
    "reset_peer": "timeout=0",
    "slicer": "average_size=0\tdelay=0\tsize_variation=0",
    "limit_data": "bytes=0",
}
Cli = Callable[..., tuple[int, str]]


def client_program() -> str | None:
    """The client on the PATH, or beside the real server."""
    found = find_toxiproxy(os.environ.get("OUTAGE_TOXIPROXY", ""))
    beside = os.path.dirname(found.binary) if found is not None and found.binary else ""
    return shutil.which("toxiproxy-cli") or shutil.which("toxiproxy-cli", path=beside)


@pytest.fixture
def cli(api: Any) -> Cli:
    """Runs the client on the server under test; returns its exit status and all it said."""
    program = client_program()
    if program is None:
        pytest.skip("no toxiproxy-cli on the PATH or beside toxiproxy-server")

    def run(*words: str) -> tuple[int, str]:
        command = [program, "-h", api.url, *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.fixture
def auth(cli: Cli) -> str:
    """A proxy made with the client; returns its address."""
    assert cli("create", "-l", "127.0.0.1:0", "-u", "localhost:1", "auth") == (
        0,
        "Created new proxy auth\n",
    )
    return cli("list")[1].split("\t")[1]


def test_proxies(cli: Cli, auth: str) -> None:
    assert cli("list") == (0, f"auth\t{auth}\tlocalhost:1\tenabled\t0\n")
    assert cli("toggle", "auth") == (0, "Proxy auth is now disabled\n")
    assert cli("list") == (0, f"auth\t{auth}\tlocalhost:1\tdisabled\t0\n")
    assert cli("toggle", "auth") == (0, "Proxy auth is now enabled\n")
    assert cli("delete", "auth") == (0, "Deleted proxy auth\n")
    assert cli("list") == (0, "")


@pytest.mark.parametrize("kind", ATTRIBUTES)
def test_toxics_of_every_type(cli: Cli, auth: str, stream: str, kind: str) -> None:
    name = f"{kind}_{stream}"
    assert cli("toxic", "add", "-t", kind, f"--{stream}", "auth") == (
        0,
        f"Added {stream} {kind} toxic '{name}' on proxy 'auth'\n",
    )
    shown = f"{name}\ttype={kind}\tstream={stream}\ttoxicity=1.00\tattributes=[\t%s\t]\n"
    assert cli("inspect", "auth") == (0, shown % ATTRIBUTES[kind])

    changed = ATTRIBUTES[kind].replace("=0", "=7")
    values = [word for each in changed.split("\t") for word in ("-a", each)]
    assert cli("toxic", "update", "-n", name, "-tox", "0.25", *values, "auth") == (
        0,
        f"Updated toxic '{name}' on proxy 'auth'\n",
    )
    assert cli("inspect", "auth") == (0, shown.replace("1.00", "0.25") % changed)

    assert cli("toxic", "remove", "-n", name, "auth") == (
        0,
        f"Removed toxic '{name}' on proxy 'auth'\n",
    )
    assert cli("inspect", "auth") == (0, "")


def test_all_flags_of_a_new_toxic(cli: Cli, auth: str) -> None:
    flags = "-t latency -n slow -u -tox 0.5 -a latency=1e3 -a jitter=10 -a unknown=3"
    assert cli("toxic", "add", *flags.split(), "auth")[0] == 0
    assert cli("inspect", "auth")[1] == (
        "slow\ttype=latency\tstream=upstream\ttoxicity=0.50\t"
        "attributes=[\tjitter=10\tlatency=1000\t]\n"
    )
    assert cli("list")[1].split("\t")[4] == "1\n"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ("inspect none", "Failed to retrieve proxy none: HTTP 404: proxy not found"),
        ("toggle none", "Failed to retrieve proxy none: HTTP 404: proxy not found"),
        ("delete none", "Failed to retrieve proxy none: HTTP 404: proxy not found"),
        ("create -l 127.0.0.1:0 -u x auth", "Create: HTTP 409: proxy already exists"),
        ("create -l nowhere -u x b", "listen tcp: address nowhere: missing port in address"),
        ("create -l 127.0.0.1:70000 -u x b", "listen tcp: address 70000: invalid port"),
        ("toxic add -t none auth", "AddToxic: HTTP 400: invalid toxic type"),
        ("toxic add -t latency none", "HTTP 404: proxy not found"),
        (
            "toxic add -t latency -a latency=1.5 auth",
            "cannot unmarshal number 1.5 into Go struct field LatencyToxic.attributes.latency",
        ),
        (
            "toxic add -t latency -a latency=soon auth",
            "cannot unmarshal string into Go struct field LatencyToxic.attributes.latency",
        ),
        ("toxic update -n none auth", "HTTP 404: toxic not found"),
        ("toxic remove -n none auth", "HTTP 404: toxic not found"),
    ],
)
def test_refusals(cli: Cli, auth: str, words: str, complaint: str) -> None:
    status, said = cli(*words.split())
    assert status == 1
    assert complaint in said
