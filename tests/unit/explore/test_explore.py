"""Exploring small gateways: sound ones are never accused, mistakes are found and written down."""

from __future__ import annotations

import os
from collections.abc import Collection
from functools import cache
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.engines.sim.engine import SimEngine
from harness.explore.finding import Origin, Result
from harness.explore.hunt import Hunt, Limits
from harness.explore.memory import Memory
from harness.explore.openings import openings
from harness.explore.outage import Outage
from harness.explore.player import Player, Seen
from harness.history.lines import to_json
from harness.history.reading import read_history
from harness.judge import judge
from harness.scenario.loader import parse_scenario
from harness.target import Target
from harness.target.loading import parse_target
from harness.verdict import Verdict

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
_TARGET = """
name: {defect}
start:
  command: ["{{python}}", -c, "from waitress import serve; import broken_gateways as b; \
    serve(b.application, host='127.0.0.1', port={{port}}, threads=32)"]
  cwd: {here}
  env: {{DEFECT: {defect}, PYTHONPATH: {here}}}
  wsgi: broken_gateways:application
upstreams: {{AUTH_SERVER_URL: auth, BILLING_SERVER_URL: billing}}
ready: GET /ready
breakers:
  auth: {{attempts: 2, timeout: 1s, threshold: 3, wait: 4s}}
  billing: {{attempts: 2, timeout: 1s, threshold: 3, wait: 4s}}
without: [{unsaid}G1, G3, G5, G6, G7]
"""
_STATUS = "status: {request: GET /status, state: '{upstream}'}\n"
_LOG = """log:
  opened: "opened: (?P<upstream>\\\\w+)"
  rejected: "rejected by (?P<upstream>\\\\w+)"
"""

_BREAKS = {
    "trips_late": {"no traffic while open"},
    "all_probe": {"one probe", "no traffic while open"},
    "no_backoff": {"backoff between attempts"},
    "fails_open": {"never let in: auth can't say"},
    "billing_matters": {"never 5xx"},
    "count_kept": {"nobody turned away while closed"},
    "opening_logged_late": {"a truthful log"},
    "opening_shown_late": {"a truthful status endpoint"},
}
"""What an exploration may call each mistake."""


ALL = os.environ.get("OUTAGE_EXPLORE") == "all"
"""Every opening on the reference, as every night; else each plot once or twice, on upstreams in
turn: they are served by the same code there.
"""


def target_text(defect: str) -> str:
    logged, shown = "logged" in defect, "shown" in defect
    unsaid = ("" if logged else "B11, ") + ("" if shown else "B12, ")
    text = _TARGET.format(defect=defect, here=HERE, unsaid=unsaid)
    return text + _LOG * logged + _STATUS * shown


def target_with(defect: str) -> Target:
    return parse_target(target_text(defect), str(HERE / f"{defect}.yaml"))


def hunted(
    player: Player,
    *,
    seed: int,
    examples: int,
    until: Collection[str] = (),
    share: tuple[int, int] = (0, 1),
) -> tuple[list[Result], Hunt]:
    """What is found in so many examples, or until one of these promises is broken."""
    found: list[Result] = []
    hunt = Hunt(
        player,
        seed=seed,
        limits=Limits(examples=examples),
        origin=Origin(target_name="target.yaml", seed=seed),
        say=found.append,
        ended=lambda: any(result.promise in until for result in found),
        share=share,
    )
    hunt.run()
    return found, hunt


def explored(defect: str, simulation: SimEngine | None = None) -> tuple[Result, ...]:
    """What is found in a gateway with one mistake, until it is found."""
    with Player(target_with(defect), simulation) as player:
        return tuple(hunted(player, seed=4, examples=400, until=_BREAKS[defect])[0])


explored_once = cache(explored)
"""For whoever only needs what was found."""


@pytest.mark.parametrize("seed", [1, 2])
def test_a_sound_gateway_of_another_make_is_not_accused(second: Player, seed: int) -> None:
    found, hunt = hunted(second, seed=seed, examples=41)
    assert [result.text for result in found] == []
    assert hunt.coverage.plays >= 41
    assert sum(hunt.coverage.troubles.values()) < 10, hunt.coverage.troubles


def test_the_reference_gateway_is_not_accused(reference: Player) -> None:
    count = len(tuple(openings(reference.surface, reference.surface.upstreams)))
    parts = 1 if ALL else len(reference.surface.upstreams) - 1
    share = (0, parts)
    found, hunt = hunted(reference, seed=5, examples=-(-count // parts) + 2, share=share)
    assert [result.text for result in found] == []
    assert hunt.coverage.requests > 100


@pytest.mark.parametrize("defect", sorted(_BREAKS))
def test_a_mistake_is_found_and_its_scenario_fails_until_it_is_mended(
    defect: str, second: Player, simulation: SimEngine
) -> None:
    found = explored_once(defect, simulation)
    fitting = [result for result in found if result.promise in _BREAKS[defect]]
    assert fitting, [result.says for result in found]
    smallest = min(fitting, key=lambda result: result.duration_s)
    scenario = parse_scenario(smallest.text, smallest.file_name)
    seed = Outage.from_bytes(smallest.outage).seed
    with Player(target_with(defect), simulation) as player:
        judgement = judge(scenario, player.play(scenario, seed))
    assert judge(scenario, second.play(scenario, seed)).verdict is Verdict.PASSED
    assert judgement.verdict is Verdict.FAILED
    assert scenario.duration <= 30
    assert "# in milliseconds: outage run" in smallest.text
    assert len(scenario.faults) <= 2


def test_run_judge_and_explore_say_the_same_of_one_history(
    tmp_path: Path, simulation: SimEngine
) -> None:
    with Player(target_with("trips_late"), simulation) as player:
        played = [
            player.try_out(outage) for outage in islice(openings(player.surface, ("auth",)), 4)
        ]
    assert any(seen.broken for seen in played)
    for number, seen in enumerate(played):
        scenario, saved = seen.outage.scenario(), tmp_path / f"{number}.jsonl"
        saved.write_text("".join(f"{to_json(each)}\n" for each in seen.history.events))
        run, again = judge(scenario, seen.history), judge(scenario, read_history(saved))
        assert run == again
        failed = {each.name for each in run.promises if each.verdict is Verdict.FAILED}
        assert failed == {violation.name for violation in seen.broken}


def test_the_same_seed_finds_the_same(simulation: SimEngine) -> None:
    first = explored_once("no_backoff", simulation)
    assert first
    assert [result.text for result in explored("no_backoff")] == [result.text for result in first]


def test_what_was_found_is_remembered_and_played_first(
    tmp_path: Path, simulation: SimEngine
) -> None:
    target = target_with("billing_matters")
    with Player(target, simulation) as player:
        found = explored_once("billing_matters", simulation)
        memory = Memory(tmp_path, "some target")
        memory.keep(found[0].outage)
        again: list[Result] = []
        hunt = Hunt(
            player,
            seed=99,
            limits=Limits(examples=1),
            origin=Origin(target_name="target.yaml", seed=99),
            say=again.append,
        )
        hunt.run(Outage.from_bytes(data) for data in Memory(tmp_path, "some target").remembered())
    assert (found[0].promise, found[0].about) in {(r.promise, r.about) for r in again}
    assert Memory(tmp_path, "another").remembered() == ()


def test_no_play_is_begun_that_would_not_be_judged_in_time(
    second: Player, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each takes 3 s of a clock that nothing else moves: of 40 s five are for what may be found."""
    now_s = 100.0
    seen = second.try_out(next(iter(openings(second.surface, second.surface.upstreams))))
    assert not seen.broken

    def slowly(outage: Outage) -> Seen:
        nonlocal now_s
        now_s += 3.0
        return seen

    monkeypatch.setattr(second, "try_out", slowly)
    monkeypatch.setattr("harness.explore.hunt.time", SimpleNamespace(monotonic=lambda: now_s))
    origin = Origin(target_name="target.yaml", seed=1)
    limits = Limits(until_s=140.0)
    Hunt(second, seed=1, limits=limits, origin=origin, say=lambda result: None).run()
    assert now_s == 133.0
