"""`make bench` writes its figures into the docs, between two marks and nowhere else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "performance.md"
CURVES = [
    {
        "name": "judged, ever longer",
        "of": "requests",
        "sizes": [1, 2, 4, 8],
        "seconds": [1, 2, 4, 8],
    },
    {"name": "played (wall)", "of": "requests", "sizes": [1, 2, 4, 8], "seconds": [1, 4, 16, 64]},
]


@pytest.fixture
def write(tmp_path):
    (tmp_path / "rows.md").write_text("Medians of 3 rounds, on a machine:\n\n| what | ours |\n")
    (tmp_path / "curves.json").write_text(json.dumps(CURVES))

    def run(page: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                sys.executable, str(ROOT / "benchmarks" / "page.py"), "--page", str(page),
                "--rows", str(tmp_path / "rows.md"), "--curves", str(tmp_path / "curves.json"),
            ],
            capture_output=True, text=True,
        )  # fmt: skip

    return run


def test_only_what_lies_between_the_marks_is_replaced(write, tmp_path):
    page = tmp_path / "performance.md"
    page.write_text(PAGE.read_text())
    for _ in range(2):  # the second time the first one's figures are what is replaced
        assert write(page).returncode == 0
    before, _, rest = PAGE.read_text().partition("<!-- figures")
    after = rest.partition("<!-- end of figures -->")[2]
    text = page.read_text()
    assert text.startswith(before)
    assert text.endswith(after)
    assert "| judged, ever longer, by requests | 1, 2, 4, 8 | 1, 2, 4, 8 | 1.00 |" in text
    assert "| played (wall), by requests | 1, 2, 4, 8 | 1, 4, 16, 64 | **2.00** |" in text
    assert text.count("Medians of 3 rounds") == 1
    assert "(performance/judged-ever-longer-by-requests.svg)" in text


def test_a_page_without_the_marks_is_left_as_it_is(write, tmp_path):
    page = tmp_path / "other.md"
    page.write_text("# Other\n")
    done = write(page)
    assert done.returncode == 2
    assert "other.md: expected '<!-- figures" in done.stderr
    assert page.read_text() == "# Other\n"
