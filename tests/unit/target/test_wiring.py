"""Places in a target's command and environment: filled for each world, misspellings named."""

from __future__ import annotations

import sys

import pytest

from harness.engines.compose.world import check_upstreams
from harness.errors import InvalidFile, TargetError
from harness.target import Target
from harness.target.loading import parse_target
from harness.target.wired import Wired
from harness.target.wiring import filled

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
    assert Wired(found, 5000, ports).command == [
        sys.executable, "app.py", "--cache=127.0.0.1:4002", "5000",
    ]  # fmt: skip
    assert Wired(found, 5000, ports).environment == {
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
    known = {"cache.port": "{port}", "port": "1"}
    assert filled("{{cache.port}} {port} {cache.port}", known) == "{cache.port} 1 {port}"


def test_containers_are_wired_by_variables_only() -> None:
    placed = parse_target(
        "name: t\nupstreams: {AUTH_SERVER_URL: auth}\nstart: {command: [x, '{billing.host}']}\n",
        "t.yaml",
    )
    with pytest.raises(TargetError, match="billing needs a variable under `upstreams:`"):
        check_upstreams(placed)


SEALED = (
    "name: t\nupstreams: {AUTH_URL: auth}\ntls: [auth]\n"
    "start: {command: [x, '{tls.key}'], wsgi: 'x:x', tls: true, env: {CA: '{tls.ca}'}}\n"
)


def test_files_of_certificates_and_the_scheme_are_filled() -> None:
    found = parse_target(SEALED, "t.yaml")
    files = {"ca": "/r/ca.pem", "cert": "/r/t.pem", "key": "/r/t.key"}
    wired = Wired(found, 5000, {"auth": 7}, files)
    assert wired.command == ["x", "/r/t.key"]
    assert wired.environment == {
        "PORT": "5000", "AUTH_URL": "https://127.0.0.1:7", "CA": "/r/ca.pem",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("there", "instead", "line", "message"),
    [
        ("[auth]", "[atuh]", 3, "upstream 'atuh' is not known; did you mean 'auth'?"),
        ("[auth]", "[auth]\nreal: {auth: '127.0.0.1:1'}", 3, "has a certificate of its own"),
        ("'{tls.key}'", "'{tls.kay}'", 4, "did you mean '{tls.key}'?"),
        ("tls: true, ", "", 4, "'{tls.key}' stands for nothing without `start: {tls: true}`"),
        ("'{tls.ca}'", "'https://{billing.address}'", 4, "billing speaks no TLS without `tls: ["),
    ],
)
def test_what_nobody_vouches_for_is_named(
    there: str, instead: str, line: int, message: str
) -> None:
    with pytest.raises(InvalidFile) as caught:
        parse_target(SEALED.replace(there, instead, 1), "t.yaml")
    found = [problem.line for problem in caught.value.problems if message in problem.message]
    assert found == [line], caught.value


def test_containers_speak_no_tls() -> None:
    with pytest.raises(TargetError, match="the containers speak no TLS"):
        check_upstreams(parse_target(SEALED, "t.yaml"))
