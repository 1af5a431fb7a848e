"""The same outage gives the same verdicts on processes and containers, each proxy."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from harness.bundled import find_scenarios
from harness.engines.base import Engine, Progress
from harness.engines.compose.engine import ComposeEngine
from harness.engines.local.engine import LocalEngine
from harness.history.events import Run
from harness.runner import Played, play_all
from harness.scenario.loader import load_scenarios
from harness.scenario.model import Scenario
from harness.target_file import load_target
from harness.toxiproxy.locate import find_toxiproxy

SCENARIOS = ("auth_blackhole_50s", "billing_refused_50s", "chroma_refused_50s")
"""T1, T4 and T6."""
OPENS_WITHIN_S = 0.5
RECOVERS_WITHIN_S = 2.1
"""Whose request becomes the probe is open: the contract has T4 closing from 65 to 67 s."""


class Silence:
    """Watches, and says nothing."""

    def progress(self, scenario: Scenario, progress: Progress) -> None:
        pass

    def done(self, played: Played) -> None:
        pass


def play_on(engines: list[Engine]) -> dict[str, list[Played]]:
    """All scenarios on each engine, everything side by side."""
    scenarios = load_scenarios(find_scenarios(SCENARIOS))
    target = load_target("reference")

    async def play() -> list[list[Played]]:
        plays = [
            play_all(scenarios, engine=engine, target=target, watcher=Silence())
            for engine in engines
        ]
        try:
            return await asyncio.gather(*plays)
        finally:
            for engine in engines:
                await engine.close()

    played = asyncio.run(play())
    return {
        scenario.name: [on_engine[index] for on_engine in played]
        for index, scenario in enumerate(scenarios)
    }


@pytest.mark.compose
@pytest.mark.real_time
@pytest.mark.timeout(900)
def test_processes_and_containers_agree_on_every_expectation(docker_client: Any) -> None:
    engines: list[Engine] = [LocalEngine(proxy="embedded")]
    if find_toxiproxy() is not None:
        engines.append(LocalEngine(proxy="toxiproxy"))
    engines.append(ComposeEngine())

    for name, plays in play_on(engines).items():
        verdicts = [
            [(finding.name, finding.verdict) for finding in played.judgement.findings]
            for played in plays
        ]
        told = [str(finding) for played in plays for finding in played.judgement.findings]
        assert all(each == verdicts[0] for each in verdicts), (name, told)
        assert all(played.judgement.verdict.value == "passed" for played in plays), (name, told)
        reference = plays[0].judgement.breakers
        for played in plays[1:]:
            for upstream, transitions in reference.items():
                others = played.judgement.breakers[upstream]
                assert [t.state for t in others] == [t.state for t in transitions], (name, upstream)
                for here, there in zip(transitions, others, strict=True):
                    apart_s = abs(here.at_s - there.at_s)
                    allowed_s = OPENS_WITHIN_S if here is transitions[0] else RECOVERS_WITHIN_S
                    assert apart_s <= allowed_s, (name, upstream, here, there)
        run = next(event for event in plays[-1].events if isinstance(event, Run))
        assert run.engine == "compose"
        assert run.clock_error_s < 0.1


def play(names: tuple[str, ...], engine: Engine) -> None:
    """Play scenarios on one engine; each must pass."""

    async def run() -> list[Played]:
        try:
            return await play_all(
                load_scenarios(find_scenarios(names)),
                engine=engine,
                target=load_target("reference"),
                watcher=Silence(),
            )
        finally:
            await engine.close()

    for played in asyncio.run(run()):
        told = [str(finding) for finding in played.judgement.findings]
        assert played.judgement.verdict.value == "passed", (played.scenario.name, told)


@pytest.mark.compose
@pytest.mark.real_time
@pytest.mark.timeout(600)
def test_faults_of_containers_hit_their_upstream_alone(docker_client: Any) -> None:
    """Pause, restart, disconnect and an unanswered connect; `kill` takes a scenario of 75 s."""
    names = ("git_restarts", "billing_paused", "git_disconnected", "lookup_unanswered_30s")
    play(names, ComposeEngine())


@pytest.mark.real_time
def test_faults_of_processes_hit_their_upstream_alone() -> None:
    """The same by signals, on this machine."""
    play(("git_restarts", "billing_paused", "auth_killed"), LocalEngine(proxy="embedded"))
