"""What was measured, as the files that it becomes: nothing stands there that wasn't found."""

from __future__ import annotations

import pytest

from harness.contracts import document, parse_contract
from harness.measure.downs import Downs
from harness.measure.findings import Breaker, Findings, Span
from harness.measure.measuring import Measured
from harness.measure.routes import Known
from harness.measure.writing import as_contract, as_target, target_sections

OWN = """
name: shop
claims: {S1: {says: The stock is left alone.}, S2: {says: It tries again.}}
promises: {makes no call while open: [S1], tries again when its wait is over: [S2]}
"""


def measured(**breaker: object) -> Measured:
    own = Breaker(rule="in a row", threshold=4, wait=Span(low_s=7.9, high_s=8.1), **breaker)
    found = Findings(upstream="stock", attempts=1, timeout=Span(low_s=1.4, high_s=1.6), breaker=own)
    known = Known(routes=())
    return Measured(
        target="shop", engine="sim", upstreams={"stock": found}, known=known, downs=Downs()
    )


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"trials": 1}, None),
        ({"trials": 3}, 3),
        ({"everybody": True}, "everybody"),
        ({"everybody": True, "begins_anew": True}, "none"),
    ],
)
def test_who_may_pass_while_half_open_is_written_as_it_was_seen(found, said):
    sections = target_sections(measured(**found), document())
    assert sections["breakers"]["stock"].get("trials") == said
    contract = as_contract(measured(**found), {"STOCK_URL": "stock"})
    closes = parse_contract(contract, "contract.yaml").settings_of("stock").breaker.trials.says
    names = {None: "one trial", "none": "no trial", 3: "3 trials at once", "everybody": "everybody"}
    assert closes == names[said]


def test_what_was_not_found_is_not_promised_by_the_contracts_own_claims():
    found = measured()
    found.upstreams["stock"].breaker.wait = None
    sections = target_sections(found, parse_contract(OWN, "shop.yaml"))
    assert sections["without"][:4] == [
        "opens after enough failures", "turns nobody away while closed", "S1",
        "turns away at once while open",
    ]  # fmt: skip
    assert "without: [B2, B3, B4, B5, B6, B7]" in as_target(found, document())
