"""Canaries in every place where a secret may stand: none gets into a report or a terminal."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from urllib.parse import quote

import pytest

PASSWORD = "can/ary+pass wörd&1"
BEARER = "canary-bearer-7f3a9c"
KEPT = "canary-environment-55d1"
HEADER = "canary-header-90ab12"
ISSUED = "canary-issued-c4d41f"

APP = """
import base64, json, os, sys, urllib.request
from urllib.parse import quote

with open("internal.txt", "w") as file:
    file.write(os.environ["INTERNAL_SERVICE_TOKEN"])

def app(environ, start):
    size = int(environ.get("CONTENT_LENGTH") or 0)
    sent = environ["wsgi.input"].read(size).decode()
    secret = os.environ["VAULT_PASSWORD"]
    where = environ["PATH_INFO"]
    print("asked for", where, environ.get("QUERY_STRING"), sent, flush=True)
    print("my vault opens with", secret, "for", environ.get("HTTP_AUTHORIZATION"), flush=True)
    if where == "/health":
        start("200 OK", [("Content-Length", "2")]); return [b"{}"]
    said = json.loads(sent or "{}")
    password = said.get("password", "")
    basic = base64.b64encode(f"ada:{password}".encode()).decode()
    asked = os.environ["AUTH_SERVER_URL"] + "/issue"
    with urllib.request.urlopen(asked, timeout=5) as answer:
        issued = json.loads(answer.read())["token"]
    print("was given", issued, issued[:14], flush=True)
    body = {
        "given": issued, "half": [issued[:14]], "internal": os.environ["INTERNAL_SERVICE_TOKEN"],
        "cookie": environ.get("HTTP_COOKIE", ""),
        "echo": sent, "deep": [{"tokens": [secret, "another"]}, [environ.get("HTTP_X_KEY", "")]],
        "as_url": quote(password), "as_form": quote(password, safe=""), "as_basic": basic,
        "env": dict(os.environ),
    }
    text = json.dumps(body)
    if "long" in where:
        text = json.dumps({"pad": "x" * 11000}) if "cut" not in where else "x" * 490 + secret
    start("200 OK", [
        ("Content-Type", "application/json"), ("Content-Length", str(len(text))),
        ("Set-Cookie", "first=" + secret), ("Set-Cookie", "second=" + password.split("/")[0]),
        ("Location", "https://ada:" + quote(password, safe="") + "@there/?key=" + secret),
        ("X-Echo", environ.get("HTTP_AUTHORIZATION", "")), ("X-Basic", "Basic " + basic),
    ])
    return [text.encode()]
"""
TARGET = f"""
name: talkative
start:
  wsgi: app:app
  command: ["{{python}}", "-m", "waitress", "--host=127.0.0.1", "--port={{port}}", "app:app"]
  env: {{VAULT_PASSWORD: {KEPT}}}
upstreams: {{AUTH_SERVER_URL: auth}}
stubs:
  auth: [{{route: GET /issue, json: {{token: {ISSUED}}}}}]
users:
  ada: {{bearer: {BEARER}, password: "{PASSWORD}"}}
"""
SCENARIO = f"""
title: says too much
duration: 2s
traffic:
  body: {{request: POST /login, json: {{password: "{{password}}"}}, as: ada, rate: 2/s}}
  query: {{request: "GET /x?password={quote(PASSWORD)}&key={HEADER}", as: ada, rate: 2/s}}
  cut:
    {{request: GET /long/cut, as: ada, rate: 2/s,
      headers: {{X-Key: "{HEADER}", Authorization: "Bearer {HEADER}"}}}}
  cookie: {{request: GET /x, as: ada, with: cookie, rate: 2/s}}
expect:
  - {{traffic: body, status: 404}}
"""


def spellings(secret: str) -> set[str]:
    """As it is, and as URLs, JSON and Basic spell it."""
    encoded = quote(secret, safe="")
    basic = base64.b64encode(f"ada:{secret}".encode()).decode()
    return {secret, encoded, quote(secret), encoded.lower(), json.dumps(secret)[1:-1], basic}


def process_lists(run: subprocess.Popen[str], mark: bytes) -> str:
    """The command lines of a run's processes, looked at until it ends."""
    seen: set[bytes] = set()
    while run.poll() is None:
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (process / "environ").read_bytes():
                    seen.add((process / "cmdline").read_bytes())
        time.sleep(0.05)
    return b"\n".join(seen).decode()


@pytest.mark.parametrize("engine", ["sim", pytest.param("local", marks=pytest.mark.real_time)])
def test_no_canary_gets_out(engine: str, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(textwrap.dedent(APP))
    (tmp_path / "target.yaml").write_text(TARGET)
    (tmp_path / "talkative.yaml").write_text(SCENARIO)
    command = [sys.executable, "-m", "harness", "run", "talkative.yaml", "--target", "target.yaml"]
    with subprocess.Popen(
        [*command, "--engine", engine, "--report", "out"],
        cwd=tmp_path,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as run:
        listed = process_lists(run, f"TMPDIR={tmp_path}".encode())
        assert run.stdout is not None
        told = {"terminal": run.stdout.read(), "process lists": listed}
    internal = (tmp_path / "internal.txt").read_text()
    told |= {each.name: each.read_text() for each in (tmp_path / "out").iterdir()}
    assert len(told) > 4, told
    assert "talkative" in told["talkative.history.jsonl"]
    assert sys.platform != "linux" or "outage" in listed or "harness" in listed
    for name, text in told.items():
        assert ISSUED[:14] not in text, f"half a token in {name}"
        for secret in (PASSWORD, BEARER, KEPT, HEADER, ISSUED, internal):
            for spelling in spellings(secret):
                assert spelling not in text, f"{spelling!r} in {name}"


def test_they_stay_when_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(textwrap.dedent(APP))
    (tmp_path / "target.yaml").write_text(TARGET)
    (tmp_path / "talkative.yaml").write_text(SCENARIO)
    command = [sys.executable, "-m", "harness", "run", "talkative.yaml", "--target", "target.yaml"]
    subprocess.run(
        [*command, "--engine", "sim", "--report", "out", "--keep-secrets"],
        cwd=tmp_path,
        capture_output=True,
    )
    assert KEPT in (tmp_path / "out" / "talkative.history.jsonl").read_text()
