"""Which plays are worth it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.prove.variants import Defective, apt, find_defects, known, without_resilience
from harness.target import Target
from harness.target.loading import bundled
from tests.unit.checks.conftest import scenario_of

SCENARIO = scenario_of("expect: [{never: {status: 500}}]")


def defective(name: str, claims: str, *scenarios: str) -> Defective:
    target = bundled("reference")
    assert target is not None
    return Defective(
        id=name,
        claims=frozenset(claims.split()),
        scenarios=frozenset(scenarios),
        target=target,
    )


def test_known_defects_come_first_and_only_those_of_claims_in_question() -> None:
    defects = [
        defective("broad", "B1 B2 B3"),
        defective("apt", "B3"),
        defective("known", "B3 G2", "s"),
        defective("known for something else", "G1", "s"),
        defective("of other claims", "G7"),
        defective("silent about claims", "", "s"),
    ]
    claims = frozenset({"B3"})
    assert [each.id for each in known(defects, SCENARIO, claims)] == [
        "known",
        "silent about claims",
    ]
    found = [each.id for each in apt(defects, claims)]
    assert found == ["apt", "known", "broad", "silent about claims"]


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
