"""Known failures: excused as long as they fail, and only until their day."""

from __future__ import annotations

from datetime import date

import pytest
from msgspec.structs import replace

from harness.errors import InvalidFile
from harness.report.results import results
from harness.target.known import KnownFailure, hold_known, known_in, nowhere
from harness.target.loading import parse_target
from harness.verdict import Verdict, exit_status
from tests.unit.report.conftest import make_finding, make_judgement, make_outcome

TODAY = date(2026, 6, 1)
FAILED = make_finding(Verdict.FAILED, name="chat is answered 401", line=3)
BROKEN = make_finding(Verdict.FAILED, name="no hang (auth)", expected="nobody hangs")


def known(expectation: str, until: str = "2026-06-01") -> KnownFailure:
    return KnownFailure(
        scenario="auth_blackhole_50s",
        expectation=expectation,
        because="ticket 7",
        until=date.fromisoformat(until),
        file="t.yaml",
    )


def held(*entries: KnownFailure, **more):
    return hold_known(make_judgement(make_finding(line=2), FAILED, **more), entries, TODAY)


def test_a_known_failure_is_shown_and_fails_nothing():
    judgement = held(known("chat is answered 401"))
    assert judgement.verdict is Verdict.PASSED
    assert [each.name for each in judgement.known] == ["chat is answered 401"]
    assert judgement.known[0].verdict is Verdict.FAILED


def test_a_broken_promise_is_known_by_its_name_or_by_what_it_says():
    for name in ("no hang (auth)", "nobody hangs"):
        judgement = held(known("chat is answered 401"), known(name), promises=(BROKEN,))
        assert judgement.verdict is Verdict.PASSED
        assert len(judgement.known) == 2


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (known("chat is answered 401", "2026-05-31"), "known until 2026-05-31 (ticket 7)"),
        (known(make_finding().name), "it passed: take it out of `known:` in t.yaml"),
        (known("chat is answered 402"), "did you mean 'chat is answered 401'?"),
    ],
)
def test_one_that_expired_passes_or_names_nothing_is_red(entry, said):
    judgement = hold_known(make_judgement(make_finding(line=2), FAILED), (entry,), TODAY)
    assert judgement.verdict is Verdict.FAILED
    assert said in " ".join(f"{f.observed} {f.evidence}" for f in judgement.findings)
    assert not judgement.known


def test_of_what_was_not_played_nothing_is_said():
    bare = make_judgement(make_finding(Verdict.INCONCLUSIVE, name="run: it is played"))
    assert hold_known(bare, (known("chat is answered 401"),), TODAY) == bare


def test_an_entry_that_misspells_a_scenario_is_named(tmp_path):
    for name in ("auth_blackhole_50s", "auth_flaps", "matrix"):
        (tmp_path / f"{name}.yaml").touch()
    played = {
        "auth_blackhole_50s": str(tmp_path / "auth_blackhole_50s.yaml"),
        "matrix-auth": str(tmp_path / "matrix.yaml"),
    }
    names = (
        "auth_blackhole_50s",
        "auth_blackhole_5s",
        "auth_flaps",
        "matrix",
        "matrix-auth",
        "gone",
    )
    entries = [replace(known("x"), scenario=name) for name in names]
    said = "`known:` excuses failures of {}, and none here is called so; did you mean '{}'?"
    assert nowhere(entries, played) == (
        said.format("auth_blackhole_5s", "auth_blackhole_50s"),
        said.format("matrix", "matrix-auth"),
    )
    moved = {name: f"/elsewhere/{name}.yaml" for name in played}
    assert nowhere(entries, moved) == ()


def test_results_name_them_and_they_are_read_back():
    entry = known("a/b")
    found = results(make_outcome(held(known("chat is answered 401")), known=(entry,)))
    assert known_in(found) == (entry,)
    told = [e["known"] for e in found["scenarios"][0]["expectations"]]
    assert told == [None, {"because": "ticket 7", "until": "2026-06-01"}]
    assert known_in({"known": [3, {"failure": "x"}, {"failure": "x/y", "until": "soon"}]}) == ()


def test_an_entry_needs_a_reason_and_a_day():
    text = "name: x\nurl: http://127.0.0.1:1\nknown:\n- failure: a\n  until: soon\n"
    with pytest.raises(InvalidFile) as caught:
        parse_target(text, "t.yaml")
    said = [str(problem) for problem in caught.value.problems]
    assert (
        "t.yaml:4: failure: expected scenario/finding, as a run names them, such as "
        "auth_blackhole_50s/auth breaker: opens"
    ) in said
    assert "t.yaml:4: 'because' is missing here" in said
    assert "t.yaml:5: until: expected a day, such as 2026-12-31" in said


def test_exit_statuses_as_asked_for():
    every = [exit_status(verdict, level) for level in ("inconclusive", "failed", "never")
             for verdict in (Verdict.PASSED, Verdict.FAILED, Verdict.INCONCLUSIVE)]  # fmt: skip
    assert every == [0, 1, 3, 0, 1, 0, 0, 0, 0]
