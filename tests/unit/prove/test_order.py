"""Which defect is tried next."""

from __future__ import annotations

from harness.prove.order import Order
from harness.prove.variants import Defective
from harness.target.loading import bundled
from tests.unit.checks.conftest import scenario_of

SCENARIO = scenario_of(
    "expect: [{never: {status: 500}}, {never: {status: 502}}, {traffic: chat, status: 200}]"
)


def defective(name: str, claims: str, *scenarios: str) -> Defective:
    target = bundled("reference")
    assert target is not None
    return Defective(
        id=name,
        claims=frozenset(claims.split()),
        scenarios=frozenset(scenarios),
        target=target,
    )


def in_order(order: Order, questions: dict[int, set[str]], **more: object) -> list[str]:
    tried: list[str] = []
    while (found := order.following(SCENARIO, questions, tried, **more)) is not None:  # type: ignore[arg-type]
        tried.append(found.id)
    return tried


def test_known_defects_come_first_and_only_those_of_claims_in_question() -> None:
    defects = [
        defective("broad", "B1 B2 B3"),
        defective("apt", "B3"),
        defective("known", "B3 G2", "s"),
        defective("known for something else", "G1", "s"),
        defective("of other claims", "G7"),
        defective("silent about claims", ""),
    ]
    order = Order(defects)
    assert in_order(order, {0: {"B3"}}) == ["known", "apt", "silent about claims", "broad"]
    assert in_order(order, {0: {"B3"}}, known_only=[0]) == ["known"]
    assert in_order(order, {}) == []


def test_what_failed_the_same_demand_elsewhere_is_likelier_and_what_did_not_is_less() -> None:
    defects = [defective("a", "B3"), defective("b", "B3"), defective("c", "B3")]
    order = Order(defects)
    order.learn(defects[0], SCENARIO, tried=[0, 1], failed=[])
    order.learn(defects[2], SCENARIO, tried=[0, 1], failed=[1])
    assert in_order(order, {0: {"B3"}}) == ["b", "a", "c"]
    assert in_order(order, {1: {"B3"}}) == ["c", "b", "a"]


def test_one_that_may_fail_more_of_what_is_open_comes_first() -> None:
    order = Order([defective("one", "B3"), defective("both", "B3 G1")])
    assert in_order(order, {0: {"B3"}, 1: {"G1"}, 2: {"G1"}}) == ["both", "one"]
