"""What the environment can say, and the four profiles."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from gateway.settings import PORTS, PROFILES, SettingsError, from_environment


def rows(profile: str) -> dict[str, tuple[float, ...]]:
    return {
        name: (given.attempts, given.timeout_s, given.threshold, given.wait_s)
        for name, given in PROFILES[profile].items()
    }


def test_the_documented_profile_is_the_documents_table():
    assert rows("documented") == {
        "auth": (2, 5, 5, 60),
        "filesystem": (2, 10, 5, 60),
        "chroma": (1, 30, 5, 60),
        "billing": (2, 5, 10, 30),
        "git": (1, 10, 5, 90),
        "external_data": (1, 15, 5, 60),
    }


def test_the_other_profiles_differ_as_the_contract_says():
    assert {row[2:] for row in rows("as_coded").values()} == {(5, 60)}
    assert rows("patient") == {**rows("documented"), "auth": (4, 5, 5, 60)}
    assert rows("per_call") == rows("documented")
    assert all(given.per_call for given in PROFILES["per_call"].values())


def test_one_setting_of_one_upstream_can_be_changed():
    environ = {"GATEWAY_PROFILE": "as_coded", "GIT_WAIT_S": "1.5", "AUTH_THRESHOLD": "3"}
    settings = from_environment(environ | {"GIT_SERVER_URL": "http://10.0.0.1:1/"})
    git, auth = settings.upstream("git"), settings.upstream("auth")
    assert (git.client.wait_s, git.client.threshold, git.url) == (1.5, 5, "http://10.0.0.1:1")
    assert (auth.client.threshold, auth.client.wait_s) == (3, 60)
    assert auth.url == f"http://127.0.0.1:{PORTS['auth']}"


@pytest.mark.parametrize(
    "environ",
    [
        {"GATEWAY_PROFILE": "brave"},
        {"AUTH_ATTEMPTS": "0"},
        {"AUTH_ATTEMPTS": "1.5"},
        {"AUTH_TIMEOUT_S": "soon"},
        {"AUTH_TIMEOUT_S": "nan"},
        {"AUTH_WAIT_S": "-1"},
        {"AUTH_SERVER_URL": "127.0.0.1:6001"},
    ],
)
def test_a_setting_that_can_not_be_is_named(environ):
    (variable,) = environ
    with pytest.raises(SettingsError, match=variable):
        from_environment(environ)


@pytest.mark.parametrize("variables", [{"PORT": "many"}, {"AUTH_ATTEMPTS": "x"}])
def test_the_process_says_so_without_a_traceback(variables):
    ended = subprocess.run(
        [sys.executable, "-m", "gateway"],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 2
    assert next(iter(variables)) in ended.stderr
    assert "Traceback" not in ended.stderr
