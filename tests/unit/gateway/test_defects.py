"""The defective gateways can be made, and differ from the sound one from outside only."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.defects.gateways import DEFECTS

ROOT = Path(__file__).parents[3]

# Patches stay in a process, so each defect is made in a child of one that has imported all.
MAKE_ALL = """
import os, sys
from tests.defects.gateways.making import make_app

for name in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            make_app(name)
            status = 0
        finally:
            os._exit(status)
    print(name, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_defective_gateways_that_nothing_plays_can_be_made():
    """Each of the others is played, which takes that it can be made (tests/defects)."""
    names = [name for name, defect in DEFECTS.items() if defect.real_only or not defect.scenarios]
    assert names
    made = subprocess.run(
        [sys.executable, "-c", MAKE_ALL, *names],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    results = dict(line.split() for line in made.stdout.splitlines())
    assert results == dict.fromkeys(names, "0"), made.stderr


@pytest.mark.parametrize("name", DEFECTS)
def test_each_names_the_claims_that_it_breaks(name):
    defect = DEFECTS[name]
    assert defect.claims
    assert all(re.fullmatch(r"[BGT]\d{1,2}", claim) for claim in defect.claims)
    assert defect.scenarios or name == "credits-truncated"


def test_the_gateway_has_no_switch_for_tests():
    text = "".join(path.read_text() for path in (ROOT / "gateway").rglob("*.py"))
    assert "DEFECT" not in text
    assert "import harness" not in text
    assert "from harness" not in text
