"""What befalls one scenario doesn't spread to those beside it."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from harness import judge
from harness.checks.case import Case
from harness.engines.base import Gate, Job, Progress, Record, Report
from harness.engines.chronicle import Chronicle
from harness.errors import own_error
from harness.history.events import (
    Answered,
    Applied,
    Crossed,
    Event,
    Lifted,
    Phase,
    Run,
    Sent,
    Trouble,
)
from harness.history.reading import read_history
from harness.machine.starts import Starts
from harness.report import scene
from harness.runs import runner
from harness.runs.runner import Played, play_all
from harness.scenario.loader import parse_scenario
from harness.scenario.model import Scenario
from harness.target.loading import bundled
from harness.verdict import Judgement, Verdict, exit_status, worst
from tests.unit.report.conftest import make_finding, make_judgement

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


def played(where: str, *, report: Path | None = None) -> tuple[dict[str, Played], Engine]:
    scenarios = [
        parse_scenario(SCENARIO.format(name=name).encode(), f"{name}.yaml")
        for name in ("bad", "one", "two")
    ]
    engine, watcher = Engine(where), Watcher()
    target = bundled("reference")
    assert target is not None
    found = asyncio.run(
        play_all(scenarios, engine=engine, target=target, watcher=watcher, report=report)
    )
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
    whole = judge.judge_case

    def judge_case(case: Case) -> Judgement:
        if case.scenario.name == "bad":
            raise RecursionError("too deep")
        return whole(case)

    monkeypatch.setattr(judge, "judge_case", judge_case)
    found, _ = played("nowhere")
    (finding,) = found["bad"].judgement.findings
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "RecursionError: too deep" in finding.observed


def test_what_ends_together_is_judged_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each more at the same time would hold up the requests of those that still play."""
    at_once: list[int] = []
    alone = threading.Semaphore(1)

    def judge_case(_: Case) -> Judgement:
        at_once.append(alone.acquire(blocking=False))
        time.sleep(0.3)  # they end a tenth of a second after each other
        if at_once[-1]:
            alone.release()
        return make_judgement()

    monkeypatch.setattr(judge, "judge_case", judge_case)
    played("nowhere")
    assert at_once == [True] * 3


@pytest.mark.parametrize(("reported", "drawn"), [(True, ["bad", "one", "two"]), (False, ["bad"])])
def test_only_what_somebody_looks_at_is_drawn(
    reported: bool, drawn: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judge_case(case: Case) -> Judgement:
        wrong = case.scenario.name == "bad"
        return make_judgement(make_finding(Verdict.FAILED if wrong else Verdict.PASSED))

    seen: list[str] = []
    monkeypatch.setattr(judge, "judge_case", judge_case)
    monkeypatch.setattr(scene, "observe", lambda case, _: seen.append(case.scenario.name))
    played("nowhere", report=tmp_path if reported else None)
    assert sorted(seen) == drawn


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


class Busy:
    """An engine on a machine that is too busy for some plays of one scenario."""

    name = "fake"
    proxy = "none"

    def __init__(self, *busy_plays: int) -> None:
        self._busy_plays = busy_plays
        self.played: list[str] = []
        self._at_once = 0
        self.most_at_once_in_play: dict[int, int] = {}

    def unplayable(self, scenario: Scenario) -> str | None:
        return None

    async def play(self, job: Job, record: Record, report: Report, started: Gate) -> None:
        await started()
        name = job.scenario.name
        self.played.append(name)
        number = self.played.count(name)
        self._at_once += 1
        most = self.most_at_once_in_play
        most[number] = max(most.get(number, 0), self._at_once)
        await asyncio.sleep(0.2)
        self._at_once -= 1
        late_s = 0.4 if number in self._busy_plays and name.startswith("busy") else 0.0
        for event in history_of(job.scenario, number, late_s=late_s):
            record(event)

    async def close(self) -> None:
        pass


def history_of(scenario: Scenario, number: int, *, late_s: float) -> list[Event]:
    """A sound run, but for requests that left late and were not answered as expected."""
    run: dict[str, Any] = {"scenario": scenario.name, "file": scenario.file, "engine": "fake"}
    events: list[Event] = [
        Run(
            at_s=-2.0, by="engine", proxy="none", target="t", seed=number, upstreams=("auth",),
            evidence=("stub", "proxy requests"), **run,
        ),
        Phase(at_s=-1.0, by="engine", phase="warm-up"),
    ]  # fmt: skip
    for id_, planned_s in ((1, -0.5), (2, 0.0), (3, 1.0)):
        sent_s = planned_s + (late_s if planned_s >= 0 else 0.0)
        events.append(
            Sent(
                at_s=sent_s, by="client", id=id_, stream="chat", number=id_ - 1,
                planned_s=planned_s, method="GET", path="/health",
            )
        )  # fmt: skip
        status = 503 if late_s and planned_s >= 0 else 200
        events.append(Answered(at_s=sent_s + 0.01, by="client", id=id_, status=status))
    auth: dict[str, Any] = {"by": "proxy", "upstream": "auth", "connection": 1}
    events += [
        Crossed(at_s=-0.495, what="accepted", **auth),
        Crossed(at_s=-0.495, what="request", method="GET", path="/health", **auth),
        Phase(at_s=0.0, by="engine", phase="play"),
    ]
    fault: dict[str, Any] = {"by": "engine", "fault": 0, "name": "refused", "upstreams": ("auth",)}
    events += [
        Applied(at_s=0.0, planned_s=0.0, **fault),
        Lifted(at_s=1.0, planned_s=1.0, **fault),
        Phase(at_s=2.0, by="engine", phase="end"),
    ]
    return events


async def calm(for_s: float) -> float:
    """A machine with nothing else to do."""
    return 0.0


class Listener(Watcher):
    def __init__(self) -> None:
        super().__init__()
        self.last: dict[str, Played] = {}
        self.notices: list[str] = []

    def progress(self, scenario: Scenario, progress: Progress) -> None:
        if progress.notice:
            self.notices.append(progress.notice)

    def done(self, played: Played) -> None:
        super().done(played)
        self.last[played.scenario.name] = played


def retried(engine: Busy, retries: int, *, report: Path | None = None, busy: int = 1) -> Listener:
    names = [*(f"busy{number}" for number in range(busy)), "one", "two"]
    scenarios = [
        parse_scenario(SCENARIO.format(name=name).encode(), f"{name}.yaml") for name in names
    ]
    listener = Listener()
    asyncio.run(
        play_all(
            scenarios,
            engine=engine,
            target=bundled("reference"),
            watcher=listener,
            starts=Starts(pulse=calm),
            retries=retries,
            report=report,
        )
    )
    assert sorted(listener.told) == sorted(names), "each is told once, at the end"
    return listener


def test_what_only_noise_kept_from_a_verdict_is_played_again() -> None:
    engine = Busy(1)
    listener = retried(engine, 2)
    judgement = listener.last["busy0"].judgement
    assert judgement.verdict is Verdict.PASSED
    assert judgement.plays == 2
    assert judgement.played_again == ("requests left 400ms late at 0.4s",)
    assert engine.played.count("busy0") == 2
    assert engine.played.count("one") == 1
    assert listener.last["one"].judgement.plays == 1
    assert listener.notices == ["busy0 is to be played again: requests left 400ms late at 0.4s"]


def test_it_stays_inconclusive_when_the_noise_does() -> None:
    engine = Busy(1, 2, 3, 4)
    judgement = retried(engine, 2).last["busy0"].judgement
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.busy is not None
    assert judgement.plays == 3
    assert engine.played.count("busy0") == 3


def test_nothing_is_played_again_unless_asked_for() -> None:
    engine = Busy(1)
    judgement = retried(engine, 0).last["busy0"].judgement
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.plays == 1
    assert engine.played.count("busy0") == 1


def test_a_failure_is_never_played_again() -> None:
    class Defective(Busy):
        async def play(self, job: Job, record: Record, report: Report, started: Gate) -> None:
            self.played.append(job.scenario.name)
            for event in history_of(job.scenario, 1, late_s=0.0):
                if isinstance(event, Answered) and event.id == 3:
                    event = replace(event, status=503)
                record(event)

    engine = Defective()
    listener = retried(engine, 2)
    assert listener.last["one"].judgement.verdict is Verdict.FAILED
    assert engine.played.count("one") == 1


def test_it_is_played_again_with_fewer_beside_it() -> None:
    engine = Busy(1, 2)
    retried(engine, 2, busy=10)
    assert engine.most_at_once_in_play[1] == 12
    assert engine.most_at_once_in_play[2] == 3
    assert engine.most_at_once_in_play[3] == 1


def test_the_history_of_each_play_is_kept_and_judge_reads_the_last(tmp_path: Path) -> None:
    retried(Busy(1, 2), 2, report=tmp_path)
    kept = {path.name for path in tmp_path.glob("busy0.*")}
    assert kept == {
        "busy0.history.jsonl",
        "busy0.history.attempt-1.jsonl",
        "busy0.history.attempt-2.jsonl",
    }
    seeds = [
        next(event.seed for event in read_history(tmp_path / name) if isinstance(event, Run))
        for name in sorted(kept)
    ]
    assert seeds == [1, 2, 3]
    assert {path.name for path in tmp_path.glob("*.history.jsonl")} == {
        "busy0.history.jsonl",
        "one.history.jsonl",
        "two.history.jsonl",
    }


def test_an_interrupted_run_tells_what_was_to_be_played_again() -> None:
    class Hung(Busy):
        async def play(self, job: Job, record: Record, report: Report, started: Gate) -> None:
            if job.scenario.name == "one":
                await asyncio.sleep(30)
            await super().play(job, record, report, started)

    listener = Listener()

    async def run() -> None:
        scenarios = [
            parse_scenario(SCENARIO.format(name=name).encode(), f"{name}.yaml")
            for name in ("busy0", "one")
        ]
        task = asyncio.ensure_future(
            play_all(
                scenarios,
                engine=Hung(1),
                target=bundled("reference"),
                watcher=listener,
                starts=Starts(pulse=calm),
                retries=1,
            )
        )
        await asyncio.sleep(0.6)
        task.cancel()
        await asyncio.wait({task})

    asyncio.run(run())
    assert sorted(listener.told) == ["busy0", "one"]
    assert listener.last["busy0"].judgement.busy is not None


class Seeded(Engine):
    """In the play of one seed something goes wrong."""

    async def play(self, job: Job, record: Record, report: Report, started: Gate) -> None:
        record(Phase(at_s=0.0, by="engine", phase="play"))
        await started()
        if job.seed == 8 and job.scenario.name == "bad":
            raise KeyError("cache")


def test_of_several_plays_the_worst_counts_and_all_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judge_case(case: Case) -> Judgement:
        wrong = bool(case.history.all(Trouble))
        return make_judgement(make_finding(Verdict.FAILED if wrong else Verdict.PASSED))

    monkeypatch.setattr(judge, "judge_case", judge_case)
    scenarios = [
        parse_scenario(SCENARIO.format(name=name).encode(), f"{name}.yaml")
        for name in ("bad", "one")
    ]
    watcher, target = Watcher(), bundled("reference")
    assert target is not None
    found = asyncio.run(
        play_all(
            scenarios, engine=Seeded("play"), target=target, watcher=watcher, repeat=3, seed=7,
            report=tmp_path,
        )
    )  # fmt: skip
    assert sorted(watcher.told) == ["bad", "one"]
    bad = found[0]
    assert [(each.seed, each.verdict.value) for each in bad.judgement.repeats] == [
        (7, "passed"),
        (8, "failed"),
        (9, "passed"),
    ]
    assert bad.judgement.rate == "passed 2 of 3 plays"
    assert any(isinstance(event, Trouble) for event in bad.events)
    kept = read_history(tmp_path / "bad.history.jsonl")
    assert any(isinstance(event, Trouble) for event in kept)
    assert {path.name for path in tmp_path.glob("bad.*")} == {
        "bad.history.jsonl",
        "bad.history.play-1.jsonl",
        "bad.history.play-3.jsonl",
    }


@pytest.mark.parametrize(
    ("durations", "at_once", "lasts_s"),
    [
        ([], 4, 0.0),
        ([90], 4, 90.0),
        ([90, 60, 30], 3, 90.0),
        ([90, 60, 30], 2, 90.0),
        ([90, 60, 30, 30], 2, 120.0),
        ([30, 60, 90], 1, 180.0),
    ],
)
def test_it_is_said_beforehand_how_long_all_of_them_last(
    durations: list[int], at_once: int, lasts_s: float
) -> None:
    text = SCENARIO.format(name="one")
    scenarios = [
        parse_scenario(text.replace("duration: 2s", f"duration: {each}s"), f"s{number}.yaml")
        for number, each in enumerate(durations)
    ]
    assert runner.in_all_s(scenarios, at_once) == lasts_s
