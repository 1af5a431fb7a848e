"""What counts as a failure of an expectation, from histories built by hand."""

from __future__ import annotations

import pytest

from harness.prove.ledger import Ledger
from tests.unit.checks.conftest import World, scenario_of

TEXT = """
faults: [{fault: refused, upstream: auth, from: 0s, to: 50s}]
expect:
  - {traffic: chat, status: 401, during: 0s..5s}
  - {never: {status: 500}}
  - {traffic: chat, status: 200, while: auth has recovered, claims: [B4]}
"""


def play(status: int, *, fault: bool = True, warm: int = 200, **run: object) -> World:
    world = World(**run).warmed_up(status=warm).answers("chat", range(90), status)
    return world.fault("refused", "auth", 0.0, 50.0) if fault else world


@pytest.fixture
def ledger() -> Ledger:
    made = Ledger(scenario_of(TEXT))
    assert made.begin(play(401).history()) is None
    assert made.count == 3
    return made


def test_what_fails_without_the_faults_is_proved(ledger: Ledger) -> None:
    calm = ledger.scenario.model_copy(update={"faults": ()})
    assert ledger.add("without its faults", calm, play(200, fault=False).history())
    assert list(ledger.failed_by.values()) == ["without its faults"]
    assert [index for index, _ in ledger.open] == [1, 2]


def test_what_never_fails_is_told_with_the_plays_that_it_passed(ledger: Ledger) -> None:
    for label in ("naive", "a", "b", "c", "d"):
        assert ledger.add(label, ledger.scenario, play(401).history())
    why = {each.expectation: each.why for each in ledger.unprovable()}
    assert why["never 500 for a request"] == (
        "passed on every gateway tried: 5 plays (naive, a, b, c, 1 more)"
    )
    assert why["chat is answered 200 once auth has recovered"] == (
        "judged on no gateway tried: 5 plays (naive, a, b, c, 1 more)"
    )


def test_a_play_that_went_wrong_by_itself_counts_for_nothing(ledger: Ledger) -> None:
    assert not ledger.add("naive", ledger.scenario, play(500, warm=500).history())
    assert not ledger.add("other", ledger.scenario, play(500).trouble("a stub died").history())
    assert ledger.plays == []
    (why,) = {each.why for each in ledger.unprovable()}
    assert why.startswith("no other play of it could be judged: naive: run: steady state of chat")
    assert why.endswith(", and 1 more")
    assert ledger.add("b", ledger.scenario, play(401).history())
    assert "1 play (b); 2 plays went wrong: naive: " in ledger.unprovable()[0].why


def test_only_claims_of_what_is_open_matter(ledger: Ledger) -> None:
    assert ledger.questions == {0: {"T1"}, 1: {"T1"}, 2: {"B4"}}
    ledger.add("a", ledger.scenario, play(500).history())
    assert ledger.questions == {2: {"B4"}}


def test_what_the_target_does_not_owe_is_not_asked_for() -> None:
    made = Ledger(scenario_of(TEXT))
    assert made.begin(play(401, without=("B4",)).history()) is None
    assert [index for index, _ in made.open] == [0, 1]


def test_a_scenario_whose_own_play_went_wrong_is_not_judged() -> None:
    made = Ledger(scenario_of(TEXT))
    assert "steady state" in (made.begin(play(401, warm=503).history()) or "")
    assert made.count == 0
