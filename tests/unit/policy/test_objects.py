"""Whoever uses a policy asks its objects and knows none of them by name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

HARNESS = Path(__file__).parents[3] / "harness"
NAMES = re.compile(
    r"\b(InARow|InARowLately|InTotal|InTotalLately|Nobody|Ticking|Never|ShareOfAll|ShareOfCalls|ShareOfSeconds|Among|OrSlow|CountsBegun|ByShare|BySlowShare)\b"
)


@pytest.mark.parametrize("layer", ["wire", "contract", "checks", "explore", "report"])
def test_no_rule_is_known_by_name(layer: str) -> None:
    naming = [
        f"{path.relative_to(HARNESS)}: {found[0]}"
        for path in sorted((HARNESS / layer).rglob("*.py"))
        for found in NAMES.finditer(path.read_text(encoding="utf-8"))
        if f"{found[0]}(" in path.read_text(encoding="utf-8")
    ]
    assert naming == []
