"""What a target can be asked by its own OpenAPI file: for exploration, measuring and new files."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import InvalidFile
from harness.explore.surface import catalogue
from harness.target import Target
from harness.target.loading import load_target

API = """
openapi: 3.1.0
paths:
  /health: {get: {responses: {"200": {}}}}
  /price/{item}:
    get:
      parameters: [{name: item, in: path, required: true, schema: {type: string}, example: bolt}]
      responses: {"200": {}}
  /orders:
    post:
      requestBody: {content: {application/json: {example: {item: bolt}}}}
      responses: {"201": {}}
"""
TARGET = """
name: shop
start: {command: [x]}
upstreams: {STOCK_URL: stock}
stubs: {stock: [{route: GET /stock}]}
openapi: api.yaml
"""


def target(folder: Path, more: str = "", api: str = API) -> Target:
    (folder / "api.yaml").write_text(api, encoding="utf-8")
    (folder / "target.yaml").write_text(TARGET + more, encoding="utf-8")
    return load_target(folder / "target.yaml")


def asked(of: Target) -> dict[str, tuple[str, int]]:
    return {name: (route.raw["request"], route.healthy) for name, route in catalogue(of).items()}


def test_each_operation_is_a_request_but_what_says_that_it_is_ready(tmp_path: Path) -> None:
    found = target(tmp_path)
    assert asked(found) == {"bolt": ("GET /price/bolt", 200), "orders": ("POST /orders", 201)}
    assert catalogue(found)["orders"].raw["json"] == {"item": "bolt"}


def test_routes_of_the_target_file_come_in_place_of_the_same_request(tmp_path: Path) -> None:
    found = asked(target(tmp_path, "routes: {buy: {request: POST /orders, healthy: 202}}\n"))
    assert found == {"bolt": ("GET /price/bolt", 200), "buy": ("POST /orders", 202)}


@pytest.mark.parametrize(
    ("more", "api", "told"),
    [
        ("", "openapi: 3.1.0\npaths: {/x: {}}\n", r"target\.yaml:6: describes no request"),
        ("", "openapi: 3.1.0\n", r"api\.yaml:1: has no `paths`"),
        ("ready: GET /up\nopenapi: gone.yaml\n", API, r"given twice"),
    ],
)
def test_what_says_nothing_is_refused(tmp_path: Path, more: str, api: str, told: str) -> None:
    with pytest.raises(InvalidFile, match=told):
        target(tmp_path, more, api)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "target.yaml").write_text(TARGET, encoding="utf-8")
    with pytest.raises(InvalidFile, match=r"target\.yaml:6: .*api\.yaml: there is no such file"):
        load_target(tmp_path / "target.yaml")
