"""What results say of the run: when it began, versions, and the commit of the target."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from harness.report.provenance import provenance_in, provenance_of
from harness.target import Start, Target
from harness.target.loading import bundled


def target(folder: Path) -> Target:
    made = Target(name="mine", start=Start(command=("true",)))
    return made.model_copy(update={"file": str(folder / "target.yaml")})


def test_a_target_in_a_repository_is_told_by_its_commit(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        author = ["-c", "user.name=x", "-c", "user.email=x@example.com"]
        done = subprocess.run(
            ["git", *author, *words], cwd=tmp_path, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    assert provenance_of(target(tmp_path)).commit is None
    git("init", "-q")
    (tmp_path / "app.py").write_text("one")
    git("add", "-A")
    git("commit", "-qm", "first")
    head = git("rev-parse", "HEAD")
    assert provenance_of(target(tmp_path)).commit == head
    (tmp_path / "app.py").write_text("two")
    assert provenance_of(target(tmp_path)).commit == f"{head}-dirty"


def test_it_says_when_and_with_which_versions() -> None:
    reference = bundled("reference")
    assert reference is not None
    made = provenance_of(reference)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", made.began or "")
    assert {"outage-harness", "python"} <= set(made.versions)


@pytest.mark.parametrize(
    "results",
    [{}, {"began": 3, "versions": [], "scenarios": {}}, {"scenarios": [3, {"name": "x"}]}],
)
def test_results_that_say_nothing_of_it_are_no_trouble(results: dict[str, object]) -> None:
    made = provenance_in(results)
    assert (made.began, made.commit, made.versions, made.real_s) == (None, None, {}, {})


def test_the_bundled_target_is_told_by_this_repository_unless_it_is_installed() -> None:
    reference = bundled("reference")
    assert reference is not None
    inside = (Path(__file__).parents[3] / ".git").exists()
    assert bool(provenance_of(reference).commit) is inside
