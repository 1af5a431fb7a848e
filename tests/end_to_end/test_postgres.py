"""A real PostgreSQL behind its proxy: a connection that is kept, cut while idle, and made anew."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.toxiproxy.server import free_port
from tests.end_to_end.test_redis import PAGE, await_listening
from tests.end_to_end.test_run import outage

pytestmark = pytest.mark.real_time

APP = """
import os, psycopg

kept = None

def ask():
    global kept
    if kept is None:
        kept = psycopg.connect(os.environ["DB"], autocommit=True, connect_timeout=2)
    if kept.execute("select 7").fetchone() != (7,):
        raise OSError("not seven")

ERRORS = (OSError, psycopg.Error)
"""
TARGET = """
name: page with a real PostgreSQL
start:
  command: ["{{python}}", app.py]
  env: {{DB: "host={{db.host}} port={{db.port}} user=postgres", THRESHOLD: "{threshold}"}}
upstreams: {{}}
real: {{db: {{address: "127.0.0.1:{port}", protocol: tcp}}}}
breakers: {{db: {{attempts: 1, by: call, timeout: 1s, threshold: 3, wait: 3s}}}}
"""
SCENARIO = """
title: connections to the database are closed for 3 s
duration: 7s
traffic: {page: {request: GET /page, rate: 2/s}}
faults: [{upstream: db, fault: empty, to: 3s}]
expect:
  - {breaker: db, opens: 1s ± 600ms}
  - {"while": db is open, upstream: db, calls: 0}
  - {traffic: page, during: 5s..7s, status: 200}
"""


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a PostgreSQL of our own; without one a skip, or a failure if it is required."""
    found = [*sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))]
    program = shutil.which("postgres") or (str(found[-1]) if found else None)
    if program is None:
        if "postgres" in os.environ.get("OUTAGE_REQUIRE", "").split(","):
            pytest.fail("OUTAGE_REQUIRE names postgres, and there is none")
        pytest.skip("there is no postgres (Debian: apt-get install postgresql)")
    folder, port = tmp_path_factory.mktemp("postgres"), free_port()
    data = folder / "data"
    user: list[str] = []
    if os.geteuid() == 0:  # as root it refuses to run
        user = ["runuser", "-u", "nobody", "--"]
        for parent in (folder, *folder.parents[:3]):
            parent.chmod(parent.stat().st_mode | 0o111)
        folder.chmod(0o777)
    initdb = [str(Path(program).with_name("initdb")), "-D", str(data), "-U", "postgres"]
    subprocess.run([*user, *initdb, "-A", "trust", "-N"], check=True, capture_output=True)
    told = ["-c", "fsync=off", "-c", "listen_addresses=127.0.0.1", "-k", str(folder)]
    server = subprocess.Popen(
        [*user, program, "-D", str(data), "-p", str(port), *told],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await_listening(server, port)
        yield port
    finally:
        server.terminate()
        server.wait(20)


def test_a_sound_client_passes_and_one_without_breaker_fails(postgres: int, tmp_path: Path) -> None:
    runs = {}
    for name, threshold in (("sound", 3), ("broken", 1000)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "app.py").write_text(APP + PAGE, encoding="utf-8")
        target = TARGET.format(port=postgres, threshold=threshold)
        (folder / "target.yaml").write_text(target, encoding="utf-8")
        (folder / "cut.yaml").write_text(SCENARIO, encoding="utf-8")
        runs[name] = outage(
            "run", "cut.yaml", "--target", "target.yaml", "--retries", "2", cwd=folder
        )
    said = {name: run.communicate(timeout=120) for name, run in runs.items()}
    assert runs["sound"].returncode == 0, said["sound"]
    assert "db open" in said["sound"][0]
    assert runs["broken"].returncode == 1, said["broken"]
