"""A history's lines: what engines write comes back, and what no run can claim is refused."""

from __future__ import annotations

import json

import pytest

from harness.checks.answers import cookies
from harness.errors import InvalidFile
from harness.history.events import Answered, Run, Sent
from harness.history.lines import from_json, to_json
from harness.history.reading import read_history
from harness.history.store import Recorder
from harness.history.tape import Tape
from harness.history.view import History

RUN = {
    "kind": "run",
    "at_s": -1.0,
    "by": "engine",
    "scenario": "s",
    "file": "s.yaml",
    "engine": "local",
    "proxy": "embedded",
    "target": "t",
    "seed": 0,
    "upstreams": ["auth"],
}
ANSWERED = {"kind": "answered", "at_s": 1.0, "by": "client", "id": 1, "status": 200}
HUGE = "1" + "0" * 400


def line(record, **changes):
    return json.dumps(record | changes)


def test_header_fields_come_back_as_pairs():
    fields = (("set-cookie", "a=[redacted]; Secure"), ("set-cookie", "b=[redacted]; HttpOnly"))
    answered = Answered(at_s=1.0, by="client", id=1, status=200, headers=fields)
    assert from_json(to_json(answered)) == answered


@pytest.mark.parametrize(
    "headers",
    [
        [["set-cookie", "a=[redacted]; Secure"], ["set-cookie", "b=[redacted]; HttpOnly"]],
        {"set-cookie": "a=[redacted]; Secure, b=[redacted]; HttpOnly"},  # an older history
    ],
)
def test_cookies_are_told_apart_in_old_and_new_histories(headers):
    answered = from_json(line(ANSWERED, headers=headers))
    assert isinstance(answered, Answered)
    sent = Sent(at_s=0.0, by="c", id=1, stream="s", number=1, planned_s=0.0, method="GET", path="/")
    assert cookies(History([sent, answered]).requests[0]) == {
        "a": frozenset({"secure"}),
        "b": frozenset({"httponly"}),
    }


def test_a_run_comes_back():
    run = from_json(line(RUN, settings={"auth": {"attempts": 2, "timeout_s": 5, "wait_s": 60}}))
    assert isinstance(run, Run)
    assert run.settings["auth"] == {"attempts": 2.0, "timeout_s": 5.0, "wait_s": 60.0}


HOSTILE = pytest.mark.parametrize(
    "text",
    [
        line(ANSWERED).replace("1.0", "1e300"),
        line(ANSWERED).replace("1.0", HUGE),
        line(ANSWERED).replace("1.0", "NaN"),
        line(ANSWERED).replace("1.0", "-Infinity"),
        line(ANSWERED).replace("1.0", "1e999"),
        line(ANSWERED).replace("1.0", "true"),
        line(ANSWERED).replace("1.0", "9" * 5000),
        line(ANSWERED, id=-1),
        line(ANSWERED, id=1.5),
        line(ANSWERED, status=100_000),
        line(ANSWERED, headers=[["a"]]),
        line(ANSWERED, headers={"a": 1}),
        line(ANSWERED, headers="a: b"),
        line(ANSWERED, body="?").replace('"?"', "[" * 5000 + "]" * 5000),
        line(ANSWERED, body="?").replace('"?"', "[" * 200_000 + "]" * 200_000),
        line(ANSWERED, body="x" * 5_000_000),
        line(RUN, upstreams=["auth", 1]),
        line(RUN, upstreams="auth"),
        line(RUN, clock_error_s=1e6),
        line(RUN, settings={"auth": {"attempts": 1_000_000}}),
        line(RUN, settings={"auth": {"attempts": 0}}),
        line(RUN, settings={"auth": {"timeout_s": -5}}),
        line(RUN, settings={"auth": [5]}),
        line(RUN, versions={"python": 3}),
    ],
    ids=lambda text: text[:20] + str(len(text)),
)


@HOSTILE
def test_what_no_run_can_claim_is_refused(text):
    with pytest.raises(ValueError, match="not an event of a history"):
        from_json(text)


def test_a_refusal_says_what_was_expected():
    with pytest.raises(ValueError, match=r"at_s: expected a number from -1e\+07 to 1e\+07"):
        from_json(line(ANSWERED, at_s=1e300))


def test_half_a_surrogate_is_written_and_read_back(tmp_path):
    path = tmp_path / "x.history.jsonl"
    recorder = Recorder(path)
    recorder(Answered(at_s=1.0, by="client", id=1, status=200, body={"name": "\ud800"}))
    recorder.close()
    assert recorder.problem is None
    assert list(read_history(path)) == recorder.events


@HOSTILE
def test_a_file_with_such_a_line_is_refused_and_the_line_is_named(tmp_path, text):
    path = tmp_path / "x.history.jsonl"
    path.write_text(f"{line(RUN)}\n{line(ANSWERED)}\n\n{text}\n{line(ANSWERED)}\n")
    with pytest.raises(InvalidFile) as refused:
        read_history(path)
    assert [problem.line for problem in refused.value.problems] == [4]


USUAL = [
    line(RUN, settings={"auth": {"wait_s": 60}}, versions={"python": "3.11"}, later="field"),
    line(ANSWERED, headers=[["a", "b"]], body={"id": 2**70, "true": [True, 1, 1.0, None]}),
    line(ANSWERED, headers={"a": "b"}, body=None, error="reset", status=None),
    line(ANSWERED, at_s=1, body="x"),
    line(ANSWERED, at_s=0.123456789),
    '{"kind": "ended", "at_s": 2, "by": "engine", "status": -9, "said": ["one", "two"]}',
    '{"kind": "called", "at_s": 2, "by": "stub", "upstream": "auth", "id": 1, "route": "GET /",'
    ' "path": "/", "of": "a", "attempt": 1, "met": []}',
]
UNUSUAL = [line(ANSWERED, id=2**63 + 7), line(ANSWERED, body="\ud800"), '{"kind": "sent", "at_']


def test_usual_lines_are_taken_together_and_say_what_each_says():
    tape, plainly = Tape(), [from_json(each) for each in USUAL]
    assert tape.add_lines("".join(f"{each}\n" for each in USUAL).encode())
    assert [repr(event) for event in tape] == [repr(event) for event in plainly]
    assert [tape[place] for place in range(-1, len(tape))] == [plainly[-1], *plainly]
    assert list(tape.instants()) == [event.at_s for event in plainly]
    assert list(tape.all(Answered)) == plainly[1:5]
    assert [tape.place(Answered, number) for number in range(4)] == [1, 2, 3, 4]


def test_where_any_is_unusual_none_of_them_is_taken_together():
    for one in UNUSUAL:
        tape = Tape()
        assert not tape.add_lines("".join(f"{each}\n" for each in (*USUAL, one)).encode())
        assert list(tape) == []


def test_a_file_with_unusual_lines_is_read_without_what_a_crash_cut_off(tmp_path):
    path = tmp_path / "x.history.jsonl"
    path.write_text("\n".join([*USUAL, *UNUSUAL]))
    assert list(read_history(path)) == [from_json(each) for each in [*USUAL, *UNUSUAL[:2]]]
