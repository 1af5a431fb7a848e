"""The recipes of docs/extending.md, each walked as it stands there, in a copy of the repository."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
RECIPES = dict(
    section.partition("\n")[::2] for section in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
)
BLOCK = re.compile(r"^```(\w+) ?(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COPIED = ("harness", "gateway", "stub_services", "scenarios", "docs", "tests", "pyproject.toml")


def blocks(recipe: str) -> list[tuple[str, str, str]]:
    return [(match[1], match[2], match[3]) for match in BLOCK.finditer(RECIPES[recipe])]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name)  # what is compiled there is here, too
        else:
            shutil.copy(source, tmp_path / name)
    return tmp_path


def add_line(path: Path, block: str) -> None:
    """Lines with `+` go behind the line before them, which stands in the file once."""
    text = path.read_text(encoding="utf-8")
    before = ""
    for line in block.splitlines():
        if line.startswith("+"):
            assert text.count(f"\n{before}\n") == 1, f"{path}: {before!r}"
            text = text.replace(f"\n{before}\n", f"\n{before}\n{line[1:]}\n")
        before = line[1:]
    path.write_text(text, encoding="utf-8")


def run(line: str, folder: Path) -> str:
    command, *arguments = shlex.split(line)
    python = [sys.executable]
    words = {"python": python, "outage": [*python, "-m", "harness"]}.get(command, [command])
    done = subprocess.run(
        [*words, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_is_complete(recipe: str, copy: Path) -> None:
    said = ""
    for language, place, text in blocks(recipe):
        if language == "diff":
            add_line(copy / place, text)
        elif place:
            assert not (copy / place).exists()
            (copy / place).write_text(text, encoding="utf-8")
        elif language == "sh":
            said = "".join(run(line, copy) for line in text.splitlines())
        else:
            for line in text.splitlines():
                assert line in said


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_takes_one_line_of_registry(recipe: str) -> None:
    added = [text for language, _, text in blocks(recipe) if language == "diff"]
    assert sum(line.startswith("+") for text in added for line in text.splitlines()) <= 1
