"""Whom faults and load may hit: this machine, however it is written; nobody else unasked."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from harness.cli.table import outage
from harness.engines.base import check_blast_radius
from harness.errors import UsageError
from harness.target import Target
from harness.target.loading import load_target


def target(host: str) -> tuple[Target, Target]:
    return (
        Target(name="t", url=f"http://{host}:80"),
        Target(name="t", url="http://localhost", real={"cache": f"{host}:6379"}),
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.0.2", "localhost", "LOCALHOST", "[::1]"])
def test_this_machine(host: str) -> None:
    for each in target(host):
        check_blast_radius(each, allow_remote=False)


@pytest.mark.parametrize(
    "host", ["10.0.0.1", "0.0.0.0", "example.com", "localhost.example.com", "[fe80::1]", "127.1.x"]
)
def test_anybody_else(host: str) -> None:
    for each in target(host):
        with pytest.raises(UsageError, match="is not this machine"):
            check_blast_radius(each, allow_remote=False)
        check_blast_radius(each, allow_remote=True)


@pytest.mark.parametrize("proxy", ["http://10.0.0.7:8474", "http://toxiproxy.example:8474"])
@pytest.mark.parametrize("words", [["run"], ["up"]])
def test_a_proxy_elsewhere_is_asked_for_twice(words: list[str], proxy: str) -> None:
    result = CliRunner().invoke(outage, [*words, "--proxy", proxy])

    assert isinstance(result.exception, UsageError)
    assert "--allow-remote" in str(result.exception)


def test_words_and_loopback_are_no_proxy_elsewhere() -> None:
    for proxy in ("auto", "embedded", "toxiproxy", "http://127.0.0.1:8474", "http://[::1]:8474"):
        check_blast_radius(load_target("reference"), allow_remote=False, proxy=proxy)
