"""Delays that are drawn: the stub draws them as the arithmetic does."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.contract.prediction import predict
from harness.scenario.faults.delays import Drawn, parse_delay
from harness.scenario.loader import parse_scenario
from stub_services.actions import parse_action
from stub_services.bounds import BadRequest

FORMS = (
    {"mean": "500ms", "jitter": "200ms"},
    {"mean": "500ms", "deviation": "200ms"},
    {"p50": "100ms", "p95": "1s", "p99": "3s"},
)


def delay(form: dict[str, str]) -> Drawn:
    parsed = parse_delay(form)
    assert isinstance(parsed, Drawn)
    return parsed


@given(st.sampled_from(FORMS), st.floats(0, 1))
def test_a_stub_draws_what_the_arithmetic_draws(form: dict[str, str], share: float) -> None:
    drawn = delay(form)
    points = [list(point) for point in drawn.quantiles]
    action = parse_action({"action": "delay", "quantiles": points})
    assert action is not None
    assert action.drawn(lambda: share).delay_s == pytest.approx(drawn.at(share))


def test_a_jitter_is_alike_to_both_sides_of_its_mean() -> None:
    drawn = delay(FORMS[0])
    assert [drawn.at(share) for share in (0.0, 0.25, 0.5, 1.0)] == pytest.approx(
        [0.3, 0.4, 0.5, 0.7]
    )


def test_a_normal_one_has_its_mean_and_deviation_and_is_never_negative() -> None:
    drawn, rng = delay(FORMS[1]), random.Random(7)
    values = [drawn.at(rng.random()) for _ in range(20_000)]
    mean = sum(values) / len(values)
    assert mean == pytest.approx(0.5, abs=0.01)
    assert (sum((each - mean) ** 2 for each in values) / len(values)) ** 0.5 == pytest.approx(
        0.2, abs=0.01
    )
    assert min(values) >= 0
    assert delay({"mean": "100ms", "deviation": "200ms"}).at(0.0) == 0.0


def test_percentiles_are_met_exactly_and_straight_between() -> None:
    drawn = delay(FORMS[2])
    assert [drawn.at(share) for share in (0.0, 0.5, 0.725, 0.95, 0.99, 1.0)] == pytest.approx(
        [0.1, 0.1, 0.55, 1.0, 3.0, 3.0]
    )


@pytest.mark.parametrize(
    "quantiles", [[], [[0.5]], [[0.5, 1], [0.4, 2]], [[0.5, 2], [0.9, 1]], [["a", 1]], 3]
)
def test_a_stub_refuses_what_is_no_distribution(quantiles: object) -> None:
    with pytest.raises(BadRequest, match=r"quantiles|share"):
        parse_action({"action": "delay", "quantiles": quantiles})


def forecast(delays: str):
    text = (
        "title: x\nduration: 60s\n"
        "traffic: {chat: {request: POST /v1/api/chat, as: ada, rate: 1/s}}\n"
        f"faults: [{{upstream: auth, fault: delay, delay: {delays}, to: 40s}}]\n"
    )
    return predict(parse_scenario(text, "x.yaml"))


def test_what_a_draw_decides_is_not_foretold() -> None:
    assert "drawn from 100ms to 8s" in forecast("{p50: 100ms, p99: 8s}").of("auth").untold
    answers = forecast("{p50: 100ms, p99: 8s}").answers["chat"]
    assert {200, 401} <= {status for part in answers for status in part.statuses}


def test_what_no_draw_decides_is() -> None:
    calm = forecast("{p50: 100ms, p99: 3s}")
    assert not calm.of("auth").untold
    assert {status for part in calm.answers["chat"] for status in part.statuses} == {200}
    hopeless = forecast("{mean: 8s, jitter: 1s}").of("auth")
    assert not hopeless.untold
    assert hopeless.opened.sure
