"""Which plays are worth it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.prove.variants import find_defects, without_resilience
from harness.target import Target
from harness.target.loading import bundled
from tests.unit.checks.conftest import scenario_of

SCENARIO = scenario_of("expect: [{never: {status: 500}}]")


def test_naive_stands_in_only_for_a_target_that_calls_the_same_upstreams() -> None:
    own = Target(name="own", url="http://127.0.0.1:1", upstreams={"MAIL_URL": "mail"})
    assert without_resilience(SCENARIO, own) is None
    fewer = Target(name="own", url="http://127.0.0.1:1", upstreams={"A": "auth"})
    variant = without_resilience(SCENARIO, fewer)
    assert variant is not None
    assert variant.target.name == "naive"


def test_a_target_of_ones_own_has_no_catalogue_unless_one_is_named(tmp_path: Path) -> None:
    own = Target(name="own", url="http://127.0.0.1:1", file="own.yaml")
    assert find_defects(None, own) == []
    with pytest.raises(HarnessError, match=r"target\.yaml"):
        find_defects(tmp_path, own)


def test_the_repository_has_its_catalogue_with_breakers_as_declared() -> None:
    target = bundled("reference")
    assert target is not None
    found = {each.id: each for each in find_defects(None, target)}
    assert len(found) > 100
    assert all(each.target.log == target.log for each in found.values())
    declared = [each for each in found.values() if each.target.breakers]
    assert {each.target.breakers["auth"].attempts for each in declared} == {4}
    start = found["no-backoff"].target.start
    assert start is not None
    assert start.env == {"DEFECT": "no-backoff"}
