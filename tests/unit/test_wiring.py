"""Places in a target's command and environment: filled for each world, misspellings named."""

from __future__ import annotations

import sys

import pytest

from harness.engines.compose.world import check_upstreams
from harness.errors import InvalidFile, WorldError
from harness.target import Target
from harness.target_file import parse_target
from harness.wiring import filled

HEAD = "name: t\nreal: {cache: '127.0.0.1:6379', my-db: '127.0.0.1:5432'}\n"


def target(start: str, more: str = "upstreams: {AUTH_URL: auth}\n") -> Target:
    return parse_target(f"{HEAD}{more}start: {start}\n", "t.yaml")


def test_every_form_of_an_address_is_filled() -> None:
    found = target(
        "{command: ['{python}', app.py, '--cache={cache.address}', '{port}'], env: "
        "{HOST: '{cache.host}', PORT_OF_IT: '{cache.port}', DB: 'pg://u@{my-db.address}/x', "
        "AUTH: '{auth.url}/v1', ITSELF: '{{cache.port}}', OTHER: '{user.name} {a b} {{port}}'}}"
    )
    ports = {"auth": 4001, "cache": 4002, "my-db": 4003}
    assert found.command(5000, ports) == [
        sys.executable, "app.py", "--cache=127.0.0.1:4002", "5000",
    ]  # fmt: skip
    assert found.environment(5000, ports) == {
        "PORT": "5000", "AUTH_URL": "http://127.0.0.1:4001", "HOST": "127.0.0.1",
        "PORT_OF_IT": "4002", "DB": "pg://u@127.0.0.1:4003/x", "AUTH": "http://127.0.0.1:4001/v1",
        "ITSELF": "{cache.port}", "OTHER": "{user.name} {a b} {5000}",
    }  # fmt: skip


def test_an_upstream_that_a_place_names_is_one_of_its_own() -> None:
    start = "{command: [x, '{cache.address}'], env: {A: '{my-db.host}'}}"
    assert target(start).upstream_names == ("auth", "cache", "my-db")
    assert target(start, "").upstream_names == ("cache", "my-db"), "and no contract's beside it"
    assert len(target(start, "contract: document\n").upstream_names) == 8
    assert len(target("{command: [x]}", "").upstream_names) == 6


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ("{command: [x, '{cache.prot}']}", "did you mean '{cache.port}'?"),
        ("{command: [x], env: {A: '{cahce.port}'}}", "did you mean '{cache.port}'?"),
        ("{command: [x], env: {A: 'http://{auth.adress}'}}", "did you mean '{auth.address}'?"),
        ("{command: [x], env: {A: '{zzz.url}'}}", "upstreams: auth, filesystem, chroma, bil"),
        ("{command: [x], env: {A: '{cache.x}'}}", "known: {cache.url}, {cache.host}, {cache"),
        ("{command: [x, '{prot}']}", "place 'prot' is not known; did you mean 'port'?"),
    ],
)
def test_a_misspelt_place_is_named_with_what_was_meant(start: str, message: str) -> None:
    with pytest.raises(InvalidFile) as caught:
        target(start)
    (problem,) = caught.value.problems
    assert problem.line == 4
    assert message in problem.message


def test_what_was_filled_is_not_filled_again() -> None:
    assert filled("{{cache.port}} {port}", port=1, upstreams={"cache": 2}) == "{cache.port} 1"


def test_containers_are_wired_by_variables_only() -> None:
    placed = parse_target(
        "name: t\nupstreams: {AUTH_SERVER_URL: auth}\nstart: {command: [x, '{billing.host}']}\n",
        "t.yaml",
    )
    with pytest.raises(WorldError, match="billing needs a variable under `upstreams:`"):
        check_upstreams(placed)
