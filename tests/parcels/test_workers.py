"""A breaker for each worker process, declared: what any sharing of requests allows, and no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.engines.sim.engine import SimEngine
from harness.verdict import Verdict
from tests.parcels.test_words import Case, failed

DUTY = "duty: {request: GET /duty, rate: 2/s}"
ERRORS = "{upstream: customs, fault: status, status: 503, to: 20s}"
ONE = Case("", (DUTY,), (ERRORS,), frozenset())
EXPECTED = (
    "{breaker: customs, opens: contract ± 300ms, attempts: contract, closes: contract ± 500ms, "
    "first_rejection: contract}",
    "{breaker: customs, keeps: contract}",
    "{while: customs is open, upstream: customs, calls: 0}",
    "{while: customs is open, traffic: duty, status: 503}",
)


@pytest.mark.parametrize("sharing", ["", "by chance"])
def test_however_they_share_the_requests_they_keep_the_contract(
    simulation: SimEngine, sharing: str, tmp_path: Path
) -> None:
    assert not failed(simulation, sharing, ONE, tmp_path, *EXPECTED)


def test_one_that_has_all_requests_leaves_nothing_to_be_seen_of_the_other(
    simulation: SimEngine, tmp_path: Path
) -> None:
    found = failed(simulation, "one has all", ONE, tmp_path, *EXPECTED)
    assert {each.verdict for each in found} == {Verdict.INCONCLUSIVE}


def test_one_worker_more_than_declared_is_seen_and_named(
    simulation: SimEngine, tmp_path: Path
) -> None:
    found = failed(simulation, "three workers", ONE, tmp_path)
    assert [each.verdict for each in found] == [Verdict.FAILED]
    assert "it behaves as one that has breakers of 3 workers, not 2" in found[0].evidence
    assert "however 2 workers shared the requests" in found[0].observed
