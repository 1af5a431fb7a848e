from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli.judge import judge as command
from harness.errors import HarnessError, UsageError
from harness.history.events import Answered, Called, Phase, Replied, Run, Sent, to_json
from harness.saved import judge_folder
from harness.verdict import Verdict

TEXT = """\
title: search is fine
duration: 5s
traffic:
  search: {request: GET /search, as: cleo, rate: 1/s}
expect:
  - {traffic: search, status: 200}
  - {upstream: search, calls: ">= 1"}
"""


def events(*, status: int = 200, file: str = "gone.yaml"):
    """Five seconds with a target that has an upstream and a user of its own."""
    yield Run(
        at_s=-2.0,
        by="engine",
        scenario="fine",
        file=file,
        engine="local",
        proxy="embedded",
        target="mine",
        seed=0,
        upstreams=("search",),
        evidence=("stub",),
    )
    yield Phase(at_s=-1.0, by="engine", phase="warm-up")
    for number, at_s in enumerate([-0.5, 0.0, 1.0, 2.0, 3.0, 4.0]):
        yield Sent(
            at_s=at_s,
            by="client",
            id=number,
            stream="search",
            number=number,
            planned_s=at_s,
            method="GET",
            path="/search",
            user="cleo",
        )
        yield Called(
            at_s=at_s + 0.01,
            by="stub",
            upstream="search",
            id=number,
            route="GET /q",
            path="/q",
            of="x",
            attempt=1,
        )
        yield Replied(
            at_s=at_s + 0.015, by="stub", upstream="search", id=number, status=200, outcome="sent"
        )
        shown = 200 if number == 0 else status
        yield Answered(at_s=at_s + 0.02, by="client", id=number, status=shown)
    yield Phase(at_s=0.0, by="engine", phase="play")
    yield Phase(at_s=5.0, by="engine", phase="end")


@pytest.fixture
def folder(tmp_path):
    """A report folder with one history; `save` adds more."""

    def save(name="fine", *, text=TEXT, **more):
        lines = [to_json(event) for event in events(**more)]
        (tmp_path / f"{name}.history.jsonl").write_text("\n".join(lines) + "\n")
        if text is not None:
            (tmp_path / f"{name}.played.yaml").write_text(text)
        return tmp_path

    return save


def run(*arguments):
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_a_saved_history_is_judged_again_with_the_scenario_as_it_was_played(folder):
    (saved,) = judge_folder(folder())
    assert saved.judgement.verdict is Verdict.PASSED
    assert saved.judgement.name == "fine"
    assert saved.judgement.file == "gone.yaml"


def test_changed_expectations_change_the_verdict(folder):
    (saved,) = judge_folder(folder(text=TEXT.replace("status: 200", "status: 503")))
    assert saved.judgement.verdict is Verdict.FAILED


def test_the_file_that_the_history_names_will_do(folder, tmp_path):
    source = tmp_path / "elsewhere" / "fine.yaml"
    source.parent.mkdir()
    source.write_text(TEXT)
    (saved,) = judge_folder(folder(text=None, file=str(source)))
    assert saved.judgement.verdict is Verdict.PASSED


def test_a_scenario_that_is_nowhere_is_a_clear_error(folder):
    with pytest.raises(UsageError, match=r"fine\.played\.yaml is not beside it, nor gone\.yaml"):
        judge_folder(folder(text=None))


def test_all_that_is_wrong_is_named_together(folder):
    folder("one", text=None)
    path = folder("two")
    (path / "two.history.jsonl").write_text("nonsense\n{}\n")
    with pytest.raises(UsageError) as raised:
        judge_folder(path)
    assert "one.played.yaml" in str(raised.value)
    assert "two.history.jsonl:1:" in str(raised.value)


def test_histories_that_the_results_do_not_list_are_left_alone(folder):
    folder("old", status=500)
    path = folder("new")
    (path / "results.json").write_text(json.dumps({"scenarios": [{"name": "new"}]}))
    assert [saved.judgement.name for saved in judge_folder(path)] == ["new"]
    (path / "results.json").write_text("half a fi")
    assert [saved.judgement.name for saved in judge_folder(path)] == ["new", "old"]


def test_a_history_cut_off_in_mid_line_is_inconclusive(folder):
    path = folder()
    history = path / "fine.history.jsonl"
    history.write_text(history.read_text()[:-60])
    (saved,) = judge_folder(path)
    assert saved.judgement.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("there", [True, False])
def test_no_histories_are_a_clear_error(tmp_path, there):
    with pytest.raises(UsageError, match="outage run --report"):
        judge_folder(tmp_path if there else tmp_path / "nowhere")


def test_the_command_prints_and_exits_as_a_run_would(folder):
    result = run(folder())
    assert result.exit_code == 0
    assert result.output == (
        "✓ passed        fine                             2 of  2 held\n1 passed\n"
    )
    result = run(folder(status=500))
    assert result.exit_code == 1
    assert "observed 500 for 5 of 5: #1 at 0s, #2, #3 and 2 more\n" in result.output
    assert run(folder(), "--quiet").output == "1 passed\n"


def test_the_command_raises_what_the_command_line_turns_into_status_2(tmp_path):
    assert isinstance(run(tmp_path).exception, HarnessError)


def test_new_reports_are_complete(folder, tmp_path):
    path, again = folder(), tmp_path / "again"
    before = {each.name: each.read_bytes() for each in path.iterdir()}
    assert run(path, "--report", again).exit_code == 0
    names = {each.name for each in again.iterdir()}
    assert names == {
        "results.json",
        "junit.xml",
        "summary.md",
        "fine.history.jsonl",
        "fine.played.yaml",
    }
    assert {name: (path / name).read_bytes() for name in before} == before
    twice = tmp_path / "twice"
    assert run(again, "--report", twice).exit_code == 0
    for each in again.iterdir():
        assert (twice / each.name).read_bytes() == each.read_bytes()


def test_reports_may_go_into_the_same_folder(folder):
    path = folder()
    assert run(path, "--report", path).exit_code == 0
    assert (path / "results.json").exists()
    assert Path(path / "fine.history.jsonl").exists()
