"""Settings of a target's clients: as declared, as histories keep them, and read from old ones."""

from __future__ import annotations

import pytest

from harness.contracts import document
from harness.errors import InvalidFile
from harness.history.events import Run
from harness.history.lines import from_json, to_json
from harness.target.loading import parse_target

_TARGET = (
    "name: t\nstart: {command: [x]}\nupstreams: {A: auth, B: billing}\nbreakers: {auth: OWN}\n"
)


@pytest.mark.parametrize(
    ("own", "backoffs_s"),
    [
        ("{threshold: 3}", [1, 2, 4, 8]),
        ("{backoff: 200ms}", [0.2, 0.4, 0.8, 1.6]),
        ("{backoff: [200ms, 300ms]}", [0.2, 0.3, 0.6, 1.2]),
        ("{backoff: [1s, 1s, 1s, 1s]}", [1, 1, 1, 1]),
        ("{backoff: 0s}", [0, 0, 0, 0]),
    ],
)
def test_beyond_the_last_declared_backoff_each_is_twice_the_one_before(
    own: str, backoffs_s: list[float]
) -> None:
    found = parse_target(_TARGET.replace("OWN", own), "t.yaml").settings("auth")
    assert [found.backoff_s(k) for k in range(1, 5)] == pytest.approx(backoffs_s)


def test_a_history_keeps_them() -> None:
    target = parse_target(_TARGET.replace("OWN", "{backoff: [200ms, 300ms], wait: 7s}"), "t.yaml")
    run = Run(
        at_s=0.0,
        by="engine",
        scenario="s",
        file="s.yaml",
        engine="sim",
        proxy="simulated",
        target="t",
        seed=0,
        upstreams=target.upstream_names,
        settings={name: target.settings(name).to_json() for name in target.upstream_names},
    )
    read = from_json(to_json(run))
    assert isinstance(read, Run)
    assert document().settings["auth"].told(read.settings["auth"]) == target.settings("auth")


def test_an_old_history_says_nothing_of_backoffs() -> None:
    own = {"attempts": 3.0, "timeout_s": 5.0, "threshold": 9.0, "wait_s": 7.0}
    found = document().settings["auth"].told(own)
    assert (found.attempts, found.failures, found.wait_s) == (3, 9, 7.0)
    assert found.backoff_s(2) == 2.0


def test_no_backoff_at_all_is_refused() -> None:
    with pytest.raises(InvalidFile, match="at least one duration"):
        parse_target(_TARGET.replace("OWN", "{backoff: []}"), "t.yaml")
