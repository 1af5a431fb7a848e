"""Incident files as they come: packed, and in whichever Unicode."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli.entry import call
from harness.incident import opening
from harness.scenario.loader import load_scenario

DATA = Path(__file__).parent / "data"
PACKED: dict[str, Callable[[str], bytes]] = {
    "gzip": lambda text: gzip.compress(text.encode()),
    "utf-16, as a spreadsheet and PowerShell write it": lambda text: text.encode("utf-16"),
    "utf-16 without a mark": lambda text: text.encode("utf-16-le"),
    "utf-8 with a mark": lambda text: text.encode("utf-8-sig"),
    "line ends of Windows": lambda text: text.replace("\n", "\r\n").encode(),
    "all of it": lambda text: gzip.compress(text.replace("\n", "\r\n").encode("utf-16")),
}


@pytest.mark.parametrize("how", PACKED)
@pytest.mark.parametrize("name", sorted(path.name for path in DATA.iterdir()))
def test_a_file_says_the_same_however_it_is_packed(tmp_path: Path, name: str, how: str) -> None:
    plain, out = tmp_path / "plain.yaml", tmp_path / "out.yaml"
    file = tmp_path / name
    file.write_bytes(PACKED[how]((DATA / name).read_text()))
    args = ["--upstream", "auth", "--until", "2026-11-03T14:00:00Z", "-o"]
    assert call(["import", str(DATA / name), *args, str(plain)]) == 0
    assert call(["import", str(file), *args, str(out)]) == 0
    assert load_scenario(out).faults == load_scenario(plain).faults


@pytest.mark.parametrize("name", ["a.log.gz", "a.json.gz", "a.csv.gz"])
def test_what_was_cut_or_damaged_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    file = tmp_path / name
    whole = gzip.compress(b'{"status": 502, "time": "2026-11-03T12:00:00Z"}\n' * 4000)
    for damaged in (whole[:-20], whole[:60] + bytes(20) + whole[80:]):
        file.write_bytes(damaged)
        for form in ("log", "csv", "prometheus"):
            assert call(["import", str(file), "--upstream", "auth", "--from", form]) == 2
            assert "can't be unpacked" in capsys.readouterr().err


def test_a_small_file_that_unpacks_to_a_huge_one_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "LARGEST_BYTES", 1_000_000)
    file = tmp_path / "a.json.gz"
    file.write_bytes(gzip.compress(b'{"alerts": [' + b" " * 2_000_000 + b"]}"))
    assert call(["import", str(file), "--upstream", "auth"]) == 2
    assert "larger than 1 MB" in capsys.readouterr().err


@pytest.mark.parametrize("text", ['{"version": "4", "alerts": []}', "[]"])
def test_nothing_to_import_is_no_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    file = tmp_path / "alerts.json"
    file.write_text(text)
    assert call(["import", str(file), "--upstream", "auth"]) == 2
    assert "no line is understood" not in capsys.readouterr().err
