"""Parts of a run: every scenario in one of them, and none of them missing when they are merged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cli.entry import call
from harness.errors import UsageError
from harness.runs.shards import Shard, check_parts, shard_of
from tests.bundled import scenarios

SCENARIOS = scenarios()


@given(count=st.integers(1, len(SCENARIOS)), order=st.permutations(SCENARIOS))
def test_every_scenario_is_in_one_part_whatever_their_order(count: int, order: list[Any]) -> None:
    parts = [Shard(number=n, count=count).part(order) for n in range(1, count + 1)]
    assert sorted(each.name for part in parts for each in part) == sorted(
        each.name for each in SCENARIOS
    )
    assert all(parts)
    again = Shard(number=1, count=count).part(SCENARIOS)
    assert {each.name for each in again} == {each.name for each in parts[0]}


def test_parts_take_about_as_long() -> None:
    lengths_s = [
        sum(each.duration for each in Shard(number=n, count=4).part(SCENARIOS)) for n in range(1, 5)
    ]
    assert max(lengths_s) - min(lengths_s) <= max(each.duration for each in SCENARIOS)


@pytest.mark.parametrize("text", ["0/3", "4/3", "2", "a/b", "-1/2", "1/0", "1/2/3"])
def test_what_is_no_part_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="N/OF"):
        shard_of(text)


def test_more_parts_than_scenarios_are_refused() -> None:
    with pytest.raises(UsageError, match="2 scenarios can't make 3 parts"):
        Shard(number=1, count=3).part(SCENARIOS[:2])


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"a": "1/3", "b": "3/3"}, "2/3 is missing"),
        ({"a": "1/2", "b": "1/2"}, "twice"),
        ({"a": "1/2", "b": "2/3"}, "different runs"),
        ({"a": "1/2", "b": "2/2", "c": None}, "whole run"),
    ],
)
def test_parts_that_make_no_whole_are_refused(parts: dict[str, str | None], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        check_parts(parts)
    check_parts({"a": "2/2", "b": "1/2"})
    check_parts({"a": None, "b": None})


def told(folder: Path) -> dict[str, Any]:
    """What a report says, in its order, but for when it was made and how long that took."""
    results: dict[str, Any] = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    for name in ("run", "began", "wall_s", "summary", "host"):
        del results[name]
    for scenario in results["scenarios"]:
        del scenario["real_s"], scenario["zero_unix_s"]
    results["histories"] = {
        path.name: path.read_text(encoding="utf-8").replace(run_of(path), "RUN")
        for path in sorted(folder.glob("*.history.jsonl"))
    }
    return results


def wall_of(folder: Path) -> float:
    """What all of a run took."""
    took_s: float = json.loads((folder / "results.json").read_text(encoding="utf-8"))["wall_s"]
    return took_s


def run_of(history: Path) -> str:
    """The name that its run gave itself: the first line says it."""
    with history.open(encoding="utf-8") as lines:
        name: str = json.loads(next(lines))["run"]
    return name


def test_merged_parts_say_what_one_run_says(tmp_path: Path) -> None:
    # One of them has a stream with the name of a secret; by name, the parts take turns.
    names = ("auth_one_503", "nobody_gets_in", "token_refused", "token_revoked", "wrong_passwords")
    parts = [str(tmp_path / f"part{number}") for number in (1, 2)]
    for number, part in enumerate(parts, 1):
        play = ("run", *names, "--engine", "sim", "--report", part)
        assert call([*play, "--shard", f"{number}/2"]) == 0
    assert call(["run", *names, "--engine", "sim", "--report", str(tmp_path / "one")]) == 0
    assert call(["merge", *parts, "--report", str(tmp_path / "whole")]) == 0
    assert told(tmp_path / "whole") == told(tmp_path / "one")
    took_s = [wall_of(Path(part)) for part in (*parts, str(tmp_path / "whole"))]
    assert 0 < sum(took_s[:2]) <= took_s[2] + 1.0  # parts began at whole seconds
    assert call(["judge", str(tmp_path / "whole")]) == 0
    assert call(["judge", parts[0], "--report", str(tmp_path / "again")]) == 0
    assert wall_of(tmp_path / "again") == took_s[0]
    assert call(["merge", parts[0], "--report", str(tmp_path / "half")]) == 2
    assert not (tmp_path / "half").exists()
