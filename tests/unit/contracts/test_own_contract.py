"""A gateway with a contract of its own: everything works by that, nothing by the bundled one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli.entry import call as entry
from harness.engines.sim.engine import SimEngine
from harness.explore.player import Player
from harness.target.loading import load_target

TARGET = Path(__file__).parents[2] / "second_gateway" / "own_contract.yaml"


def call(*words: str) -> int:
    return entry(list(words))


def test_a_new_scenario_is_predicted_played_and_judged_again_by_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    target = ("--target", str(TARGET))
    assert call("new", "down", *target, "--fault", "refused", "--for", "10s", "--no-schema") == 0
    assert "as: carla" in Path("down.yaml").read_text()

    capsys.readouterr()
    assert call("predict", "down.yaml", *target, "--json") == 0
    (told,) = json.loads(capsys.readouterr().out)["predictions"]
    assert list(told["upstreams"]) == ["auth"]
    assert told["answers"]["talk"][0]["statuses"] == [401]
    assert told["charges"] == [0, 0]

    assert call("run", "down.yaml", *target, "--engine", "sim", "--report", "out", "--quiet") == 0
    assert call("judge", "out") == 0
    history = Path("out/down.history.jsonl")
    history.write_text(history.read_text().replace("attempts: 2", "atempts: 2"))
    assert call("judge", "out") == 2
    assert "did you mean 'attempts'" in capsys.readouterr().err


def test_bundled_scenarios_are_not_for_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("run", "--target", str(TARGET), "--engine", "sim") == 2
    assert "name a scenario" in capsys.readouterr().err


def test_exploration_sends_its_requests(simulation: SimEngine) -> None:
    with Player(load_target(str(TARGET)), simulation) as player:
        surface = player.surface
        assert [route.name for route in surface.offered] == ["talk", "nobody"]
        assert surface.routes_at("billing") == ("GET /balance",)
        assert surface.settings["auth"].wait_s == 4.0
