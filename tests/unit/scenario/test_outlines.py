"""What `list` and `validate` remember of files: only what is right, and only while it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.bundled import bundled_scenarios
from harness.errors import InvalidFile
from harness.scenario import loader, outlines
from harness.scenario.outlines import Outlines

GOOD = """title: {title}
duration: 1s
traffic:
  checks: {{request: GET /health, rate: 1/s}}
expect:
  - never: {{status: 500}}
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "one.yaml"
    path.write_text(GOOD.format(title="one"))
    return path


@pytest.fixture
def loads(monkeypatch):
    """The files that were loaded, not remembered."""
    seen = []
    load_each = loader.load_each

    def noted(path, **more):
        seen.append(Path(path).name)
        return load_each(path, **more)

    monkeypatch.setattr(loader, "load_each", noted)
    return seen


def looked_at(file, folder):
    known = Outlines(folder)
    try:
        return known.of(file)
    finally:
        known.keep()


def test_what_was_found_once_is_not_loaded_again(file, tmp_path, loads):
    first = looked_at(file, tmp_path / "cache")
    again = looked_at(file, tmp_path / "cache")
    assert first == again
    assert loads == ["one.yaml"]


def test_all_bundled_scenarios_are_remembered_as_they_are(tmp_path, loads):
    fresh = [looked_at(path, tmp_path) for path in bundled_scenarios()[:5]]
    assert [looked_at(path, tmp_path) for path in bundled_scenarios()[:5]] == fresh
    assert len(loads) == 5


def test_a_changed_file_is_loaded_again(file, tmp_path, loads):
    looked_at(file, tmp_path / "cache")
    file.write_text(GOOD.format(title="two"))
    assert looked_at(file, tmp_path / "cache")[0].title == "two"
    assert len(loads) == 2


def test_the_same_text_elsewhere_has_the_name_of_its_file(file, tmp_path, loads):
    looked_at(file, tmp_path / "cache")
    other = tmp_path / "other.yaml"
    other.write_bytes(file.read_bytes())
    found = looked_at(other, tmp_path / "cache")[0]
    assert (found.name, found.file) == ("other", str(other))
    assert loads == ["one.yaml"]


def test_problems_are_not_remembered(file, tmp_path, loads):
    file.write_text(GOOD.format(title="one").replace("duration", "durration"))
    for _ in range(2):
        with pytest.raises(InvalidFile, match="durration"):
            looked_at(file, tmp_path / "cache")
    assert len(loads) == 2


def test_another_harness_knows_nothing_of_it(file, tmp_path, loads, monkeypatch):
    looked_at(file, tmp_path / "cache")
    monkeypatch.setattr(outlines, "_standing", lambda: "another")
    looked_at(file, tmp_path / "cache")
    assert len(loads) == 2


def test_whatever_is_saved_in_the_harness_makes_it_another(tmp_path):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "rule.py").write_text("LIMIT = 1\n")
    before = list(outlines._below(str(tmp_path)))
    (tmp_path / "inner" / "rule.py").write_text("LIMIT = 10\n")
    assert list(outlines._below(str(tmp_path))) != before
    assert {Path(name).name for name, _, _ in outlines._files()} >= {"document.yaml", "roster.py"}


@pytest.mark.parametrize("text", ["", "[]", '{"x": 1}', "{", "[" * 100_000])
def test_a_damaged_memory_is_no_memory(file, tmp_path, loads, text):
    looked_at(file, tmp_path / "cache")
    (memory,) = (tmp_path / "cache").glob("*.json")
    memory.write_text(text)
    assert looked_at(file, tmp_path / "cache")[0].title == "one"
    assert len(loads) == 2


def test_rows_that_say_nothing_are_found_again(file, tmp_path, loads):
    looked_at(file, tmp_path / "cache")
    (memory,) = (tmp_path / "cache").glob("*.json")
    memory.write_text(memory.read_text().replace('"title"', '"tilte"'))
    assert looked_at(file, tmp_path / "cache")[0].title == "one"
    assert len(loads) == 2


def test_a_memory_that_cannot_be_written_is_done_without(file, tmp_path, loads):
    (tmp_path / "cache").write_text("no folder")
    assert looked_at(file, tmp_path / "cache")[0].title == "one"


def test_what_is_remembered_needs_no_model(file, tmp_path):
    """Most of a short command is pydantic's start; a second `validate` and `list` do without."""
    script = (
        "import sys\n"
        "from harness.cli.entry import call\n"
        f"status = call([sys.argv[1], {str(file)!r}])\n"
        "print(status, sorted({'pydantic', 'yaml', 'rich'} & sys.modules.keys()))\n"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", script, command],
            capture_output=True, text=True, check=True,
            env={"XDG_CACHE_HOME": str(tmp_path / "cache"), "PATH": ""},
        ).stdout.splitlines()[-1]
        for command in ("validate", "validate", "list")
    ]  # fmt: skip
    assert said == ["0 ['pydantic', 'yaml']", "0 []", "0 []"]
