from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli.table import outage
from harness.errors import UsageError
from harness.history.events import Run
from harness.report.write import WRITERS, prepare_folder, write_reports, write_whole
from harness.scenario.model import Scenario

TEXT = """\
title: t
duration: 5s
traffic: {chat: {request: GET /x, rate: 1/s}}
expect: [{traffic: chat, status: 200}]
"""


@dataclass
class Item:
    scenario: Scenario
    events: tuple
    judgement: object
    scene: object = None


@pytest.fixture
def played(tmp_path, judgement):
    source = tmp_path / "some.yaml"
    source.write_text(TEXT)
    scenario = Scenario(
        title="t",
        duration="5s",
        traffic={"chat": {"request": "GET /x", "rate": "1/s"}},
        expect=[{"traffic": "chat", "status": 200}],
        name="some",
        file=str(source),
    )
    run = Run(
        at_s=-1.0,
        by="engine",
        scenario="some",
        file=str(source),
        engine="local",
        proxy="toxiproxy 2.12.0",
        target="reference",
        seed=7,
        upstreams=("auth",),
    )
    return Item(scenario=scenario, events=(run,), judgement=judgement(name="some"))


def test_all_reports_are_there_and_say_what_was_played_with(tmp_path, played):
    out = tmp_path / "a" / "b"
    prepare_folder(out)
    write_reports(out, [played], wall_s=3.0)
    names = {path.name for path in out.iterdir()}
    assert names == {*WRITERS, "some.played.yaml"}
    results = json.loads((out / "results.json").read_text())
    assert (results["engine"], results["proxy"], results["seed"]) == (
        "local",
        "toxiproxy 2.12.0",
        7,
    )
    assert (out / "some.played.yaml").read_text() == TEXT


def test_the_scenario_is_kept_as_it_was_when_it_was_played(tmp_path, played):
    out = tmp_path / "out"
    prepare_folder(out, [played.scenario])
    Path(played.scenario.file).write_text("changed: since")
    write_reports(out, [played])
    assert (out / "some.played.yaml").read_text() == TEXT


def test_summaries_of_an_earlier_run_go_and_its_histories_stay(tmp_path):
    for name in ("results.json", "junit.xml", "old.history.jsonl", "mine.yaml"):
        (tmp_path / name).write_text("old")
    prepare_folder(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"old.history.jsonl", "mine.yaml"}


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(UsageError, match=r"can't write .*out"):
        prepare_folder(tmp_path / "out")
    with pytest.raises(UsageError, match="can't write"):
        prepare_folder(tmp_path / "out" / "deeper")


def test_a_full_disk_leaves_the_earlier_file_and_no_scratch(tmp_path, monkeypatch):
    write_whole(tmp_path / "x.json", "earlier")

    def full(self, text, encoding):
        with self.open("w") as stream:
            stream.write(text[:3])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(UsageError, match=r"x\.json: No space left on device"):
        write_whole(tmp_path / "x.json", "later")
    assert (tmp_path / "x.json").read_text() == "earlier"
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


def test_what_can_be_written_is_and_all_that_can_not_is_named(tmp_path, played):
    (tmp_path / "junit.xml").mkdir()
    (tmp_path / "junit.xml" / "in the way").write_text("")
    with pytest.raises(UsageError, match=r"junit\.xml"):
        write_reports(tmp_path, [played])
    assert (tmp_path / "results.json").exists()
    assert (tmp_path / "summary.md").exists()


def test_a_folder_without_permission_is_refused_in_words():
    with pytest.raises(UsageError, match="can't write /proc/"):
        prepare_folder(Path("/proc/nowhere"))


@pytest.mark.parametrize(("target", "status"), [("naive", 1), ("reference", 2)])
def test_a_report_that_cannot_be_written_hides_no_failure(
    target: str, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise UsageError("can't write results.json: No space left on device")

    monkeypatch.setattr("harness.report.write.write_reports", full)
    words = ["run", "chroma_refused_50s", "--engine", "sim", "--target", target]
    result = CliRunner().invoke(outage, [*words, "--report", str(tmp_path / "out")])
    said = str(result.exception) if status == 2 else result.output
    assert "No space left on device" in said
    assert (result.exit_code == 1) if status == 1 else isinstance(result.exception, UsageError)
    assert ("1 passed" if status == 2 else "1 failed") in result.output
