"""`make test` plays each test in one of its four parts: what it tells pytest leaves out none."""

from __future__ import annotations

import re
from pathlib import Path

from tests.conftest import KEEP_TIME

TESTS = Path(__file__).parents[1]


def test_the_folders_that_keep_time_are_those_that_the_makefile_names():
    text = (TESTS.parent / "Makefile").read_text(encoding="utf-8")
    named = re.search(r"^KEEP_TIME := (.*)$", text, re.MULTILINE)
    assert named is not None
    assert tuple(folder.removeprefix("tests/") for folder in named[1].split()) == KEEP_TIME


def test_what_is_played_alone_is_there_and_keeps_time():
    text = (TESTS.parent / "Makefile").read_text(encoding="utf-8")
    named = re.search(r"^ALONE := (.*)$", text, re.MULTILINE)
    assert named is not None
    for file in named[1].split():
        assert (TESTS.parent / file).is_file()
        assert file.split("/")[1] in KEEP_TIME


def test_every_test_stands_in_a_folder():
    """One beside them would be played by none."""
    assert list(TESTS.glob("test_*.py")) == []


def test_markers_stand_in_the_files_that_the_makefile_looks_for_them_in():
    """It finds files by the marker's name: one that another file gives would not be found."""
    wrong = [
        str(path)
        for path in TESTS.rglob("*.py")
        if not path.name.startswith("test_")
        and path != TESTS / "conftest.py"
        and re.search(r"mark\.(real_time|crowding)\b", path.read_text(encoding="utf-8"))
    ]
    assert wrong == []
