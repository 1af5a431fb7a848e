"""What a target is asked for, to be measured."""

from __future__ import annotations

from pathlib import Path

from harness.measure.measuring import streams_of
from harness.target.loading import parse_target

OPENAPI = """
openapi: 3.0.3
info: {title: Trams, version: "1"}
paths:
  /next/{stop}:
    get:
      parameters: [{name: stop, in: path, required: true, example: harbour}]
      responses: {"200": {description: the next tram}}
"""
TARGET = """
name: trams
start: {command: [./trams]}
upstreams: {POSITIONS_URL: positions}
stubs: {positions: [{route: GET /near/*, json: {tram: 4}}]}
openapi: openapi.yaml
"""


def test_an_openapi_file_says_what_it_can_be_asked(tmp_path: Path) -> None:
    (tmp_path / "openapi.yaml").write_text(OPENAPI)
    alone = parse_target(TARGET, str(tmp_path / "target.yaml"))
    assert [one["request"] for one in streams_of(alone).values()] == ["GET /next/harbour"]
    more = TARGET + "routes: {alive: {request: GET /alive}}\n"
    both = parse_target(more, str(tmp_path / "target.yaml"))
    assert {one["request"] for one in streams_of(both).values()} == {
        "GET /next/harbour", "GET /alive",
    }  # fmt: skip
