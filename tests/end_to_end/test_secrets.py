"""Canaries in every place where a secret may stand: none gets into a report or a terminal."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import textwrap
from pathlib import Path
from urllib.parse import quote

import pytest

PASSWORD = "can/ary+pass wörd&1"
BEARER = "canary-bearer-7f3a9c"
KEPT = "canary-environment-55d1"
HEADER = "canary-header-90ab12"

APP = """
import base64, json, os, sys
from urllib.parse import quote

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
    body = {
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
expect:
  - {{traffic: body, status: 404}}
"""


def spellings(secret: str) -> set[str]:
    """As it is, and as URLs, JSON and Basic spell it."""
    encoded = quote(secret, safe="")
    basic = base64.b64encode(f"ada:{secret}".encode()).decode()
    return {secret, encoded, quote(secret), encoded.lower(), json.dumps(secret)[1:-1], basic}


@pytest.mark.parametrize("engine", ["sim", pytest.param("local", marks=pytest.mark.real_time)])
def test_no_canary_gets_out(engine: str, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(textwrap.dedent(APP))
    (tmp_path / "target.yaml").write_text(TARGET)
    (tmp_path / "talkative.yaml").write_text(SCENARIO)
    command = [sys.executable, "-m", "harness", "run", "talkative.yaml", "--target", "target.yaml"]
    done = subprocess.run(
        [*command, "--engine", engine, "--report", "out"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    told = {"terminal": done.stdout + done.stderr}
    told |= {each.name: each.read_text() for each in (tmp_path / "out").iterdir()}
    assert len(told) > 4, told
    assert "talkative" in told["talkative.history.jsonl"]
    for name, text in told.items():
        for secret in (PASSWORD, BEARER, KEPT, HEADER):
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
