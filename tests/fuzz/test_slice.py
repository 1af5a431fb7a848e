"""A slice of the hostile inputs that `make fuzz` tries, and those that found something once."""

from __future__ import annotations

import pytest

from tests.fuzz.fuzz import DOORS, try_one


@pytest.mark.parametrize("door", DOORS)
def test_hostile_inputs_are_refused_in_one_way(door: str) -> None:
    for number in range(150):
        assert try_one(door, f"slice-{number}") == ""
