"""What hangs on a draw is said to be untold."""

from __future__ import annotations

import pytest

from harness.contract.prediction import predict
from harness.scenario.loader import parse_scenario
from harness.target.loading import parse_target


@pytest.mark.parametrize(
    ("fault", "untold"),
    [
        ("latency, latency: 9s, toxicity: 60%", "which connections `latency` hits is drawn"),
        ("status, status: 503, share: 60%", "which calls `status` hits is drawn"),
        ("status, status: 503, share: 1%", ""),  # it opens in no run
        ("status, status: 404, share: 60%", ""),
        ("malformed, share: 60%", ""),
        ("status, status: 503", ""),
    ],
)
def test_a_draw_that_decides_whether_it_opens_leaves_its_breaker_untold(
    fault: str, untold: str
) -> None:
    text = (
        "title: x\nduration: 90s\n"
        "traffic: {check: {request: GET /v1/api/auth/check, as: ada, rate: 1/s}}\n"
        f"faults: [{{upstream: auth, fault: {fault}, to: 30s}}]\n"
        "expect: [{never: {status: 599}}]\n"
    )
    assert predict(parse_scenario(text, "x")).of("auth").untold == untold


def test_a_share_in_which_calls_under_way_count_leaves_its_breaker_untold() -> None:
    target = parse_target(
        "name: t\nstart: {command: [x]}\nupstreams: {A: auth, B: billing}\nbreakers:\n"
        "  auth: {rate: {share: 50%, within: 10s, least: 6, under_way: true}}\n",
        "t.yaml",
    )
    text = (
        "title: x\nduration: 30s\n"
        "traffic: {check: {request: GET /v1/api/auth/check, as: ada, rate: 1/s}}\n"
        "faults: [{upstream: UP, fault: status, status: 503}]\n"
        "expect: [{never: {status: 599}}]\n"
    )
    for upstream, said in ("auth", "calls under way count in its share"), ("billing", ""):
        scenario = parse_scenario(text.replace("UP", upstream), "x")
        untold = predict(scenario, {"auth": target.settings("auth")}).of("auth").untold
        assert untold.startswith(said)
        assert bool(untold) == bool(said)
