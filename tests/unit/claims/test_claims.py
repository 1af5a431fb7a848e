"""Claims, scenarios and defects fit together, and what is generated of them is in step."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.claims import DEFECTS_FILE, all_claims, all_defects, backing
from harness.claims.pages import PARTS, begin, contract_page, defects_page
from harness.cli.entry import call
from harness.contracts import document
from tests.bundled import scenarios
from tests.defects.gateways import DEFECTS
from tests.defects.gateways.__main__ import known

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
SCENARIOS = scenarios()
BACKING = backing(SCENARIOS, document())


@pytest.mark.parametrize("found", BACKING, ids=lambda found: found.claim.id)
def test_each_claim_is_asserted_and_broken_or_says_why_not(found):
    backed = bool(found.scenarios) and bool(found.defects)
    assert backed != bool(found.claim.apart)


def test_the_contract_has_all_its_claims_in_order():
    ids = [claim.id for claim in all_claims()]
    wanted = [("B", 12), ("G", 10), ("T", 11)]
    assert ids == [f"{letter}{n}" for letter, most in wanted for n in range(1, most + 1)]


def test_scenarios_and_defects_name_known_claims_only():
    known_ids = {claim.id for claim in all_claims()}
    for scenario in SCENARIOS:
        assert set(scenario.all_claims) <= known_ids, scenario.name
    for defect in DEFECTS.values():
        assert set(defect.claims) <= known_ids, defect.id


def test_each_scenario_fails_some_defect_or_asks_for_what_the_catalogue_lacks():
    shown = {name for defect in all_defects() for name in defect.scenarios}
    for_containers = {s.name for s in SCENARIOS if s.engines and "sim" not in s.engines}
    assert {s.name for s in SCENARIOS} - shown - for_containers == set(TWINS)


TWINS = {
    "auth_killed": "auth_refused_50s by another fault",
    "git_request_lost_30s": "auth_blackhole_50s at another upstream",
}
"""Scenarios that no defect of the catalogue needs, and why they are there."""


def test_a_defect_names_scenarios_that_there_are():
    own = {path.stem for path in (ROOT / "tests/defects/scenarios").glob("*.yaml")}
    for defect in all_defects():
        assert set(defect.scenarios) <= {s.name for s in SCENARIOS} | own, defect.id


def test_what_an_installed_harness_knows_is_the_catalogue():
    written = DEFECTS_FILE.read_text(encoding="utf-8")
    assert written == known(), "run: python -m tests.defects.gateways --write"


def test_the_pages_are_in_step():
    contract = (DOCS / "contract.md").read_text(encoding="utf-8")
    for part in PARTS:
        assert begin(part) in contract
    assert contract_page(contract) == contract, "run: python -m harness.claims"
    page = (DOCS / "defects.md").read_text(encoding="utf-8")
    assert page == defects_page(), "run: python -m harness.claims"


def test_a_claim_is_said_in_plain_words():
    by_id = {claim.id: claim for claim in all_claims()}
    assert by_id["G3"].says.startswith("GET /v1/api/project/<id> (owner lookup ")
    assert "While its service is down: 403 when only the owner lookup fails" in by_id["G3"].says
    assert "CLOSED: 62-63 s" in by_id["T2"].says
    assert not any("**" in claim.says or "\n" in claim.says for claim in by_id.values())


def test_the_command_shows_them_as_text_and_as_json(capsys):
    assert call(["list", "--claims", "--format", "json"]) == 0
    claims = json.loads(capsys.readouterr().out)["claims"]
    assert [row["id"] for row in claims] == [claim.id for claim in all_claims()]
    (b12,) = [row for row in claims if row["id"] == "B12"]
    assert "status_page" in b12["scenarios"]
    assert "status-always-closed" in b12["defects"]
    assert call(["list", "--claims"]) == 0
    shown = capsys.readouterr().out
    assert "broken by: " in shown
    assert "apart: " in shown


def test_the_command_takes_scenarios_of_ones_own(tmp_path, capsys):
    (tmp_path / "mine.yaml").write_text((ROOT / "scenarios/auth_one_503.yaml").read_text())
    assert call(["list", "--claims", "--format", "json", str(tmp_path)]) == 0
    claims = json.loads(capsys.readouterr().out)["claims"]
    assert [row["id"] for row in claims if row["scenarios"]] == ["B2", "B7", "B11", "T11"]
