"""Faults that only a stub can play are refused where the upstream is a real service."""

from __future__ import annotations

import pytest

from harness.errors import InvalidFile
from harness.scenario.faults import KINDS
from harness.scenario.loader import parse_scenario
from harness.target import Target
from harness.target.loading import parse_target
from harness.target.wired import Wired

TARGET = parse_target(
    "name: t\n"
    "url: http://127.0.0.1:1\n"
    "upstreams: {CACHE_URL: cache, AUTH_URL: auth}\n"
    "real: {cache: '127.0.0.1:6379'}\n",
    "t.yaml",
)
SCENARIO = """title: t
duration: 9s
traffic: {page: {request: GET /, rate: 1/s}}
faults:
  - FAULT
expect: [{traffic: page, status: 200}]
"""


def problems(fault: str, *, playable: bool = True) -> str:
    text = SCENARIO.replace("FAULT", fault)
    try:
        parse_scenario(text, "s.yaml", target=TARGET, playable=playable)
    except InvalidFile as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    "fault",
    [
        "{upstream: cache, fault: status, status: 503}",
        "{upstream: [auth, cache], fault: delay, delay: 3s}",
        "{upstream: cache, fault: kill, to: 3s}",
        "{upstream: cache, fault: restart, from: 1s, to: 2s}",
        "{upstream: cache, fault: pause}",
        "{upstream: cache, fault: revoke, user: ada}",
        "{upstream: cache, fault: malformed}",
    ],
)
def test_what_a_stub_plays_is_refused_with_what_works(fault: str) -> None:
    found = problems(fault)
    assert found.startswith("s.yaml:5: `")
    assert "cache is real (`real:`)" in found
    assert "refused, blackhole" in found
    assert problems(fault.replace("[auth, cache]", "auth").replace("cache", "auth")) == ""


@pytest.mark.parametrize("picked", ["first: 3", "on: GET /x", "share: 50%", "one_in: 2"])
def test_only_a_stub_picks_calls(picked: str) -> None:
    found = problems(f"{{upstream: cache, fault: blackhole, {picked}}}")
    assert "without `on`, `first`" in found
    assert "`blackhole` works there" in found


TCP = parse_target(
    "name: t\n"
    "url: http://127.0.0.1:1\n"
    "upstreams: {CACHE_URL: cache, AUTH_URL: auth}\n"
    "real: {cache: {address: '127.0.0.1:6379', protocol: tcp}}\n",
    "t.yaml",
)


@pytest.mark.parametrize(
    ("there", "instead", "line"),
    [
        ("status: 200}]", "status: 200}, {upstream: cache, calls: 0, on: GET /x}]", 6),
        ("FAULT", "{upstream: cache, fault: blackhole, to: 3s, on: GET /x}", 5),
    ],
)
def test_what_does_not_speak_http_has_no_routes(there: str, instead: str, line: int) -> None:
    text = SCENARIO.replace(there, instead).replace("FAULT", "{upstream: cache, fault: refused}")
    with pytest.raises(InvalidFile) as caught:
        parse_scenario(text, "s.yaml", target=TCP)
    found = [problem for problem in caught.value.problems if "protocol: tcp" in problem.message]
    assert [problem.line for problem in found] == [line]
    assert "cache doesn't speak HTTP" in found[0].message
    parse_scenario(text.replace(", on: GET /x", ""), "s.yaml", target=TCP)


@pytest.mark.parametrize(
    ("more", "line", "message"),
    [
        ("real: {cache: {address: nowhere, protocol: tcp}}", 4, "expected host:port"),
        ("real: {cache: {address: '127.0.0.1:1', protocol: tpc}}", 4, "did you mean 'tcp'?"),
        ("real: {cache: {adress: '127.0.0.1:1'}}", 4, "did you mean 'address'?"),
        ("real: {cache: '127.0.0.1:1'}\nstubs: {cache: []}", 5, "no stub plays it"),
        ("real: {cache: {address: '127.0.0.1:1', protocol: tcp}}\nbackground: {cache: [GET /x]}",
         5, "its calls have no routes"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_real_service_is_named(more: str, line: int, message: str) -> None:
    with pytest.raises(InvalidFile) as caught:
        parse_target(f"name: t\nurl: http://127.0.0.1:1\nupstreams: {{A: cache}}\n{more}\n", "t")
    found = [problem.line for problem in caught.value.problems if message in problem.message]
    assert found == [line]


def test_a_variable_has_the_bare_address_of_what_does_not_speak_http() -> None:
    ports = {"cache": 7001, "auth": 7002}
    assert Wired(TCP, 7000, ports).environment == {
        "PORT": "7000", "CACHE_URL": "127.0.0.1:7001", "AUTH_URL": "http://127.0.0.1:7002",
    }  # fmt: skip


@pytest.mark.parametrize("target", [TARGET, TCP])
def test_a_certificate_is_for_whom_speaks_tls(target: Target) -> None:
    text = SCENARIO.replace("FAULT", "{upstream: auth, fault: certificate, is: expired, to: 3s}")
    with pytest.raises(InvalidFile) as caught:
        parse_scenario(text, "s.yaml", target=target)
    (problem,) = caught.value.problems
    assert (problem.line, "`tls: [auth]`" in problem.message) == (5, True)
    sealed = target.model_copy(update={"tls": ("auth",)})
    assert parse_scenario(text, "s.yaml", target=sealed).faults[0].diverted == "expired"


def test_every_network_fault_is_let_through() -> None:
    for kind in KINDS.values():
        if kind.where in ("proxy", "connect"):
            found = problems(f"{{upstream: cache, fault: {kind.name}, {_needs(kind.name)}}}")
            assert "real" not in found, kind.name


def _needs(kind: str) -> str:
    return {
        "latency": "latency: 1s", "bandwidth": "rate: 1kB/s", "slow_close": "delay: 1s",
        "limit_data": "bytes: 10", "timeout": "timeout: 1s",
    }.get(kind, "to: 3s")  # fmt: skip


def test_a_bundled_scenario_is_loaded_all_the_same() -> None:
    assert problems("{upstream: cache, fault: kill, to: 3s}", playable=False) == ""
