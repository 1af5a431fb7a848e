"""What befalls one scenario doesn't spread to those beside it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from harness import runner
from harness.engines.base import Gate, Job, Progress, Record, Report
from harness.engines.chronicle import Chronicle
from harness.errors import own_error
from harness.history.events import Event, Phase, Trouble
from harness.runner import Played, play_all
from harness.scenario.loader import parse_scenario
from harness.scenario.model import Scenario
from harness.target import bundled
from harness.verdict import Verdict, exit_status, worst

SCENARIO = """
title: {name}
duration: 2s
traffic: {{chat: {{request: GET /health, rate: 1/s}}}}
faults: [{{upstream: auth, fault: refused, to: 1s}}]
expect: [{{traffic: chat, status: 200}}]
"""


class Engine:
    """Breaks on one scenario, in one place; the others go on for a while."""

    name = "fake"
    proxy = "none"

    def __init__(self, where: str) -> None:
        self._where = where
        self.ended: list[str] = []

    def unplayable(self, scenario: Scenario) -> str | None:
        if self._where == "unplayable" and scenario.name == "bad":
            raise KeyError("cache")
        return None

    async def play(self, job: Job, record: Record, report: Report, started: Gate) -> None:
        record(Phase(at_s=0.0, by="engine", phase="play"))
        await started()
        if job.scenario.name == "bad" and self._where == "play":
            raise KeyError("cache")
        if job.scenario.name == "bad" and self._where == "group":
            async with asyncio.TaskGroup() as group:
                group.create_task(self._break())
        await asyncio.sleep(0.3)
        self.ended.append(job.scenario.name)

    async def _break(self) -> None:
        raise ZeroDivisionError("in a task")

    async def close(self) -> None:
        pass


class Watcher:
    def __init__(self) -> None:
        self.told: list[str] = []

    def progress(self, scenario: Scenario, progress: Progress) -> None:
        pass

    def done(self, played: Played) -> None:
        self.told.append(played.scenario.name)


def played(where: str) -> tuple[dict[str, Played], Engine]:
    scenarios = [
        parse_scenario(SCENARIO.format(name=name).encode(), f"{name}.yaml")
        for name in ("bad", "one", "two")
    ]
    engine, watcher = Engine(where), Watcher()
    target = bundled("reference")
    assert target is not None
    found = asyncio.run(play_all(scenarios, engine=engine, target=target, watcher=watcher))
    assert sorted(watcher.told) == ["bad", "one", "two"]
    return {item.scenario.name: item for item in found}, engine


@pytest.mark.parametrize(
    ("where", "cause"),
    [
        ("play", "KeyError: 'cache'"),
        ("unplayable", "KeyError: 'cache'"),
        ("group", "ZeroDivisionError: in a task"),
    ],
)
def test_an_error_of_the_harness_is_one_scenarios_trouble(where: str, cause: str) -> None:
    found, engine = played(where)
    assert sorted(engine.ended) == ["one", "two"], "the others went on to their ends"
    bad = found["bad"].judgement
    assert bad.verdict is Verdict.INCONCLUSIVE
    said = " ".join(finding.observed for finding in bad.findings)
    assert "error of the harness's own" in said
    assert cause in said
    assert "test_runner.py:" in said, "it says where"
    assert exit_status(worst([bad.verdict, Verdict.PASSED])) == 3


def test_judging_that_breaks_is_one_scenarios_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = runner.judge

    def judge(scenario: Scenario, events: Any) -> Any:
        if scenario.name == "bad":
            raise RecursionError("too deep")
        return whole(scenario, events)

    monkeypatch.setattr(runner, "judge", judge)
    found, _ = played("nowhere")
    (finding,) = found["bad"].judgement.findings
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "RecursionError: too deep" in finding.observed


def test_tasks_and_callbacks_that_break_are_told_once() -> None:
    seen: list[Event] = []

    async def fall(text: str) -> None:
        raise ValueError(text)

    async def run() -> None:
        chronicle = Chronicle(seen.append)
        chronicle.begin(0.0)
        take = chronicle.guarded(int)
        for _ in range(3):
            take("x")
        take("1")
        task = chronicle.watched(asyncio.create_task(fall("y")))
        stopped = chronicle.watched(asyncio.create_task(asyncio.sleep(9)))
        stopped.cancel()
        await asyncio.wait([task, stopped])
        await asyncio.sleep(0)

    asyncio.run(run())
    told = [event.what for event in seen if isinstance(event, Trouble)]
    assert len(told) == 2
    assert "ValueError: invalid literal" in told[0]
    assert "ValueError: y" in told[1]


def test_an_error_names_no_folder_of_this_machine() -> None:
    try:
        parse_scenario(None, "x.yaml")  # type: ignore[arg-type]
    except Exception as error:
        text = own_error(error)
    assert str(Path.cwd()) not in text
    assert " at harness/" in text or " at " not in text


def test_what_a_real_service_can_not_show_is_out_of_scope() -> None:
    """Of scenarios that were not named: the bundled ones; named ones are refused before the run."""
    text = SCENARIO.format(name="x").replace("fault: refused", "fault: kill")
    scenario = parse_scenario(text.encode(), "x.yaml")
    target = bundled("reference")
    assert target is not None
    target = target.model_copy(update={"real": {"auth": "127.0.0.1:9"}})
    engine = Engine("nowhere")
    (item,) = asyncio.run(play_all([scenario], engine=engine, target=target, watcher=Watcher()))
    assert engine.ended == []
    assert item.judgement.verdict is Verdict.OUT_OF_SCOPE
    assert "auth is real" in item.judgement.findings[0].evidence
