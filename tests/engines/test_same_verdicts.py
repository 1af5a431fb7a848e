"""The same outage gives the same verdicts on processes and containers, with each proxy."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from harness.history.events import Run
from harness.runs.runner import Played
from tests.engines.conftest import CONTAINER_FAULTS, PROCESS_FAULTS, Plays, everywhere

pytestmark = [pytest.mark.timeout(900), pytest.mark.xdist_group("engines")]

OPENS_WITHIN_S = 0.5
RECOVERS_WITHIN_S = 2.1
"""Whose request becomes the probe is open: the contract has T4 closing from 65 to 67 s."""


def held(played: Played) -> bool:
    """Whether it passed, or was inconclusive for nothing but a machine measured to be too busy."""
    judgement = played.judgement
    return judgement.verdict.value == "passed" or judgement.busy is not None


def told(played: Played) -> list[str]:
    return [str(finding) for finding in played.judgement.findings]


def agree(name: str, ours: Played, theirs: Played) -> None:
    """Every expectation passed in both, and the breakers did the same at the same instants."""
    for played in (ours, theirs):
        assert held(played), (name, told(played))
    if busy := ours.judgement.busy or theirs.judgement.busy:
        pytest.skip(f"a run proves nothing on so busy a machine: {busy}")
    names = [[finding.name for finding in played.judgement.findings] for played in (ours, theirs)]
    assert names[0] == names[1]
    for upstream, transitions in ours.judgement.breakers.items():
        others = theirs.judgement.breakers[upstream]
        assert [t.state for t in others] == [t.state for t in transitions], (name, upstream)
        for here, there in zip(transitions, others, strict=True):
            allowed_s = OPENS_WITHIN_S if here is transitions[0] else RECOVERS_WITHIN_S
            allowed_s += here.error_s + there.error_s  # where neither could see it exactly
            assert abs(here.at_s - there.at_s) <= allowed_s, (name, upstream, here, there)


@pytest.mark.real_toxiproxy
@pytest.mark.parametrize("name", everywhere())
def test_the_embedded_proxy_and_the_real_one_agree(name: str, real: Plays) -> None:
    if "toxiproxy" not in real:  # tests/contract/test_real_server.py fails where it is required
        pytest.skip("no real Toxiproxy: `outage doctor --install toxiproxy`")
    agree(name, real["embedded"][name], real["toxiproxy"][name])


@pytest.mark.compose
@pytest.mark.parametrize("name", everywhere())
def test_processes_and_containers_agree(
    name: str, real: Plays, on_compose: Mapping[str, Played]
) -> None:
    agree(name, real["embedded"][name], on_compose[name])
    run = next(event for event in on_compose[name].events if isinstance(event, Run))
    assert run.engine == "compose"
    assert run.clock_error_s < 0.1


@pytest.mark.compose
@pytest.mark.parametrize("name", CONTAINER_FAULTS)
def test_faults_of_containers_hit_their_upstream_alone(
    name: str, on_compose: Mapping[str, Played]
) -> None:
    played = on_compose[name]
    assert held(played), told(played)


@pytest.mark.parametrize("name", PROCESS_FAULTS)
def test_faults_of_processes_hit_their_upstream_alone(name: str, real: Plays) -> None:
    """The same by signals, on this machine."""
    played = real["embedded"][name]
    assert held(played), told(played)
