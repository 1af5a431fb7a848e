"""What a target can be held to: promises about policies only where somebody declared these."""

from __future__ import annotations

from harness.explore.declared import with_declared_only
from harness.target.loading import parse_target

BASE = (
    "name: x\nurl: http://127.0.0.1:8080\nupstreams: {RATES_URL: rates}\n"
    "stubs: {rates: [{route: GET /rate}]}\n"
)


def test_an_upstream_that_nobody_declared_a_policy_of_is_held_to_none() -> None:
    target, undeclared = with_declared_only(parse_target(BASE, "x.yaml"))
    assert undeclared == ("rates",)
    assert {"B2", "B4", "B8"} <= set(target.without)
    assert "G9" not in target.without


def test_what_is_declared_is_held_against_it() -> None:
    text = BASE + "breakers: {rates: {threshold: 3}}\n"
    target, undeclared = with_declared_only(parse_target(text, "x.yaml"))
    assert (undeclared, target.without) == ((), ())
