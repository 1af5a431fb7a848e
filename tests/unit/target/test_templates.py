"""Configuration files that a target reads: filled for each world, and nowhere else."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

import pytest

from harness.engines.base import Engine
from harness.engines.compose.world import check_upstreams
from harness.engines.local.engine import LocalEngine
from harness.engines.placed_files import place_files
from harness.engines.sim.engine import SimEngine
from harness.errors import InvalidFile, TargetError
from harness.runs.runner import play_all
from harness.scenario.loader import parse_scenario
from harness.target import Target
from harness.target.loading import load_target
from harness.target.wired import Wired
from harness.verdict import Verdict
from tests.engines.conftest import Silence

TARGET = """
name: t
start: {command: [x, "{files}/config.toml"], files: {config.toml: config.toml.in}}
real: {cache: "127.0.0.1:6379", db: "127.0.0.1:5432"}
"""
TEMPLATE = """\
listen = {port}
cache = "{cache.address}"
itself = "{{cache.port}}"
others = "{user.name} {level} ${x}"
"""


def target(folder: Path, text: str = TARGET, template: str = TEMPLATE) -> Target:
    (folder / "config.toml.in").write_text(template, encoding="utf-8")
    (folder / "target.yaml").write_text(text, encoding="utf-8")
    return load_target(folder / "target.yaml")


def test_they_are_filled_below_the_world_and_for_nobody_else(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    found, world = target(tmp_path / "own"), tmp_path / "world"
    assert found.upstream_names == ("cache",), "what only a template names is one of its own"
    wired = place_files(Wired(found, 5000, {"cache": 4002}), world)
    file = Path(wired.folder) / "config.toml"
    assert wired.command == ["x", str(file)]
    assert file.read_text(encoding="utf-8").splitlines() == [
        "listen = 5000",
        'cache = "127.0.0.1:4002"',
        'itself = "{cache.port}"',
        'others = "{user.name} {level} ${x}"',
    ]
    assert file.is_relative_to(world)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("there", "instead", "told"),
    [
        ("config.toml.in}", "gone.in}", r"target\.yaml:3: .*gone\.in: there is no such file"),
        ("config.toml.in}", "../x.in}", r"target\.yaml:3: '\.\./x\.in': expected a path below"),
        ("config.toml: c", "/etc/x: c", r"target\.yaml:3: '/etc/x': expected a path below"),
        ("config.toml.in}", "link}", r"target\.yaml:3: link: leads out of"),
        ("config.toml.in}", "bytes}", r"bytes:2: is not UTF-8 text"),
        (
            ", files: {config.toml: config.toml.in}",
            "",
            r"target\.yaml:3: place 'files' is not known",
        ),
    ],
)
def test_what_is_no_template_is_named(tmp_path: Path, there: str, instead: str, told: str) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (tmp_path / "x.in").write_text("", encoding="utf-8")
    (own / "link").symlink_to(tmp_path / "x.in")
    (own / "bytes").write_bytes(b"a\n\xff\n")
    with pytest.raises(InvalidFile, match=told):
        target(own, TARGET.replace(there, instead))


def test_a_misspelt_place_is_named_at_its_line_of_the_template(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile) as caught:
        target(tmp_path, template=TEMPLATE.replace("{cache.address}", "{cache.adress}"))
    (problem,) = caught.value.problems
    assert (problem.file, problem.line) == (str(tmp_path / "config.toml.in"), 2)
    assert "did you mean '{cache.address}'?" in problem.message


def test_containers_get_none(tmp_path: Path) -> None:
    text = "name: t\nstart: {command: [x], files: {a: config.toml.in}}\nupstreams: {AUTH: auth}\n"
    with pytest.raises(TargetError, match=r"gets no `start: files` \(a\)"):
        check_upstreams(target(tmp_path, text, "{port}"))


APP = """
import json, os, urllib.request
from wsgiref.simple_server import WSGIRequestHandler, make_server

with open(os.environ["CONFIG"]) as file:
    CONFIG = json.load(file)

def app(environ, start_response):
    status = "200 OK"
    if environ["PATH_INFO"] == "/price":
        try:
            urllib.request.urlopen(CONFIG["stock"] + "/stock", timeout=1).read()
        except OSError:
            status = "503 Service Unavailable"
    start_response(status, [("Content-Length", "0")])
    return [b""]

class Silent(WSGIRequestHandler):
    def log_message(self, *words):
        pass

if __name__ == "__main__":
    make_server("127.0.0.1", CONFIG["port"], app, handler_class=Silent).serve_forever()
"""
SHOP = """
name: shop
start:
  command: ["{python}", app.py]
  wsgi: app:app
  env: {CONFIG: "{files}/etc/config.json"}
  files: {etc/config.json: config.toml.in}
stubs: {stock: [{route: GET /stock, json: {left: 1}}]}
"""
SCENARIO = b"""
title: no stock for a second
duration: 3s
traffic: {price: {request: GET /price, rate: 2/s}}
faults: [{upstream: stock, fault: status, status: 500, from: 1s, to: 2s}]
expect:
  - {traffic: price, status: 503, during: 1s..2s}
  - {traffic: price, status: 200, during: 2s..end}
"""


def verdict(engine: Engine, folder: Path) -> Verdict:
    shop = target(folder, SHOP, '{"port": {port}, "stock": "{stock.url}"}')
    (folder / "app.py").write_text(APP, encoding="utf-8")
    before = sorted(os.listdir(folder))

    async def run() -> Verdict:
        scenario = parse_scenario(SCENARIO, "s.yaml", target=shop)
        try:
            (played,) = await play_all(
                [scenario], engine=engine, target=shop, watcher=Silence(), seed=0
            )
        finally:
            await engine.close()
        assert sorted(set(os.listdir(folder)) - {"__pycache__"}) == before
        return played.judgement.verdict

    return asyncio.run(run())


def test_a_gateway_reads_its_file_in_the_simulation(tmp_path: Path) -> None:
    assert verdict(SimEngine(), tmp_path) is Verdict.PASSED


@pytest.mark.real_time
def test_a_gateway_reads_its_file_in_real_time(tmp_path: Path) -> None:
    assert verdict(LocalEngine(proxy="embedded"), tmp_path) is Verdict.PASSED
