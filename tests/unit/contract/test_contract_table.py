"""The arithmetic against every row of the contract's table of timelines (section 4)."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from harness.contract import Forecast, Prediction
from harness.contract.prediction import predict
from harness.contracts import document
from harness.policy.thresholds import InARow
from harness.scenario.model import Scenario
from harness.units import Range

SLACK_S = 0.3
CHAT = {"request": "POST /v1/api/chat", "json": {"message": "hello"}, "as": "ada", "rate": "1/s"}
CHECK = {"request": "GET /v1/api/auth/check", "as": "ada", "rate": "1/s"}
LOGIN = {
    "request": "POST /v1/api/auth/login",
    "json": {"email": "{email}", "password": "{password}"},
    "as": "ada",
    "with": "nothing",
    "rate": "1/s",
    "addresses": 100,
}
READ = {"request": "GET /v1/api/project/{project}/file/a.txt", "as": "ada", "rate": "1/s"}
HISTORY = {"request": "GET /v1/api/project/{project}/history", "as": "ada", "rate": "1/s"}
LOOKUP = {"request": "GET /v1/api/lookup?q=x", "as": "ada", "rate": "1/s"}


def outage(
    upstream: str, fault: str, stream: dict[str, Any], *, length: str = "50s", **more: Any
) -> Scenario:
    """One fault from 0 s on, one stream named `it`, long enough to see all of it."""
    return Scenario.model_validate(
        {
            "title": "a row of the table",
            "duration": "240s",
            "traffic": {"it": stream},
            "faults": [{"upstream": upstream, "fault": fault, "from": "0s", "to": length, **more}],
            "expect": [{"never": {"status": 599}}],
        }
    )


def played(
    upstream: str, fault: str, stream: dict[str, Any], **more: Any
) -> tuple[Forecast, Prediction]:
    prediction = predict(outage(upstream, fault, stream, **more))
    return prediction, prediction.of(upstream)


def within(moment: Any, low_s: float, high_s: float) -> bool:
    """Surely happens, never outside the row's seconds, and reaches both ends of them."""
    return (
        moment.sure
        and low_s - 0.001 <= moment.earliest_s <= low_s + SLACK_S
        and high_s - 0.001 <= moment.latest_s <= high_s + SLACK_S
    )


def statuses(prediction: Forecast, first: int, last: int) -> set[int]:
    return {
        status
        for part in prediction.answers["it"]
        if part.last >= first and part.first <= last
        for status in part.statuses
    }


def test_t1_auth_blackhole_opens_at_9_s_and_closes_at_69_or_70_s() -> None:
    prediction, auth = played("auth", "blackhole", CHECK)
    assert within(auth.opened, 9, 9)
    assert auth.attempts == Range(12, 14)
    assert auth.first_rejection == {"it": (Range(10, 11),)}
    assert len(auth.probes) == 1
    assert within(auth.probe_moments[0], 69, 70)
    assert within(auth.closed_for_good, 69, 70)
    assert statuses(prediction, 1, 69) == {401}
    assert statuses(prediction, 72, 240) == {200}  # sent at 71 s or later


def test_t1_on_login_answers_the_documents_503() -> None:
    prediction, auth = played("auth", "blackhole", LOGIN)
    assert within(auth.opened, 9, 9)
    assert auth.first_rejection == {"it": (Range(10, 11),)}
    assert statuses(prediction, 1, 69) == {503}
    assert statuses(prediction, 72, 240) == {200}


@pytest.mark.parametrize(
    ("fault", "more"),
    [
        pytest.param("refused", {}, id="T2"),
        pytest.param("status", {"status": 503}, id="T3"),
    ],
)
def test_t2_t3_auth_failing_at_once_opens_at_2_s(fault: str, more: dict[str, Any]) -> None:
    prediction, auth = played("auth", fault, CHECK, **more)
    assert within(auth.opened, 2, 2)
    assert auth.attempts == Range(5, 5)
    assert auth.first_rejection == {"it": (Range(4, 4),)}
    assert within(auth.probe_moments[0], 62, 63)
    assert within(auth.closed_for_good, 62, 63)
    assert statuses(prediction, 1, 62) == {401}


def test_t4_billing_refused_opens_at_5_s_and_charging_resumes_after_a_second_wait() -> None:
    prediction, billing = played("billing", "refused", CHAT)
    assert within(billing.opened, 5, 5)
    assert billing.attempts == Range(10, 11)
    assert billing.first_rejection == {"it": (Range(6, 7),)}
    assert len(billing.probes) == 2
    assert within(billing.probe_moments[0], 35, 36)
    assert within(billing.closed_for_good, 65, 67)
    assert statuses(prediction, 1, 240) == {200}


def test_t5_billing_blackhole_opens_at_12_s() -> None:
    prediction, billing = played("billing", "blackhole", CHAT)
    assert within(billing.opened, 12, 12)
    assert billing.attempts == Range(18, 20)
    assert billing.first_rejection == {"it": (Range(13, 14),)}
    assert within(billing.probe_moments[0], 42, 43)
    assert within(billing.opening_moments[1], 47, 48)
    assert within(billing.closed_for_good, 77, 79)
    assert statuses(prediction, 1, 240) == {200}


def test_t6_chroma_refused_opens_at_4_s_and_chats_stay_fast() -> None:
    prediction, chroma = played("chroma", "refused", CHAT)
    assert within(chroma.opened, 4, 4)
    assert chroma.attempts == Range(5, 5)
    assert chroma.first_rejection == {"it": (Range(6, 6),)}
    assert within(chroma.closed_for_good, 64, 65)
    assert statuses(prediction, 1, 240) == {200}
    assert max(part.latency.high for part in prediction.answers["it"]) < 3


def test_t7_chroma_blackhole_opens_at_34_s_with_35_chats_held() -> None:
    prediction, chroma = played("chroma", "blackhole", CHAT, length="70s")
    assert within(chroma.opened, 34, 34)
    assert chroma.attempts == Range(34, 35)
    assert chroma.first_rejection == {"it": (Range(35, 36),)}
    assert within(chroma.closed_for_good, 94, 95)
    assert statuses(prediction, 1, 240) == {200}
    assert prediction.answers["it"][0].latency == Range(30, 30)


@pytest.mark.parametrize(
    ("upstream", "stream", "opens_s", "rejected", "closes_s"),
    [
        ("filesystem", READ, 2, 4, (62, 63)),
        ("git", HISTORY, 4, 6, (94, 95)),
        ("external_data", LOOKUP, 4, 6, (64, 65)),
    ],
)
def test_t8_the_other_services_refused(
    upstream: str,
    stream: dict[str, Any],
    opens_s: int,
    rejected: int,
    closes_s: tuple[int, int],
) -> None:
    prediction, own = played(upstream, "refused", stream)
    assert within(own.opened, opens_s, opens_s)
    assert own.attempts == Range(5, 5)
    assert own.first_rejection == {"it": (Range(rejected, rejected),)}
    assert within(own.closed_for_good, *closes_s)
    assert statuses(prediction, 1, 60) == {503}
    assert statuses(prediction, 100, 240) == {200}


def test_t9_an_outage_longer_than_the_wait_fails_two_probes() -> None:
    _, auth = played("auth", "status", CHECK, length="150s", status=503)
    assert within(auth.opened, 2, 2)
    assert auth.attempts == Range(5, 5)
    assert auth.first_rejection == {"it": (Range(4, 4),)}
    assert len(auth.probes) == 3
    assert within(auth.probe_moments[0], 62, 63)
    assert within(auth.probe_moments[1], 122, 124)
    assert within(auth.closed_for_good, 182, 185)


def test_t11_one_503_costs_one_call_one_second() -> None:
    prediction, auth = played("auth", "status", CHECK, status=503, first=1)
    assert not auth.opens
    assert str(auth.opened) == "never"
    assert statuses(prediction, 1, 240) == {200}
    first, rest = prediction.answers["it"]
    assert (first.first, first.last, first.latency) == (1, 1, Range(1, 1))
    assert (rest.last, rest.latency) == (240, Range(0, 0))


def test_everybody_who_asks_at_the_instant_of_the_trip_may_be_first() -> None:
    # With N = 3 it opens at 1 s, when two retries and two requests ask in any order: 3 to 6.
    scenario = outage("auth", "status", CHECK, length="20s", status=503)
    both = scenario.model_copy(
        update={"traffic": {**scenario.traffic, "other": scenario.traffic["it"]}}
    )
    own = document().settings["auth"]
    settings = {"auth": replace(own, breaker=replace(own.breaker, opens=InARow(3)))}
    assert predict(both, settings).of("auth").attempts == Range(3, 6)
