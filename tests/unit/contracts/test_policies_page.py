"""docs/policies.md: each part of a policy is shown, each library's file is read as it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.contracts import parse_contract
from harness.contracts.breakers import BreakerRule, Together
from harness.contracts.policies import Grown, Policy
from harness.contracts.waits import Growth
from harness.policy.breaker import Rules
from harness.policy.thresholds import Never
from harness.scenario.known_keys import keys_of

PAGE = (Path(__file__).parents[3] / "docs" / "policies.md").read_text(encoding="utf-8")
LIBRARIES = re.findall(
    r"^### ([^\n]+)\n.*?```yaml\n(.*?)```\n\n((?:> [^\n]*\n)+)", PAGE, re.M | re.S
)


@pytest.mark.parametrize("model", [Policy, BreakerRule, Growth, Together, Grown])
def test_every_key_of_a_policy_is_shown(model: type) -> None:
    assert [key for key in keys_of(model) if not re.search(rf"\b{key}: ", PAGE)] == []


@pytest.mark.parametrize("rule", ["in a row", "in all", "among", "rate", "none"])
def test_every_rule_is_shown(rule: str) -> None:
    assert re.search(rf"\brule: {rule}\b", PAGE)


def said(rules: Rules) -> str:
    if rules.opens == Never():
        return "no breaker"
    return f"{rules.says}; {rules.trials.says}"


@pytest.mark.parametrize(("title", "text", "told"), LIBRARIES, ids=[one[0] for one in LIBRARIES])
def test_what_a_library_has_is_read_as_the_page_says(title: str, text: str, told: str) -> None:
    contract = parse_contract(text, f"{title}.yaml")
    assert told.splitlines() == [f"> {said(own.breaker)}" for own in contract.settings.values()]


def test_no_library_is_left_out() -> None:
    assert len(LIBRARIES) == PAGE.count("\n### ")
