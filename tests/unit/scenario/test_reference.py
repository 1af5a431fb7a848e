"""The documents for authors say everything the model knows, and what they show is valid."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.contracts import User
from harness.contracts.policies import Adjustment
from harness.log_patterns import Log
from harness.scenario.clients import Retry
from harness.scenario.expectations import FORMS
from harness.scenario.faults import KINDS, FaultBase
from harness.scenario.known_keys import keys_of
from harness.scenario.loader import parse_scenario
from harness.scenario.model import Scenario
from harness.scenario.reference import fault_page, with_tables
from harness.scenario.traffic import Stream
from harness.target import Start, Status, Target
from harness.target.loading import parse_target
from harness.upstreams.stub_data import StubRoute

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "scenarios.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("model", [Scenario, Stream, Retry, FaultBase, *FORMS.values()])
def test_every_key_is_documented(model: type) -> None:
    missing = [key for key in keys_of(model) if not re.search(rf"^\| `{key}`", PAGE, re.MULTILINE)]
    assert not missing


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_documented(kind: str) -> None:
    assert f"| `{kind}` |" in (DOCS / "faults.md").read_text(encoding="utf-8")


def test_the_generated_parts_are_current() -> None:
    renew = "run: python -m harness.scenario.reference"
    assert (DOCS / "faults.md").read_text(encoding="utf-8") == fault_page(), renew
    assert with_tables(PAGE) == PAGE, renew


@pytest.mark.parametrize("model", [Target, Start, Status, Log, Adjustment, User, StubRoute])
def test_every_key_of_a_target_is_shown(model: type) -> None:
    page = (DOCS / "targets.md").read_text(encoding="utf-8")
    missing = [key for key in keys_of(model) if not re.search(rf"\b{key}:\s", page)]
    assert not missing


def test_the_example_of_a_target_is_valid() -> None:
    page = (DOCS / "targets.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert parse_target(example, "example.yaml").real == {"billing": "127.0.0.1:9000"}


def test_the_example_is_valid() -> None:
    example, *_ = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert parse_scenario(example, "example.yaml").claims == ("T1",)
