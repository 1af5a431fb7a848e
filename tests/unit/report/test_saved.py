from __future__ import annotations

import contextlib
import json
import random
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness.cli.judge import judge as command
from harness.errors import HarnessError, UsageError
from harness.history.events import Answered, Called, Phase, Replied, Run, Sent
from harness.history.lines import to_json
from harness.report.write import WRITERS, prepare_folder
from harness.runs.saved import judge_folder
from harness.scenario.loader import parse_scenario
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
        *WRITERS,
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


def listing(path, *entries):
    (path / "results.json").write_text(json.dumps({"scenarios": list(entries)}))
    return path


def test_what_was_not_played_stays_in_what_is_judged(folder):
    path = folder()
    for name in ("skipped", "lost", "cut"):
        (path / f"{name}.played.yaml").write_text(TEXT.replace("expect:", "expect: &x", 1))
    skipped = {"evidence": "the engine local can't play clock_step"}
    cut = {"observed": "not played", "evidence": "the run was interrupted before it came to this"}
    listing(
        path,
        {"name": "fine", "verdict": "passed"},
        {"name": "skipped", "verdict": "out_of_scope", "expectations": [skipped]},
        {"name": "lost", "verdict": "passed"},
        {"name": "cut", "verdict": "inconclusive", "expectations": [cut]},
    )
    judged = {each.name: each.judgement for each in judge_folder(path)}
    assert list(judged) == ["fine", "skipped", "lost", "cut"]
    assert judged["skipped"].verdict is Verdict.OUT_OF_SCOPE
    assert judged["skipped"].findings[0].evidence == skipped["evidence"]
    assert judged["lost"].verdict is Verdict.INCONCLUSIVE
    assert judged["lost"].findings[0].evidence == (
        "lost.history.jsonl is not in the folder, although results.json says passed"
    )
    assert judged["cut"].findings[0].evidence == cut["evidence"]
    assert run(path).exit_code == 3


def test_without_results_a_copy_without_a_history_was_not_played(folder):
    path = folder()
    (path / "other.played.yaml").write_text(TEXT)
    verdicts = {each.name: each.judgement.verdict for each in judge_folder(path)}
    assert verdicts == {"fine": Verdict.PASSED, "other": Verdict.INCONCLUSIVE}


@pytest.mark.parametrize(
    ("name", "said"), [("gone", "neither gone.history.jsonl nor"), ("../x", "can't be a file")]
)
def test_a_listed_scenario_that_is_nowhere_is_a_clear_error(folder, name, said):
    path = listing(folder(), {"name": "fine"}, {"name": name, "verdict": "passed"})
    with pytest.raises(UsageError, match=said):
        judge_folder(path)


def test_a_run_that_is_killed_is_not_judged_by_an_older_one(folder):
    path = folder()
    source = str(path / "fine.played.yaml")
    planned = parse_scenario(TEXT, source, checked=True).model_copy(update={"name": "fine"})
    prepare_folder(path, [planned])
    (saved,) = judge_folder(path)
    assert saved.judgement.verdict is Verdict.INCONCLUSIVE
    assert "the run is not over, or was killed" in saved.judgement.findings[0].evidence


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"kind":"phase","at_s":9000,"by":"engine","phase":"x"}', "nothing can have happened"),
        ('{"kind":"phase","at_s":-90000,"by":"engine","phase":"x"}', "nothing can have happened"),
        (
            '{"kind":"applied","at_s":1,"by":"engine","fault":7,"name":"refused",'
            '"upstreams":[],"planned_s":1}',
            "fine has no fault 8",
        ),
        (b'{"kind":"phase","at_s":1,"by":"\xff","phase":"x"}', "not UTF-8"),
        ('{"kind":"phase","at_s":1e300,"by":"engine","phase":"x"}', "expected a number from"),
        ("[" * 100_000, "not an event"),
    ],
)
def test_what_a_history_can_not_claim_is_told_with_its_line(folder, line, said):
    path = folder()
    history = path / "fine.history.jsonl"
    data = line if isinstance(line, bytes) else line.encode()
    history.write_bytes(history.read_bytes() + data + b"\n")
    with pytest.raises(UsageError, match=said) as raised:
        judge_folder(path)
    count = len(history.read_bytes().splitlines())
    assert f"fine.history.jsonl:{count}: " in str(raised.value)


@pytest.mark.parametrize("seed", range(4))
def test_no_mutation_of_a_history_breaks_the_judge_or_holds_it_up(folder, seed):
    """A slice of what was tried at length: bits, digits and lines."""
    path = folder()
    history = path / "fine.history.jsonl"
    whole = history.read_bytes()
    chance = random.Random(seed)

    def stop(*_):
        raise AssertionError(f"still judging after 20 s: seed {seed}")

    before = signal.signal(signal.SIGALRM, stop)
    try:
        for _ in range(60):
            history.write_bytes(mutated(whole, chance))
            signal.alarm(20)
            with contextlib.suppress(HarnessError):
                (saved,) = judge_folder(path)
                broke = [f for f in saved.judgement.all_findings if "check broke" in f.observed]
                assert not broke, broke
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def mutated(data, chance):
    found = bytearray(data)
    match chance.randrange(3):
        case 0:
            found[chance.randrange(len(found))] ^= 1 << chance.randrange(8)
        case 1:
            digits = [index for index, byte in enumerate(found) if 48 <= byte <= 57]
            index = chance.choice(digits)
            found[index : index + 1] = chance.choice([b"", b"-1", b"1e9", b"1e300", b"9" * 12])
        case _:
            lines = bytes(found).split(b"\n")
            index = chance.randrange(len(lines))
            lines[index : index + chance.randrange(3)] = chance.sample(lines, chance.randrange(3))
            found = bytearray(b"\n".join(lines))
    return bytes(found)


def test_a_judged_report_keeps_when_and_with_what_it_was_played(folder, tmp_path):
    path = folder()
    made = {"began": "2025-06-01T12:00:00Z", "versions": {"python": "3"}, "target_commit": "abc"}
    entry = {"name": "fine", "verdict": "passed", "real_s": 5.5}
    (path / "results.json").write_text(json.dumps(made | {"scenarios": [entry]}))
    assert run(path, "--report", tmp_path / "again").exit_code == 0
    again = json.loads((tmp_path / "again" / "results.json").read_text())
    assert {name: again[name] for name in made} == made
    assert again["scenarios"][0]["real_s"] == 5.5


def test_a_fault_of_a_stub_is_judged_again_like_any_other(tmp_path):
    text = TEXT.replace("expect:", "faults: [{upstream: search, fault: delay, delay: 1s}]\nexpect:")
    lines = "".join(f"{to_json(event)}\n" for event in events())
    (tmp_path / "fine.history.jsonl").write_text(lines)
    (tmp_path / "fine.played.yaml").write_text(text)
    assert [saved.name for saved in judge_folder(tmp_path)] == ["fine"]
