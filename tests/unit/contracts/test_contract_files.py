"""Contract files: what is wrong with one is told with its line and the nearest right spelling."""

from __future__ import annotations

import pytest

from harness.contracts import Contract, parse_contract
from harness.errors import InvalidFile
from harness.policy.backoffs import Listed

SHOP = """\
name: shop
users:
  carla: {bearer: token-carla}
upstreams:
  payments:
    variable: PAYMENTS_URL
    attempts: 3
    timeout: 2s
    backoff: [200ms, 400ms]
    breaker: {rule: in a row, threshold: 4, wait: 15s}
  stock: {timeout: 1s}
profiles:
  hasty: {"*": {timeout: 500ms}, payments: {threshold: 2}}
routes:
  order:
    request: POST /orders/{number}
    status: 201
    calls:
      - {call: "stock GET /stock/{number}", else: 409, needs: {left: a number},
         stops: {410: left <= 0}}
      - {call: payments POST /pay, else: go on, after: "stock GET /stock/{number}", once: true}
    claims: [S1]
traffic:
  order: {request: POST /orders/7, as: carla, healthy: 201}
claims:
  S1: {says: An order is paid once.}
"""  # fmt: skip


def shop() -> Contract:
    return parse_contract(SHOP, "shop.yaml")


def test_a_contract_says_all_of_its_upstreams_and_routes() -> None:
    contract = shop()
    own = contract.settings_of("payments")
    assert (own.attempts, own.timeout_s, own.failures, own.wait_s) == (3, 2.0, 4, 15.0)
    assert own.backoff == Listed((0.2, 0.4))
    hasty = contract.profile("hasty")
    assert (hasty["payments"].failures, hasty["payments"].timeout_s) == (2, 2.0)
    assert hasty["stock"].timeout_s == 0.5
    assert contract.variables == {"PAYMENTS_URL": "payments"}
    route = contract.route_of("POST /orders/12/?x=1")
    assert route is not None
    assert [step.upstream for step in route.calls] == ["stock", "payments"]
    assert contract.route_of("POST /orders/12/more") is None
    assert contract.ledgers == ("payments",)


@pytest.mark.parametrize(
    ("right", "wrong", "line", "says"),
    [
        ("attempts: 3", "atempts: 3", 7, "did you mean 'attempts'"),
        ("call: payments POST", "call: paiments POST", 21, "did you mean 'payments'"),
        ("call: payments POST", "call: payments PSOT", 21, "did you mean 'POST'"),
        ("threshold: 4,", "threshold: 0,", 10, "expected at least 1"),
        ("rule: in a row", "rule: in row", 10, "did you mean 'in a row'"),
        ("else: 409", "else: carry on", 19, "go on"),
        ("else: 409, ", "", 19, "'else' is missing"),
        ("left <= 0", "nothing left", 20, "balance <= 0"),
        ('after: "stock GET /stock/{number}"', "after: stock GET /stok", 21, "no earlier call"),
        ("claims: [S1]", "claims: [S2]", 22, "claim 'S2' is not known"),
        ("as: carla", "as: carlo", 24, "did you mean 'carla'"),
        ("{threshold: 2}", "{treshold: 2}", 13, "did you mean 'threshold'"),
        ("payments: {threshold", "payment: {threshold", 13, "did you mean 'payments'"),
    ],
)
def test_a_mistake_is_told_where_it_stands(right: str, wrong: str, line: int, says: str) -> None:
    assert SHOP.count(right) == 1
    with pytest.raises(InvalidFile) as caught:
        parse_contract(SHOP.replace(right, wrong), "shop.yaml")
    (problem,) = caught.value.problems
    assert problem.line == line
    assert says in problem.message
