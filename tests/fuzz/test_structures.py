"""Documents that can be read and mean something else are refused by name, or taken."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.structures import (
    CHANGES,
    DOORS,
    Change,
    changed,
    documents,
    refused_or_taken,
)

EXAMPLES = int(os.environ.get("OUTAGE_FUZZ", "25"))
"""For each door; `make fuzz` asks for more."""
LONGEST_S = 5.0
"""Of processor time for one small document: what takes longer grows faster than its input."""


@pytest.mark.parametrize("door", DOORS)
def test_a_document_is_refused_by_name_or_taken(door: str) -> None:
    @settings(
        max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(changes=CHANGES, which=st.integers(0, 1_000), giver=st.integers(0, 1_000))
    def hold(changes: list[Change], which: int, giver: int) -> None:
        good = documents(door)
        document = changed(good[which % len(good)], changes, good[giver % len(good)])
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            began_s = time.process_time()
            refused_or_taken(DOORS[door], document, Path(folder))
            assert time.process_time() - began_s < LONGEST_S, "it takes too long"

    hold()


@pytest.mark.parametrize("door", DOORS)
def test_the_documents_are_good_before_they_are_changed(door: str, tmp_path: Path) -> None:
    for number, document in enumerate(documents(door)):
        (folder := tmp_path / str(number)).mkdir()
        DOORS[door](document, folder)
