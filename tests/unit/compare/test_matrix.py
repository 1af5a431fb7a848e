from __future__ import annotations

import pytest

from harness.compare.matrix import Matrix, Trend, matrix
from harness.report.nights import matrix_text
from tests.unit.compare.nights import expectation, night, scenario
from tests.unit.compare.test_changes import streams

LETTERS = {"P": "passed", "F": "failed", "?": "inconclusive", "-": "out_of_scope"}


def row(verdicts: str, commits: str = ""):
    nights = []
    for index, letter in enumerate(verdicts):
        excused = {"known": {"because": "T-1", "until": "2030-12-31"}} if letter == "~" else {}
        found = expectation(verdict="failed" if excused else LETTERS.get(letter, ""), **excused)
        made = [] if letter == "." else [scenario(found)]
        commit = commits[index] if commits else None
        one = night(scenario(name="other"), *made, target_commit=commit)
        nights.append((f"n{index}", one))
    return next(each for each in matrix(nights).rows if each.name == "auth_down")


@pytest.mark.parametrize(
    ("verdicts", "trend", "since"),
    [
        ("PPP", Trend.STEADY, None),
        ("PPF", Trend.NEW, "n2"),
        ("P?F", Trend.NEW, "n2"),
        ("F", Trend.NEW, "n0"),
        ("PFF", Trend.FAILING, "n1"),
        ("PF?", Trend.UNCLEAR, "n1"),
        ("PFP", Trend.FIXED, None),
        ("PFPF", Trend.FLAKY, "n3"),
        ("PF.", Trend.ABSENT, "n1"),
        ("PP-", Trend.ABSENT, None),
        ("PF~", Trend.KNOWN, None),
        ("~~~", Trend.KNOWN, None),
        ("~P", Trend.STEADY, None),
        ("~F", Trend.NEW, "n1"),
    ],
)
def test_what_the_last_night_says_beside_those_before(verdicts, trend, since):
    assert (row(verdicts).trend, row(verdicts).since) == (trend, since)


def test_a_night_that_passed_by_an_excuse_is_marked():
    told = [
        str(line)
        for line in matrix_text(Matrix(labels=("a", "b", "c"), nights=(), rows=(row("PF~"),)))
    ]
    assert told[0] == "✓✗~  auth_down  known to fail"


def test_two_verdicts_of_one_commit_are_flaky_where_a_mended_defect_is_fixed():
    assert row("PFP", "aab").trend is Trend.FLAKY
    assert row("PFP", "abc").trend is Trend.FIXED


def test_slower_is_told_by_the_nights_that_passed():
    slow = matrix([("a", streams([100.0] * 400)), ("b", streams([900.0] * 400))]).rows[0]
    assert slow.trend is Trend.SLOWER
    assert slow.slower == "chat latency p95 100ms → 900ms"
